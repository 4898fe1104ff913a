import { dirname } from 'node:path';
import type { Announcer } from '../../delivery/announce.ts';
import type { ShipperTime } from '../../delivery/shipper.ts';
import { errorCode, type FileStat, type FileSystem } from './file-system.ts';
import type { RotatedFiles } from './rotated-files.ts';

export interface LogFileOptions {
  /** Absolute. */
  readonly path: string;
  readonly maxBytes: number | undefined;
  /** Rotate when the UTC clock enters the next one. */
  readonly periodMillis: number | undefined;
  readonly mode: number;
  readonly folderMode: number;
}

const LOOK_MILLIS = 1_000;
const ROTATE_AGAIN_MILLIS = 10_000;
const NEWLINE = 10;
const LINE_END: Uint8Array = Uint8Array.of(NEWLINE);
/** A line of ours was written in part, and nowhere can it be continued. */
const BROKEN_OFF = { id: '', size: 0 } as const;

/** What stands at the path is no file that one writes to. */
export class NotAFile extends Error {
  override readonly name = 'NotAFile';
}

class NothingWritten extends Error {
  override readonly name = 'NothingWritten';
}

/**
 * The file that is being written: opened to append, so that no line of anyone is overwritten, and opened again when
 * something else stands at its path. Every line begins at the beginning of a line. To be used by one caller at a time.
 *
 * Methods reject with what the file system says; the file is closed then, and the next call opens it again.
 */
export class LogFile {
  readonly #options: LogFileOptions;
  readonly #files: FileSystem;
  readonly #time: ShipperTime;
  readonly #rotated: RotatedFiles;
  readonly #announcer: Announcer;
  #fd: number | undefined;
  #id = '';
  #size = 0;
  #lastWriteMillis = 0;
  /** The last line in the file has no end, and is none of which we have the rest. */
  #unterminated = false;
  /** The file, and its size, when a line of ours was written in part. */
  #torn: { readonly id: string; readonly size: number } | undefined;
  #nextLook = 0;
  /** How often it was asked to look, and what of that was answered. */
  #asked = 0;
  #answered = 0;
  #nextRotation = Number.NEGATIVE_INFINITY;
  #linesSinceLook = 0;
  /** Where the last write began, as far as we know, and if that was within a line. */
  #begun: { readonly size: number; readonly torn: boolean } = { size: 0, torn: false };

  constructor(
    options: LogFileOptions,
    files: FileSystem,
    time: ShipperTime,
    rotated: RotatedFiles,
    announcer: Announcer,
  ) {
    this.#options = options;
    this.#files = files;
    this.#time = time;
    this.#rotated = rotated;
    this.#announcer = announcer;
  }

  /** How many bytes may be added before the file is full. */
  get room(): number {
    return (this.#options.maxBytes ?? Number.POSITIVE_INFINITY) - this.#size;
  }

  /** The next {@link prepare} looks whether the file still stands at its path: one that has begun may have looked before. */
  lookSoon(): void {
    this.#asked++;
  }

  /**
   * Makes the file ready for the next line; if there is none (0 bytes), only sees to it that it is open. False if what was
   * written of an incomplete line is not at the end of the file any more: it must be written from its beginning.
   */
  async prepare(nextLineBytes: number): Promise<boolean> {
    try {
      const now = this.#time.now();
      const asked = this.#asked;
      if (this.#fd === undefined) await this.#open();
      else if (this.#torn !== undefined || asked !== this.#answered || now >= this.#nextLook)
        await this.#look(this.#fd);
      this.#answered = asked;
      if (this.#torn !== undefined) {
        if (this.#continuesTorn()) return true;
        await this.#forgetTorn();
        return false;
      }
      if (nextLineBytes === 0) return true;
      if (this.#isDue(nextLineBytes) && now >= this.#nextRotation) await this.#rotate(nextLineBytes);
      if (this.#unterminated) await this.#terminate();
      return true;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Appends what {@link prepare} has made ready for. Answers how many bytes were written, perhaps not all. */
  async write(bytes: Uint8Array): Promise<number> {
    this.#begun = { size: this.#size, torn: this.#torn !== undefined };
    try {
      const written = await this.#files.write(this.#fd as number, bytes);
      if (written === 0) throw new NothingWritten();
      this.#wrote(bytes, written);
      return written;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** So many lines were completed: what is lost should it turn out that the file was deleted. */
  completed(lines: number): void {
    this.#linesSinceLook += lines;
  }

  async close(): Promise<void> {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) await this.#files.close(fd).catch(() => undefined);
  }

  /** As {@link close}, but for good: this is the last chance to tell of lines that went with a deleted file. */
  async end(): Promise<void> {
    if (this.#fd !== undefined && this.#linesSinceLook > 0) {
      const own = await this.#files.fstat(this.#fd).catch(() => undefined);
      if (own?.links === 0) this.#tellDeleted();
    }
    await this.close();
  }

  /** As {@link end}, but the file stays open. Never throws. */
  endSync(): void {
    if (this.#fd === undefined || this.#linesSinceLook === 0) return;
    try {
      if (this.#files.sync.fstat(this.#fd).links === 0) this.#tellDeleted();
    } catch {
      // Then nobody can say.
    }
  }

  /** As the first {@link prepare} does. Answers what {@link closeSync} is to be given, if that is wanted. */
  openSync(): number {
    const { path, mode, folderMode } = this.#options;
    const { sync } = this.#files;
    let fd: number;
    try {
      fd = sync.open(path, mode);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      sync.mkdir(dirname(path), folderMode);
      fd = sync.open(path, mode);
    }
    try {
      const stat = sync.fstat(fd);
      this.#adopt(fd, stat, stat.size > 0 && stat.isFile ? sync.read(fd, stat.size - 1, 1) : LINE_END);
      return fd;
    } catch (error) {
      sync.close(fd);
      throw error;
    }
  }

  /** As {@link prepare}, right behind {@link openSync}; without rotation. */
  prepareSync(): boolean {
    const torn = this.#torn;
    if (torn !== undefined && this.#continuesTorn()) return true;
    this.#torn = undefined;
    if (this.#unterminated) this.#files.sync.write(this.#fd as number, LINE_END);
    this.#unterminated = false;
    return torn === undefined;
  }

  /** Never throws. */
  closeSync(fd: number): void {
    if (this.#fd === fd) this.#fd = undefined;
    try {
      this.#files.sync.close(fd);
    } catch {
      // What was written is written.
    }
  }

  writeSync(bytes: Uint8Array): number {
    const written = this.#files.sync.write(this.#fd as number, bytes);
    if (written === 0) throw new NothingWritten();
    return written;
  }

  /**
   * True if these bytes, which were given to {@link write}, are in the file: behind what was there before, give or take a
   * few lines of others; the rest of a torn line only right behind its beginning. Whatever this answers, an incomplete line
   * that they were to continue is not continued any more.
   */
  hasWrittenSync(bytes: Uint8Array): boolean {
    this.#torn = undefined;
    const { sync } = this.#files;
    const fd = this.#fd as number;
    const { size: before, torn } = this.#begun;
    const wanted = Buffer.from(bytes);
    if (torn) return wanted.equals(sync.read(fd, before, bytes.length));
    const { size } = sync.fstat(fd);
    // Smaller than before: it was truncated, and all of it is new.
    const from = Math.max(size < before ? 0 : before, size - bytes.length - 65_536);
    return Buffer.from(sync.read(fd, from, size - from)).includes(wanted);
  }

  async #open(): Promise<void> {
    const { path, mode, folderMode } = this.#options;
    const files = this.#files;
    let fd: number;
    try {
      fd = await files.open(path, mode);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      await files.mkdir(dirname(path), folderMode);
      fd = await files.open(path, mode);
    }
    try {
      const stat = await files.fstat(fd);
      this.#adopt(fd, stat, stat.size > 0 && stat.isFile ? await files.read(fd, stat.size - 1, 1) : LINE_END);
    } catch (error) {
      await files.close(fd).catch(() => undefined);
      throw error;
    }
  }

  #adopt(fd: number, { id, size, mtimeMillis, isFile }: FileStat, lastByte: Uint8Array): void {
    if (!isFile) throw new NotAFile();
    this.#fd = fd;
    this.#id = id;
    this.#size = size;
    this.#lastWriteMillis = mtimeMillis;
    this.#unterminated = lastByte[0] !== NEWLINE;
    this.#nextLook = this.#time.now() + LOOK_MILLIS;
    this.#linesSinceLook = 0;
  }

  #wrote(bytes: Uint8Array, written: number): void {
    this.#size += written;
    this.#lastWriteMillis = this.#time.wall();
    if (bytes[written - 1] === NEWLINE) this.#torn = undefined;
    else this.#torn = { id: this.#id, size: this.#size };
  }

  #continuesTorn(): boolean {
    if (this.#torn?.id !== this.#id || this.#torn.size !== this.#size) return false;
    this.#unterminated = false;
    return true;
  }

  /** The file was changed under an incomplete line: what there is now may end in the middle of it, or of another. */
  async #forgetTorn(): Promise<void> {
    // Until this has succeeded, nobody knows that the line must be written from its beginning.
    this.#torn = BROKEN_OFF;
    if (this.#size === 0) this.#unterminated = false;
    else this.#unterminated = (await this.#files.read(this.#fd as number, this.#size - 1, 1))[0] !== NEWLINE;
    if (this.#unterminated) await this.#terminate();
    this.#torn = undefined;
  }

  async #terminate(): Promise<void> {
    const fd = this.#fd as number;
    this.#size = (await this.#files.fstat(fd)).size;
    // Not if it was truncated meanwhile.
    if (this.#size > 0) {
      if ((await this.#files.write(fd, LINE_END)) === 0) throw new NothingWritten();
      this.#size++;
    }
    this.#unterminated = false;
  }

  /** Opens the path again if it is another file's by now. */
  async #look(fd: number): Promise<void> {
    const { path } = this.#options;
    const own = await this.#files.fstat(fd);
    if ((await this.#idAt(path)) === own.id) {
      // Smaller if it was truncated, larger if others write to it too.
      this.#size = own.size;
      this.#nextLook = this.#time.now() + LOOK_MILLIS;
      this.#linesSinceLook = 0;
      return;
    }
    if (own.links === 0) this.#tellDeleted();
    await this.#reopen();
  }

  #tellDeleted(): void {
    this.#announcer.warn('deleted', `the file was deleted, and with it up to ${this.#linesSinceLook} new records`);
    this.#linesSinceLook = 0;
  }

  async #reopen(): Promise<void> {
    await this.close();
    await this.#open();
  }

  #isDue(nextLineBytes: number): boolean {
    if (this.#size === 0) return false;
    const { periodMillis } = this.#options;
    const period = (millis: number): number => (periodMillis === undefined ? 0 : Math.floor(millis / periodMillis));
    return nextLineBytes > this.room || period(this.#time.wall()) > period(this.#lastWriteMillis);
  }

  /** A failure is announced, and the file is written on: better too long than not at all. */
  async #rotate(nextLineBytes: number): Promise<void> {
    const fd = this.#fd as number;
    let own: FileStat;
    try {
      own = await this.#files.fstat(fd);
      this.#size = own.size;
      this.#lastWriteMillis = Math.max(this.#lastWriteMillis, own.mtimeMillis);
      // Another process may have emptied it.
      if (!this.#isDue(nextLineBytes)) return;
      await this.#rename(own.id);
    } catch (error) {
      this.#nextRotation = this.#time.now() + ROTATE_AGAIN_MILLIS;
      this.#announcer.warn(`rotation: ${errorCode(error)}`, 'the file could not be rotated and is written on');
      return;
    }
    this.#rotated.tidy();
    await this.#reopen();
  }

  /** Gives the file its new name, unless another process has just done so: then its new file stays where it is. */
  async #rename(id: string): Promise<void> {
    const { path } = this.#options;
    const target = await this.#rotated.reserve(this.#lastWriteMillis);
    try {
      if ((await this.#idAt(path)) === id) return await this.#files.rename(path, target);
    } catch (error) {
      await this.#release(target, id);
      // It went between the look and the rename: another process was faster.
      if (errorCode(error) === 'ENOENT') return;
      throw error;
    }
    await this.#release(target, id);
  }

  /** What was reserved goes. But a file system on a network may rename, and then say that it did not. */
  async #release(target: string, id: string): Promise<void> {
    try {
      const stat = await this.#files.lstat(target);
      if (stat.id !== id && stat.size === 0) await this.#files.unlink(target);
    } catch {
      // It stays, empty, until the next tidying.
    }
  }

  async #idAt(path: string): Promise<string | undefined> {
    try {
      return (await this.#files.lstat(path)).id;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }
}
