import { dirname } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { FileStat, FileSystem } from '../../packages/sdk/src/handlers/file/file-system.ts';

interface Node {
  readonly id: string;
  bytes: Buffer;
  mtimeMillis: number;
  links: number;
  readonly isFile: boolean;
}

/** An error as the file system throws it. */
export function fsError(code: string): Error & { code: string } {
  return Object.assign(new Error(code), { code });
}

/**
 * A file system in memory, which fails when a test says so. Calls take effect at once and are answered in a microtask,
 * unless a test holds the answers back.
 */
export class MemoryFileSystem implements FileSystem {
  readonly nodes = new Map<string, Node>();
  readonly open_ = new Map<number, Node>();
  /** Every call, `open`, `write` and so on, in order. */
  readonly calls: string[] = [];
  /** Called before each call takes effect; may throw. */
  before: (call: string, path: string) => void = () => undefined;
  /** How many of the bytes that are given are written. */
  accept: (length: number) => number = (length) => length;
  /** Free bytes. */
  space: number = Number.POSITIVE_INFINITY;
  /** While it is set, an asynchronous write is answered only when it resolves; `when` says if it takes effect before. */
  held: { readonly answer: Promise<unknown>; readonly when: 'before' | 'never' } | undefined;
  readonly #wall: () => number;
  #next = 3;

  constructor(wall: () => number) {
    this.#wall = wall;
    this.folder('/log');
  }

  folder(path: string): void {
    this.nodes.set(path, { ...this.#node(), isFile: false });
  }

  text(path: string): string | undefined {
    const node = this.nodes.get(path);
    if (node === undefined) return undefined;
    return (path.endsWith('.gz') ? gunzipSync(node.bytes) : node.bytes).toString();
  }

  /** As `echo -n text > path` does, or `>>` if there is a file. */
  put(path: string, text: string): void {
    const node = this.nodes.get(path) ?? this.#node();
    this.nodes.set(path, node);
    node.bytes = Buffer.concat([node.bytes, Buffer.from(text)]);
    node.mtimeMillis = this.#wall();
  }

  /** Names in a folder, sorted. */
  names(folder = '/log'): string[] {
    return [...this.nodes.keys()]
      .filter((path) => path !== folder && dirname(path) === folder)
      .map((path) => path.slice(folder.length + 1))
      .sort();
  }

  /** `mv`, without the handler knowing. */
  move(from: string, to: string): void {
    const node = this.#at(from);
    this.nodes.delete(from);
    this.nodes.set(to, node);
  }

  /** `rm` */
  remove(path: string): void {
    this.#at(path).links--;
    this.nodes.delete(path);
  }

  /** `cp a b; truncate -s 0 a`, as one step. */
  copyTruncate(path: string, copy: string): void {
    const node = this.#at(path);
    this.put(copy, node.bytes.toString());
    node.bytes = Buffer.alloc(0);
  }

  async open(path: string): Promise<number> {
    return this.sync.open(path, 0);
  }

  async create(path: string): Promise<void> {
    this.#call('create', path);
    if (this.nodes.has(path)) throw fsError('EEXIST');
    this.nodes.set(path, this.#node());
  }

  async write(fd: number, bytes: Uint8Array): Promise<number> {
    this.#call('write', '');
    const { held } = this;
    if (held === undefined) return this.sync.write(fd, bytes);
    if (held.when === 'before') this.sync.write(fd, bytes);
    await held.answer;
    return bytes.length;
  }

  async read(fd: number, position: number, length: number): Promise<Uint8Array> {
    this.#call('read', '');
    return this.sync.read(fd, position, length);
  }

  async close(fd: number): Promise<void> {
    this.#call('close', '');
    this.sync.close(fd);
  }

  async fstat(fd: number): Promise<FileStat> {
    this.#call('fstat', '');
    return this.sync.fstat(fd);
  }

  async lstat(path: string): Promise<FileStat> {
    this.#call('lstat', path);
    return this.sync.lstat(path);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#call('rename', from);
    const node = this.#at(from);
    const there = this.nodes.get(to);
    if (there !== undefined) there.links--;
    this.nodes.delete(from);
    this.nodes.set(to, node);
  }

  async unlink(path: string): Promise<void> {
    this.#call('unlink', path);
    this.remove(path);
  }

  async mkdir(folder: string): Promise<void> {
    this.#call('mkdir', folder);
    this.sync.mkdir(folder, 0);
  }

  async list(folder: string): Promise<string[]> {
    this.#call('list', folder);
    this.#at(folder);
    return this.names(folder);
  }

  async gzip(from: string, to: string): Promise<number> {
    const { bytes } = this.#at(from);
    if (this.nodes.has(to)) throw fsError('EEXIST');
    const node = this.#node();
    this.nodes.set(to, node);
    // Half of it is there when it fails.
    const zipped = gzipSync(bytes, { level: 1 });
    node.bytes = zipped.subarray(0, zipped.length / 2);
    this.#call('gzip', from);
    node.bytes = zipped;
    return bytes.length;
  }

  readonly sync: FileSystem['sync'] = {
    open: (path) => {
      this.#call('open', path);
      if (!this.nodes.has(dirname(path))) throw fsError('ENOENT');
      const node = this.nodes.get(path) ?? this.#node();
      this.nodes.set(path, node);
      this.open_.set(this.#next, node);
      return this.#next++;
    },
    write: (fd, bytes) => {
      const node = this.#of(fd);
      const written = Math.min(bytes.length, this.space, this.accept(bytes.length));
      if (written === 0) throw fsError('ENOSPC');
      this.space -= written;
      node.bytes = Buffer.concat([node.bytes, bytes.subarray(0, written)]);
      node.mtimeMillis = this.#wall();
      return written;
    },
    read: (fd, position, length) => this.#of(fd).bytes.subarray(position, position + length),
    close: (fd) => {
      this.#of(fd);
      this.open_.delete(fd);
    },
    fstat: (fd) => this.#stat(this.#of(fd)),
    lstat: (path) => this.#stat(this.#at(path)),
    mkdir: (folder) => this.folder(folder),
  };

  #call(call: string, path: string): void {
    this.calls.push(call);
    this.before(call, path);
  }

  #node(): Node {
    this.#next++;
    return { id: `1:${this.#next}`, bytes: Buffer.alloc(0), mtimeMillis: this.#wall(), links: 1, isFile: true };
  }

  #at(path: string): Node {
    const node = this.nodes.get(path);
    if (node === undefined) throw fsError('ENOENT');
    return node;
  }

  #of(fd: number): Node {
    const node = this.open_.get(fd);
    if (node === undefined) throw fsError('EBADF');
    return node;
  }

  #stat({ id, bytes, mtimeMillis, links, isFile }: Node): FileStat {
    return { id, size: bytes.length, mtimeMillis, links, isFile };
  }
}
