import { basename, dirname, extname, join } from 'node:path';

/** `2024-01-02T03-04-05-678Z`: sorts by time, and can be part of a file name everywhere. */
const STAMP = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z$/;
const END_OF_STAMPS = Date.UTC(10_000, 0) - 1;
const COMPRESSED = '.gz';
const UNFINISHED = /^\.gz\.[0-9a-z]{8}\.tmp$/;

/** A file that once was the log, by its name. */
export interface RotatedFile {
  readonly path: string;
  readonly stampMillis: number;
  /** `unfinished`: what a compression writes before it gets its name. */
  readonly kind: 'plain' | 'gzip' | 'unfinished';
}

/**
 * The names of the rotated files of one log, all in its folder: those of `app.log` are `app.<time>.log` and
 * `app.<time>.log.gz`. Nothing else is ever taken for one.
 */
export class RotatedNames {
  readonly folder: string;
  readonly #before: string;
  readonly #extension: string;

  constructor(path: string) {
    this.folder = dirname(path);
    const name = basename(path);
    this.#extension = extname(name);
    this.#before = `${name.slice(0, name.length - this.#extension.length)}.`;
  }

  plain(stampMillis: number): string {
    const within = Math.min(Math.max(0, Math.floor(stampMillis) || 0), END_OF_STAMPS);
    const stamp = new Date(within).toISOString().replace(/[:.]/g, '-');
    return join(this.folder, this.#before + stamp + this.#extension);
  }

  gzip(stampMillis: number): string {
    return this.plain(stampMillis) + COMPRESSED;
  }

  /** `chance`, from 0 to 1, keeps two processes from writing the same file. */
  unfinished(stampMillis: number, chance: number): string {
    const some = Math.floor(chance * 36 ** 8).toString(36);
    return `${this.gzip(stampMillis)}.${some.padStart(8, '0')}.tmp`;
  }

  /** What a file of the folder is; undefined for one that is none of ours. */
  read(name: string): RotatedFile | undefined {
    if (!name.startsWith(this.#before)) return undefined;
    const stamp = name.slice(this.#before.length, this.#before.length + 24);
    if (!STAMP.test(stamp) || !name.startsWith(this.#extension, this.#before.length + 24)) return undefined;
    const stampMillis = Date.parse(stamp.replace(/T(\d\d)-(\d\d)-(\d\d)-/, 'T$1:$2:$3.'));
    if (Number.isNaN(stampMillis)) return undefined;
    const rest = name.slice(this.#before.length + 24 + this.#extension.length);
    const path = join(this.folder, name);
    if (rest === '') return { path, stampMillis, kind: 'plain' };
    if (rest === COMPRESSED) return { path, stampMillis, kind: 'gzip' };
    return UNFINISHED.test(rest) ? { path, stampMillis, kind: 'unfinished' } : undefined;
  }
}
