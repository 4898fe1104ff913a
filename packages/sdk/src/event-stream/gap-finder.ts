import { checkNumber, checkOptions, checkType } from '../provider/check-options.ts';
import { ConfigError, given } from '../provider/config-error.ts';
import { linesOf } from './lines.ts';
import { type NumberRange, NumberRanges } from './number-ranges.ts';
import { type StreamMark, streamMarks } from './stream-mark.ts';

export type { NumberRange } from './number-ranges.ts';

/** Options of {@link StreamGapFinder} and {@link findGaps}. */
export interface GapFinderOptions {
  /** True for a consumer that came in the middle: what lies before the lowest number it has seen is no gap. Default false. */
  readonly fromFirstSeen?: boolean;
  /** How many epochs are told apart; events of others are counted as `untracked`. Default 10 000. */
  readonly maxEpochs?: number;
  /** How many gaps are known at a time, those of all epochs together. Default 100 000. */
  readonly maxGaps?: number;
}

/** What is known of one run of one producer of one stream. */
export interface EpochReport {
  readonly stream: string;
  readonly producer: string;
  readonly epoch: string;
  /** Different events that were seen, the end mark included. */
  readonly received: number;
  /** Events that were seen again. */
  readonly duplicates: number;
  /** The highest number that was seen. */
  readonly last: number;
  /** The numbers below it that were not seen, ascending. */
  readonly gaps: readonly NumberRange[];
  /** How many numbers the gaps have, those included that are not listed any more because of `maxGaps`. */
  readonly missing: number;
  /** True if the last one is the end mark: nothing is missing behind it. */
  readonly ended: boolean;
  /**
   * The next epoch of the same stream and producer, if one was seen. Not ended, and another one follows: the process broke
   * off (or runs beside it), and how many events are missing behind `last` cannot be known.
   */
  readonly followedBy?: string;
}

/** What a consumer knows of its streams. */
export interface GapReport {
  /** By stream, producer and epoch: those of one producer in the order in which they began. */
  readonly epochs: readonly EpochReport[];
  /** The sums of the epochs. */
  readonly received: number;
  readonly duplicates: number;
  readonly missing: number;
  /** True if there are events, none is missing, every epoch has ended, and nothing was untracked or unreadable. */
  readonly complete: boolean;
  /** Events of epochs beyond `maxEpochs`. */
  readonly untracked: number;
  /** Records that are of no stream. */
  readonly others: number;
  /** What could not be read: a line that a crash has torn, for example. */
  readonly unreadable: number;
}

interface Epoch extends Pick<StreamMark, 'stream' | 'producer' | 'epoch'> {
  readonly numbers: NumberRanges;
  received: number;
  duplicates: number;
  /** The highest number that was an end mark. */
  endedAt: number;
}

/**
 * Finds out which events of streams have not come. Takes them in any order, and as often as they come: delivery is at least
 * once, and may overtake.
 *
 * Memory is bounded by epochs and gaps, not by events: what has come whole is one run of numbers. Where one gap too many comes
 * up, the lowest one of its epoch is not listed any more: its numbers stay counted as missing, and one of them that should
 * come later counts as a duplicate.
 */
export class StreamGapFinder {
  readonly #fromFirstSeen: boolean;
  readonly #maxEpochs: number;
  readonly #maxGaps: number;
  readonly #epochs = new Map<string, Epoch>();
  /** The last one: the next event is likely of the same. */
  #latest: Epoch | undefined;
  #gaps = 0;
  #untracked = 0;
  #others = 0;
  #unreadable = 0;

  /** Throws a ConfigError for options that cannot be used. */
  constructor(options: GapFinderOptions = {}) {
    checkOptions('gapFinder', options, ['fromFirstSeen', 'maxEpochs', 'maxGaps']);
    checkType('gapFinder.fromFirstSeen', options.fromFirstSeen, 'boolean');
    checkNumber('gapFinder.maxEpochs', options.maxEpochs, 1);
    checkNumber('gapFinder.maxGaps', options.maxGaps, 1);
    this.#fromFirstSeen = options.fromFirstSeen ?? false;
    this.#maxEpochs = options.maxEpochs ?? 10_000;
    this.#maxGaps = options.maxGaps ?? 100_000;
  }

  /**
   * Takes a record, an event as `emit` answered it, a line of a file (our JSON or OTLP JSON), or a request of OTLP JSON or
   * of `httpBatch`; as text or as its bytes, and a text may have many lines. Never throws: what cannot be read is counted.
   */
  add(input: unknown): void {
    const value = input instanceof Uint8Array ? Buffer.from(input).toString() : input;
    // The end of a file is an empty line to many.
    if (typeof value === 'string' && value.trim() === '') return;
    let marks: (StreamMark | undefined)[];
    try {
      marks = [...streamMarks(value)];
    } catch {
      if (typeof value === 'string' && value.includes('\n')) for (const line of value.split('\n')) this.add(line);
      else this.#unreadable++;
      return;
    }
    for (const mark of marks) {
      if (mark === undefined) this.#others++;
      else this.#take(mark);
    }
  }

  /** What is known by now. */
  report(): GapReport {
    const sorted = [...this.#epochs.values()].sort(
      (a, b) => compare(a.stream, b.stream) || compare(a.producer, b.producer) || compare(a.epoch, b.epoch),
    );
    const epochs = sorted.map((epoch, index) => this.#reportOf(epoch, sorted[index + 1]));
    const sum = (figure: 'received' | 'duplicates' | 'missing'): number =>
      epochs.reduce((total, epoch) => total + epoch[figure], 0);
    const missing = sum('missing');
    return {
      epochs,
      received: sum('received'),
      duplicates: sum('duplicates'),
      missing,
      complete:
        epochs.length > 0 && missing + this.#untracked + this.#unreadable === 0 && epochs.every(({ ended }) => ended),
      untracked: this.#untracked,
      others: this.#others,
      unreadable: this.#unreadable,
    };
  }

  #take(mark: StreamMark): void {
    const epoch = this.#epochOf(mark);
    if (epoch === undefined) {
      this.#untracked++;
      return;
    }
    const { numbers } = epoch;
    const runs = numbers.runs;
    if (numbers.add(mark.sequence)) epoch.received++;
    else epoch.duplicates++;
    if (mark.isEnd) epoch.endedAt = Math.max(epoch.endedAt, mark.sequence);
    // The first run of an epoch is no gap.
    this.#gaps += Math.max(0, numbers.runs - 1) - Math.max(0, runs - 1);
    if (this.#gaps > this.#maxGaps) {
      numbers.forgetLowestGap();
      this.#gaps--;
    }
  }

  #epochOf({ stream, producer, epoch }: StreamMark): Epoch | undefined {
    const latest = this.#latest;
    if (latest?.epoch === epoch && latest.stream === stream && latest.producer === producer) return latest;
    const key = JSON.stringify([stream, producer, epoch]);
    let found = this.#epochs.get(key);
    if (found === undefined) {
      if (this.#epochs.size >= this.#maxEpochs) return undefined;
      found = { stream, producer, epoch, numbers: new NumberRanges(), received: 0, duplicates: 0, endedAt: 0 };
      this.#epochs.set(key, found);
    }
    this.#latest = found;
    return found;
  }

  #reportOf({ numbers, endedAt, ...epoch }: Epoch, next: Epoch | undefined): EpochReport {
    const gaps = numbers.gaps(this.#fromFirstSeen);
    const missing = gaps.reduce((sum, { from, to }) => sum + to - from + 1, numbers.forgotten);
    const isNext = next?.stream === epoch.stream && next.producer === epoch.producer;
    return {
      ...epoch,
      last: numbers.highest,
      gaps,
      missing,
      ended: endedAt === numbers.highest,
      ...(isNext ? { followedBy: next.epoch } : {}),
    };
  }
}

/**
 * Reads all there is, and reports: {@link StreamGapFinder}. The source is a text or its bytes, a stream of either
 * (`createReadStream(file)`), which are cut into lines; or anything iterable, also asynchronously, of what `add` takes.
 *
 * Rejects with a ConfigError for what is none of these, and with whatever the source throws.
 */
export async function findGaps(
  source: string | Uint8Array | Iterable<unknown> | AsyncIterable<unknown>,
  options?: GapFinderOptions,
): Promise<GapReport> {
  const finder = new StreamGapFinder(options);
  for await (const input of inputsOf(source)) finder.add(input);
  return finder.report();
}

function inputsOf(source: unknown): Iterable<unknown> | AsyncIterable<unknown> {
  if (typeof source === 'string' || source instanceof Uint8Array) return [source];
  const of = (source ?? {}) as {
    readonly [Symbol.iterator]?: unknown;
    readonly [Symbol.asyncIterator]?: unknown;
    /** Of a stream of Node: true if its chunks are values. */
    readonly readableObjectMode?: unknown;
    /** Of a stream of the web. */
    readonly getReader?: unknown;
  };
  if (typeof (of[Symbol.asyncIterator] ?? of[Symbol.iterator]) !== 'function') {
    throw new ConfigError(
      'findGaps',
      `must be given lines, records, or a text or stream of lines, not ${given(source)}`,
    );
  }
  // What it gives out are pieces that end anywhere.
  const isOfPieces = of.readableObjectMode === false || typeof of.getReader === 'function';
  return isOfPieces ? linesOf(source as AsyncIterable<unknown>) : (source as Iterable<unknown>);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
