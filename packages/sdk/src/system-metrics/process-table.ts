import { readdir, readFile } from 'node:fs/promises';
import type { Probe, Readings } from './probe.ts';

/** The files that are read, so that a test can have others. */
export interface ProcFiles {
  readFile(path: string): Promise<string>;
  readdir(path: string): Promise<readonly string[]>;
}

const LINUX: ProcFiles = { readFile: (path) => readFile(path, 'utf8'), readdir: (path) => readdir(path) };

/** Threads and open file descriptors, as Linux tells them under /proc; elsewhere they are left out. */
export function threadProbe(files: ProcFiles = LINUX): Probe {
  return {
    read: () =>
      whereThereIsOne(async () => {
        const [, threads] = /^Threads:\s+(\d+)$/m.exec(await files.readFile('/proc/self/status')) ?? [];
        return threads === undefined ? {} : { threads: Number(threads), 'process.thread.count': Number(threads) };
      }),
  };
}

/** Open file descriptors: files, sockets and pipes. */
export function descriptorProbe(files: ProcFiles = LINUX): Probe {
  return {
    read: () =>
      whereThereIsOne(async () => {
        // One of them is the folder itself, open to be read.
        const open = (await files.readdir('/proc/self/fd')).length - 1;
        return { open_files: open, 'process.unix.file_descriptor.count': open };
      }),
  };
}

/** A file that is not there is another platform, not a failure. */
async function whereThereIsOne(read: () => Promise<Readings>): Promise<Readings> {
  try {
    return await read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return {};
    throw error;
  }
}
