import type { DropReason, Ledger } from '../../delivery/ledger.ts';

const CHUNK_BYTES = 131_072;
const NEWLINE = 10;

/** Lines that are written together. */
class Chunk {
  readonly place: number;
  bytes: Buffer;
  length = 0;
  /** Where each line ends, its line end included. */
  readonly ends: number[] = [];
  readonly errors: boolean[] = [];
  /** Lines below error. */
  low = 0;
  sealed = false;
  /** Lines and bytes that are written. */
  lines = 0;
  written = 0;

  constructor(place: number, bytes: Buffer) {
    this.place = place;
    this.bytes = bytes;
  }

  add(end: number, isError: boolean): void {
    this.length = end;
    this.ends.push(end);
    this.errors.push(isError);
    if (!isError) this.low++;
  }

  /** Where the line begins that is not written yet, or only in part. */
  get lineStart(): number {
    return this.lines === 0 ? 0 : (this.ends[this.lines - 1] as number);
  }

  /** Forgets the lines below error, or all. */
  forget(all: boolean): void {
    const { ends, errors } = this;
    const lines = ends.length;
    let from = 0;
    let kept = 0;
    this.length = 0;
    for (let i = 0; i < lines; i++) {
      const end = ends[i] as number;
      if (errors[i] && !all) {
        this.bytes.copyWithin(this.length, from, end);
        this.length += end - from;
        ends[kept++] = this.length;
      }
      from = end;
    }
    ends.length = kept;
    errors.length = kept;
    errors.fill(true);
    this.low = 0;
  }

  /** Takes the lines of the next chunk, which are all errors, behind its own. */
  append(next: Chunk): void {
    this.bytes = Buffer.concat([this.bytes.subarray(0, this.length), next.bytes.subarray(0, next.length)]);
    for (const end of next.ends) {
      this.ends.push(this.length + end);
      this.errors.push(true);
    }
    this.length += next.length;
  }

  /** Gives back memory that no line will fill any more, if it is worth the copy. */
  compact(): void {
    const { bytes, length } = this;
    if (bytes.length - length <= bytes.length >> 3) return;
    this.bytes = Buffer.allocUnsafeSlow(length);
    bytes.copy(this.bytes, 0, 0, length);
  }
}

/**
 * Lines that wait to be written, first in first out, bounded in bytes. What is being written counts too.
 *
 * When a line does not fit, room is made: the oldest lines below error go first, some hundred at a time; when only errors
 * are left, a line below error is not taken, and an error pushes out the oldest errors. Every line that goes is counted
 * as `queue_full`; one that could never fit as `too_large`. Memory is taken by the chunk: at most 8/7 of what the
 * lines need, but for three chunks.
 */
export class LineBuffer {
  readonly #maxBytes: number;
  readonly #chunkBytes: number;
  readonly #ledger: Ledger;
  /** The oldest first. The last one takes new lines, unless it is sealed. */
  readonly #chunks: Chunk[] = [];
  /** The first of them while it is being written. It stays as it is. */
  #head: Chunk | undefined;
  #spare: Buffer | undefined;
  #bytes = 0;
  #records = 0;
  #newest = 0;

  constructor(maxBytes: number, ledger: Ledger) {
    this.#maxBytes = maxBytes;
    this.#chunkBytes = Math.min(CHUNK_BYTES, Math.ceil(maxBytes / 4));
    this.#ledger = ledger;
  }

  /** Lines that are not written yet. */
  get records(): number {
    return this.#records;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isFilling(): boolean {
    return this.#bytes * 2 > this.#maxBytes;
  }

  /** Bytes of memory that are taken for them. */
  get heldBytes(): number {
    return this.#chunks.reduce((sum, { bytes }) => sum + bytes.length, this.#spare?.length ?? 0);
  }

  /** The place of the oldest chunk: what came in before is written or dropped. */
  get oldest(): number {
    return this.#chunks[0]?.place ?? Number.POSITIVE_INFINITY;
  }

  /** True if a chunk is sealed and can be written. */
  get ready(): boolean {
    return this.#chunks[0]?.sealed === true;
  }

  push(text: string, isError: boolean): void {
    // Most characters are one byte; only where three might not fit they are counted.
    let size = text.length * 3 + 1;
    if (this.#bytes + size > this.#maxBytes || size > this.#chunkBytes) {
      size = Buffer.byteLength(text) + 1;
      if (size > this.#maxBytes || !this.#makeRoom(size, isError)) {
        this.#ledger.drop(size > this.#maxBytes ? 'too_large' : 'queue_full', 1);
        return;
      }
    }
    const chunk = this.#open(size);
    const { bytes, length } = chunk;
    const end = length + bytes.write(text, length) + 1;
    bytes[end - 1] = NEWLINE;
    chunk.add(end, isError);
    this.#bytes += end - length;
    this.#records++;
    if (end > this.#chunkBytes - (this.#chunkBytes >> 6)) chunk.sealed = true;
  }

  /** What has come in until now can be written. Answers the place of the last of it. */
  seal(): number {
    const last = this.#chunks.at(-1);
    if (last !== undefined) last.sealed = true;
    return this.#newest;
  }

  /** The oldest lines: whole ones of at most so many bytes, but at least one; from where the last write stopped. */
  head(mostBytes: number): Uint8Array | undefined {
    const [first] = this.#chunks;
    if (first?.sealed !== true) return undefined;
    this.#head = first;
    const { bytes, ends, written, lines, length } = first;
    if (length - written <= mostBytes) return bytes.subarray(written, length);
    let line = lines;
    while ((ends[line + 1] ?? Number.POSITIVE_INFINITY) - written <= mostBytes) line++;
    return bytes.subarray(written, ends[line]);
  }

  /** Bytes of the line that is next, or of what is left of it. */
  get nextLineBytes(): number {
    const [first] = this.#chunks;
    return first === undefined ? 0 : (first.ends[first.lines] as number) - first.written;
  }

  /** So many bytes of the head are written. Answers how many lines are complete by that. */
  advance(bytes: number): number {
    const head = this.#head as Chunk;
    head.written += bytes;
    const before = head.lines;
    while ((head.ends[head.lines] ?? Number.POSITIVE_INFINITY) <= head.written) head.lines++;
    this.#records -= head.lines - before;
    if (head.written === head.length) this.#remove(head);
    return head.lines - before;
  }

  /** What was written of an incomplete line is gone: it must be written from its beginning. */
  rewind(): void {
    const [first] = this.#chunks;
    if (first !== undefined) first.written = first.lineStart;
  }

  /** Gives up everything. */
  abandon(reason: DropReason): void {
    const records = this.#records;
    this.#chunks.length = 0;
    this.#head = this.#spare = undefined;
    this.#bytes = this.#records = 0;
    this.#ledger.drop(reason, records);
  }

  /** A chunk that has room for so many bytes. */
  #open(size: number): Chunk {
    const last = this.#chunks.at(-1);
    // Also one that is sealed: while the disk is full, a chunk for every flush would be many chunks.
    if (last !== undefined && last !== this.#head) {
      if (last.bytes.length - last.length >= size) return last;
      last.sealed = true;
      last.compact();
    }
    let bytes = size > this.#chunkBytes ? Buffer.allocUnsafeSlow(size) : this.#spare;
    if (bytes === this.#spare) this.#spare = undefined;
    bytes ??= Buffer.allocUnsafeSlow(this.#chunkBytes);
    const chunk = new Chunk(++this.#newest, bytes);
    this.#chunks.push(chunk);
    return chunk;
  }

  #remove(chunk: Chunk): void {
    this.#chunks.splice(this.#chunks.indexOf(chunk), 1);
    this.#bytes -= chunk.length;
    if (this.#head === chunk) this.#head = undefined;
    if (chunk.bytes.length === this.#chunkBytes) this.#spare = chunk.bytes;
  }

  /** What is left of a chunk takes no more memory than it needs. The last one may still be filled. */
  #close(chunk: Chunk): void {
    const index = this.#chunks.indexOf(chunk);
    if (index === this.#chunks.length - 1) return;
    const former = this.#chunks[index - 1];
    if (former === undefined || former === this.#head || former.length + chunk.length > this.#chunkBytes) {
      chunk.compact();
      return;
    }
    // Behind the older one, so that a flush waits rather too long than not long enough.
    former.append(chunk);
    this.#chunks.splice(index, 1);
  }

  #makeRoom(size: number, isError: boolean): boolean {
    while (this.#bytes + size > this.#maxBytes) {
      const low = this.#chunks.find((chunk) => chunk !== this.#head && chunk.low > 0);
      const chunk = low ?? (isError ? this.#chunks.find((other) => other !== this.#head) : undefined);
      if (chunk === undefined) return false;
      const { length } = chunk;
      const lines = chunk.ends.length;
      chunk.forget(low === undefined);
      const gone = lines - chunk.ends.length;
      this.#bytes -= length - chunk.length;
      this.#records -= gone;
      if (chunk.ends.length === 0) this.#remove(chunk);
      else this.#close(chunk);
      this.#ledger.drop('queue_full', gone);
    }
    return true;
  }
}
