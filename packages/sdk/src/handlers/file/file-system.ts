import {
  type BigIntStats,
  close,
  closeSync,
  constants,
  createReadStream,
  createWriteStream,
  fstat,
  fstatSync,
  lstatSync,
  mkdirSync,
  open,
  openSync,
  read,
  readSync,
  write,
  writeSync,
} from 'node:fs';
import { lstat, mkdir, readdir, rename, unlink, writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGzip } from 'node:zlib';

/** What the file handler wants to know about a file. */
export interface FileStat {
  /** Device and inode: the same for one file under whichever name. */
  readonly id: string;
  readonly size: number;
  readonly mtimeMillis: number;
  /** Names that the file has; 0 once it was deleted. */
  readonly links: number;
  /** A regular file: no folder, link, pipe or device. */
  readonly isFile: boolean;
}

/** The calls to the file system that the file handler makes, so that tests can let them fail. */
export interface FileSystem {
  /** Opens a file to append to and to read; created if it is not there. Follows no symbolic link (ELOOP). */
  open(path: string, mode: number): Promise<number>;
  /** Makes an empty file; EEXIST if there is anything. */
  create(path: string, mode: number): Promise<void>;
  /** Appends; answers how many bytes were written, which may be fewer than were given. */
  write(fd: number, bytes: Uint8Array): Promise<number>;
  read(fd: number, position: number, length: number): Promise<Uint8Array>;
  close(fd: number): Promise<void>;
  fstat(fd: number): Promise<FileStat>;
  lstat(path: string): Promise<FileStat>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  mkdir(folder: string, mode: number): Promise<void>;
  list(folder: string): Promise<readonly string[]>;
  /** Writes a new file, on disk before this resolves; EEXIST if there is one. Answers how many bytes it has read. */
  gzip(from: string, to: string, mode: number): Promise<number>;
  readonly sync: {
    open(path: string, mode: number): number;
    write(fd: number, bytes: Uint8Array): number;
    read(fd: number, position: number, length: number): Uint8Array;
    close(fd: number): void;
    fstat(fd: number): FileStat;
    lstat(path: string): FileStat;
    mkdir(folder: string, mode: number): void;
  };
}

// Windows has no such flag, and asks for rights to make symbolic links.
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;
// Without O_NONBLOCK a pipe at the path would be waited for.
const APPEND = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | NO_FOLLOW | (constants.O_NONBLOCK ?? 0);

const openFile = promisify(open);
const writeTo = promisify(write);
const readFile = promisify(read);
const closeFile = promisify(close);
const fstatFile = promisify(fstat);

/** Inodes may be larger than a number can be. */
const BIG = { bigint: true } as const;

function fileStat(stat: BigIntStats): FileStat {
  return {
    id: `${stat.dev}:${stat.ino}`,
    size: Number(stat.size),
    mtimeMillis: Number(stat.mtimeMs),
    links: Number(stat.nlink),
    isFile: stat.isFile(),
  };
}

/** The file system of this machine. */
export const NODE_FILE_SYSTEM: FileSystem = {
  open: (path, mode) => openFile(path, APPEND, mode),
  create: (path, mode) => writeFile(path, '', { flag: 'wx', mode }),
  write: async (fd, bytes) => (await writeTo(fd, bytes)).bytesWritten,
  async read(fd, position, length) {
    const { bytesRead, buffer } = await readFile(fd, new Uint8Array(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  },
  close: (fd) => closeFile(fd),
  fstat: async (fd) => fileStat(await fstatFile(fd, BIG)),
  lstat: async (path) => fileStat(await lstat(path, BIG)),
  rename,
  unlink,
  async mkdir(folder, mode) {
    await mkdir(folder, { recursive: true, mode });
  },
  list: (folder) => readdir(folder),
  async gzip(from, to, mode) {
    const source = createReadStream(from);
    await pipeline(source, createGzip(), createWriteStream(to, { flags: 'wx', mode, flush: true }));
    return source.bytesRead;
  },
  sync: {
    open: (path, mode) => openSync(path, APPEND, mode),
    write: (fd, bytes) => writeSync(fd, bytes),
    read(fd, position, length) {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, readSync(fd, bytes, 0, length, position));
    },
    close: (fd) => closeSync(fd),
    fstat: (fd) => fileStat(fstatSync(fd, BIG)),
    lstat: (path) => fileStat(lstatSync(path, BIG)),
    mkdir(folder, mode) {
      mkdirSync(folder, { recursive: true, mode });
    },
  },
};

/** `ENOSPC` and the like; the name of the error if it is none of the file system's. */
export function errorCode(error: unknown): string {
  const { code, name } = (typeof error === 'object' && error !== null ? error : {}) as {
    code?: unknown;
    name?: unknown;
  };
  if (typeof code === 'string') return code;
  return typeof name === 'string' ? name : 'unknown';
}
