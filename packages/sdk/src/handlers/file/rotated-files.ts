import type { Announcer } from '../../delivery/announce.ts';
import type { ShipperTime } from '../../delivery/shipper.ts';
import { errorCode, type FileStat, type FileSystem } from './file-system.ts';
import { type RotatedFile, RotatedNames } from './rotated-name.ts';

export interface RotatedFilesOptions {
  readonly gzip: boolean;
  /** Files to keep; how old they may be; how large together. What is undefined deletes nothing. */
  readonly keep: number | undefined;
  readonly maxAgeMillis: number | undefined;
  readonly maxTotalBytes: number | undefined;
  readonly mode: number;
}

/**
 * Another process that writes the same log notices within a second that it was rotated, and until then writes into the
 * rotated file: that file is left alone until it has been quiet for this long.
 */
const QUIET_MILLIS = 5_000;
/** What another process may still be at work on. */
const ABANDONED_MILLIS = 60_000;
const AGAIN_MILLIS = 60_000;

type Found = RotatedFile & FileStat;

/**
 * The files that once were the log: gives them their names, compresses them, and deletes those that are too many, too old
 * or too large. All of it follows from what is in the folder, so a process that starts goes on where the last one
 * stopped. Failures are announced and tried again; nothing here throws or rejects except {@link reserve}.
 */
export class RotatedFiles {
  readonly #names: RotatedNames;
  readonly #options: RotatedFilesOptions;
  readonly #files: FileSystem;
  readonly #time: ShipperTime;
  readonly #announcer: Announcer;
  #lastStamp = Number.NEGATIVE_INFINITY;
  #tidying = false;
  #again = false;
  #timer: { unref?(): void } | undefined;
  #stopped = false;

  constructor(path: string, options: RotatedFilesOptions, files: FileSystem, time: ShipperTime, announcer: Announcer) {
    this.#names = new RotatedNames(path);
    this.#options = options;
    this.#files = files;
    this.#time = time;
    this.#announcer = announcer;
  }

  /**
   * A path that nothing else has: an empty file stands there now, so that the log can be renamed to it and overwrites
   * nothing, whatever other processes do. Rejects with what the file system says.
   */
  async reserve(lastWriteMillis: number): Promise<string> {
    for (let stamp = Math.max(Math.floor(lastWriteMillis), this.#lastStamp + 1); ; stamp++) {
      this.#lastStamp = stamp;
      if (await this.#exists(this.#names.gzip(stamp))) continue;
      const path = this.#names.plain(stamp);
      try {
        await this.#files.create(path, this.#options.mode);
        return path;
      } catch (error) {
        if (errorCode(error) !== 'EEXIST') throw error;
      }
    }
  }

  /** Looks at the folder and does what there is to do, soon and beside everything else. */
  tidy(): void {
    this.#time.clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#stopped) return;
    if (this.#tidying) {
      this.#again = true;
      return;
    }
    this.#tidying = true;
    void this.#tidy().then((later) => {
      this.#tidying = false;
      if (this.#again) {
        this.#again = false;
        this.tidy();
      } else if (later !== undefined && !this.#stopped) {
        this.#timer = this.#time.setTimeout(() => this.tidy(), later);
        this.#timer.unref?.();
      }
    });
  }

  /** Nothing is begun any more. A compression that is under way comes to its end. */
  stop(): void {
    this.#stopped = true;
    this.#time.clearTimeout(this.#timer);
  }

  /** In how many milliseconds there will be more to do. Never rejects. */
  async #tidy(): Promise<number | undefined> {
    try {
      const found = await this.#find();
      const now = this.#time.wall();
      const isAbandoned = ({ mtimeMillis }: Found) => now - mtimeMillis > ABANDONED_MILLIS;
      for (const file of found) {
        // An empty one was reserved and never used.
        const isDebris = file.kind === 'unfinished' || (file.kind === 'plain' && file.size === 0);
        if (isDebris && isAbandoned(file)) await this.#delete(file);
      }
      const surplus = await this.#deleteSurplus(found.filter(({ kind }) => kind !== 'unfinished'));
      const compress = this.#options.gzip && !this.#stopped ? await this.#compress() : undefined;
      return surplus === undefined ? compress : Math.min(surplus, compress ?? surplus);
    } catch (error) {
      // The folder is gone until the log is opened again: then there is nothing to do.
      if (errorCode(error) === 'ENOENT') return undefined;
      this.#announcer.warn(`clean-up: ${errorCode(error)}`, 'rotated files could not be looked after; tried again');
      return AGAIN_MILLIS;
    }
  }

  /** All that is ours in the folder, the oldest first. */
  async #find(): Promise<Found[]> {
    const found: Found[] = [];
    for (const name of await this.#files.list(this.#names.folder)) {
      const file = this.#names.read(name);
      if (file === undefined) continue;
      try {
        const stat = await this.#files.lstat(file.path);
        // A folder or a link of that name is somebody else's.
        if (stat.isFile) found.push({ ...stat, ...file });
      } catch (error) {
        if (errorCode(error) !== 'ENOENT') throw error;
      }
    }
    return found.sort((a, b) => a.stampMillis - b.stampMillis);
  }

  /** In how many milliseconds one can be deleted that must not be yet. */
  async #deleteSurplus(files: readonly Found[]): Promise<number | undefined> {
    const { keep = Number.POSITIVE_INFINITY, maxAgeMillis, maxTotalBytes = Number.POSITIVE_INFINITY } = this.#options;
    const oldest = maxAgeMillis === undefined ? Number.NEGATIVE_INFINITY : this.#time.wall() - maxAgeMillis;
    let count = 0;
    let bytes = 0;
    let stamp = Number.NaN;
    let later: number | undefined;
    for (const file of [...files].reverse()) {
      // A file and its compressed form, between the two steps of a compression, are one.
      if (file.stampMillis !== stamp) count++;
      stamp = file.stampMillis;
      bytes += file.size;
      if (count <= keep && file.stampMillis >= oldest && bytes <= maxTotalBytes) continue;
      const busy = file.kind === 'plain' ? this.#busyMillis(file) : 0;
      if (busy > 0) later = Math.min(later ?? busy, busy);
      else await this.#delete(file);
    }
    return later;
  }

  async #compress(): Promise<number | undefined> {
    let later: number | undefined;
    for (const file of await this.#find()) {
      if (file.kind !== 'plain' || file.size === 0) continue;
      const busy = this.#busyMillis(file);
      if (busy > 0) later = Math.min(later ?? busy, busy);
      else if (this.#stopped || !(await this.#compressOne(file))) later ??= AGAIN_MILLIS;
    }
    return later;
  }

  /** How long it will be until it has been quiet for long enough, if nobody writes it any more. */
  #busyMillis({ mtimeMillis }: Found): number {
    // Far in the future means that the clock was set back.
    return Math.max(0, QUIET_MILLIS - Math.abs(this.#time.wall() - mtimeMillis));
  }

  /**
   * The compressed file gets its name when all of it is on disk, and only then the original goes: a process that dies in
   * between leaves the original, and the next one compresses it again.
   */
  async #compressOne({ path, stampMillis, id, size }: Found): Promise<boolean> {
    const unfinished = this.#names.unfinished(stampMillis, this.#time.random());
    try {
      const read = await this.#files.gzip(path, unfinished, this.#options.mode);
      const now = await this.#files.lstat(path);
      if (read !== size || now.id !== id || now.size !== size) throw new RotatedFileChanged();
      await this.#files.rename(unfinished, this.#names.gzip(stampMillis));
      await this.#files.unlink(path);
      return true;
    } catch (error) {
      this.#announcer.warn(`compression: ${errorCode(error)}`, 'a rotated file could not be compressed; tried again');
      await this.#files.unlink(unfinished).catch(() => undefined);
      return false;
    }
  }

  async #delete({ path }: Found): Promise<void> {
    try {
      await this.#files.unlink(path);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
    }
  }

  async #exists(path: string): Promise<boolean> {
    try {
      await this.#files.lstat(path);
      return true;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return false;
      throw error;
    }
  }
}

class RotatedFileChanged extends Error {
  override readonly name = 'changed meanwhile';
}
