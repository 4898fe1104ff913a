import type { Context } from '@opentelemetry/api';
import { Announcer } from '../../delivery/announce.ts';
import { Ledger } from '../../delivery/ledger.ts';
import { backoffMillis } from '../../delivery/retry.ts';
import type { ShipperTime } from '../../delivery/shipper.ts';
import { isHandedOver } from '../../pipeline/hand-over.ts';
import { watch } from '../../pipeline/report.ts';
import type { FlushOptions, LogRecord } from '../../pipeline/stage.ts';
import { LONGEST_TIMER_MILLIS, TimeoutError, within } from '../../pipeline/within.ts';
import type { HandlerEnd } from '../handler.ts';
import { errorCode, type FileSystem } from './file-system.ts';
import { LineBuffer } from './line-buffer.ts';
import { LogFile, type LogFileOptions } from './log-file.ts';
import { RotatedFiles, type RotatedFilesOptions } from './rotated-files.ts';

export interface FileEndOptions extends LogFileOptions, RotatedFilesOptions {
  readonly name: string;
  readonly format: (record: LogRecord) => string;
  readonly bufferBytes: number;
  readonly delayMillis: number;
  readonly files: FileSystem;
  readonly time: ShipperTime;
  readonly reopenOn: NodeJS.Signals | undefined;
  readonly onEnd: () => void;
}

const ERROR = 17;
/** At the end of the process: how long a write that is under way may take. */
const LAST_WRITE_MILLIS = 500;
const CLOSE_MILLIS = 100;

/**
 * Renders each record in the log call, and writes lines when enough of them wait or the first has waited long enough: one
 * write at a time, beside the event loop. A write that fails is repeated, with growing pauses, for as long as it takes;
 * meanwhile lines wait in the buffer.
 *
 * A record is delivered when all of its bytes are written. It is dropped and counted as `encode_error`, `too_large`,
 * `queue_full`, `after_shutdown`, `shutdown_deadline` or `process_exit`.
 */
export class FileEnd implements HandlerEnd {
  readonly #options: FileEndOptions;
  readonly #time: ShipperTime;
  readonly #announcer: Announcer;
  readonly #ledger: Ledger;
  readonly #buffer: LineBuffer;
  readonly #file: LogFile;
  readonly #rotated: RotatedFiles;
  #linger: { unref?(): void } | undefined;
  #retry: { unref?(): void } | undefined;
  #failures = 0;
  #draining = false;
  /** How often it was to be opened anew, and how many of these were answered: by having looked, or by failing. */
  #reopens = 0;
  #reopened = 0;
  /** What the file system has been given and not answered for. */
  #underWay: Uint8Array | undefined;
  #ended = false;
  #shutdown: Promise<void> | undefined;
  /** Called whenever something has happened to what waits. */
  readonly #waiting = new Set<() => void>();
  readonly #onSignal = (): void => void this.reopen();

  constructor(options: FileEndOptions) {
    const { name, bufferBytes, files, time } = options;
    this.#options = options;
    this.#time = time;
    this.#announcer = new Announcer(name, () => time.now());
    this.#ledger = new Ledger((reason, records) => this.#announcer.lost(reason, records));
    this.#buffer = new LineBuffer(bufferBytes, this.#ledger);
    this.#rotated = new RotatedFiles(options.path, options, files, time, this.#announcer);
    this.#file = new LogFile(options, files, time, this.#rotated, this.#announcer);
  }

  /**
   * Opens the file, so that a path that cannot be is found out at startup: `isMistake` is asked about what the file
   * system says, and may throw. What may pass is tried again.
   */
  start(isMistake: (error: unknown) => void): void {
    try {
      this.#file.openSync();
    } catch (error) {
      isMistake(error);
      this.#failed(error);
    }
    this.#rotated.tidy();
    if (this.#options.reopenOn !== undefined) process.on(this.#options.reopenOn, this.#onSignal);
  }

  onEmit(record: LogRecord, from?: Context): void {
    this.#ledger.accepted++;
    // At the end of the process more is handed over than the buffer holds: in turns with `flushSync`.
    if (this.#shutdown !== undefined || (this.#ended && !isHandedOver(from))) {
      this.#ledger.drop('after_shutdown', 1);
      return;
    }
    let line: string;
    try {
      line = this.#options.format(record);
      if (typeof line !== 'string') {
        watch(line, 'an async format');
        throw new TypeError('no text');
      }
    } catch {
      this.#ledger.drop('encode_error', 1);
      return;
    }
    this.#buffer.push(line, (record.severityNumber ?? 0) >= ERROR);
    if (this.#buffer.ready) this.#drain();
    else this.#drainLater();
  }

  isFilling(): boolean {
    return this.#buffer.isFilling;
  }

  deliveryAccount(): ReturnType<HandlerEnd['deliveryAccount']> {
    return this.#ledger.account(this.#buffer.records);
  }

  /** Opens what stands at the path now. Resolves when that is done, or has failed. Never rejects. */
  reopen(): Promise<void> {
    if (this.#ended) return Promise.resolve();
    this.#file.lookSoon();
    const number = ++this.#reopens;
    this.#buffer.seal();
    const reached = this.#until(() => this.#reopened >= number, LONGEST_TIMER_MILLIS);
    this.#drainNow();
    return reached.then(() => undefined);
  }

  /** Rejects with a {@link TimeoutError} at the deadline. */
  async forceFlush({ timeoutMillis = 30_000 }: FlushOptions = {}): Promise<void> {
    const barrier = this.#buffer.seal();
    const reached = this.#until(() => this.#buffer.oldest > barrier, timeoutMillis);
    this.#drainNow();
    if (!(await reached)) throw new TimeoutError('not written in time');
  }

  shutdown({ timeoutMillis = 5_000 }: FlushOptions = {}): Promise<void> {
    this.#shutdown ??= this.#end(timeoutMillis);
    return this.#shutdown;
  }

  async #end(timeoutMillis: number): Promise<void> {
    // The last records go where they will be found.
    this.#file.lookSoon();
    await this.forceFlush({ timeoutMillis }).catch(() => undefined);
    this.#giveUp('shutdown_deadline');
    // While something is under way, the file is closed when that has come to an end.
    if (!this.#draining) await within(() => this.#file.end(), CLOSE_MILLIS);
  }

  /** Writes what waits, in this call. No rotation, which would take longer than it is worth now. */
  flushSync(timeoutMillis: number): void {
    if (!this.#ended) this.#file.endSync();
    this.#buffer.seal();
    if (this.#buffer.records === 0) return;
    let opened: number | undefined;
    try {
      if (this.#underWay !== undefined) this.#awaitUnderWay(this.#underWay, Math.min(timeoutMillis, LAST_WRITE_MILLIS));
      this.#underWay = undefined;
      // Anew, because what is open may be about to be closed or renamed.
      opened = this.#file.openSync();
      if (!this.#file.prepareSync()) this.#buffer.rewind();
      for (;;) {
        const bytes = this.#buffer.head(Number.POSITIVE_INFINITY);
        if (bytes === undefined) break;
        this.#ledger.delivered += this.#buffer.advance(this.#file.writeSync(bytes));
      }
    } catch (error) {
      this.#announcer.warn(errorCode(error), 'the last records could not be written');
    }
    if (opened !== undefined) this.#file.closeSync(opened);
    this.#giveUp('process_exit');
  }

  /**
   * A write that is under way may be done or not, and nobody will say. The file does: what is found in it is delivered.
   * What is not is not written again, or it might be there twice.
   */
  #awaitUnderWay(bytes: Uint8Array, millis: number): void {
    const clock = new Int32Array(new SharedArrayBuffer(4));
    let found = this.#file.hasWrittenSync(bytes);
    for (let waited = 0; !found && waited < millis; waited += 5) {
      Atomics.wait(clock, 0, 0, 5);
      found = this.#file.hasWrittenSync(bytes);
    }
    const lines = this.#buffer.advance(bytes.length);
    if (found) this.#ledger.delivered += lines;
    else this.#ledger.drop('process_exit', lines);
  }

  #giveUp(reason: 'shutdown_deadline' | 'process_exit'): void {
    this.#ended = true;
    this.#options.onEnd();
    if (this.#options.reopenOn !== undefined) process.removeListener(this.#options.reopenOn, this.#onSignal);
    this.#time.clearTimeout(this.#linger);
    this.#time.clearTimeout(this.#retry);
    this.#rotated.stop();
    this.#buffer.abandon(reason);
    this.#announcer.finish();
    this.#reopened = this.#reopens;
    this.#tellWaiting();
  }

  #drainLater(): void {
    if (this.#ended || this.#linger !== undefined || this.#draining || this.#retry !== undefined) return;
    this.#linger = this.#time.setTimeout(() => {
      this.#linger = undefined;
      this.#buffer.seal();
      this.#drain();
    }, this.#options.delayMillis);
    // The exit hooks write what is left: waiting for more lines must not keep a finished process alive.
    this.#linger.unref?.();
  }

  /** Someone waits: a pause after a failure is cut short. */
  #drainNow(): void {
    this.#time.clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#drain();
  }

  #drain(): void {
    if (this.#draining || this.#retry !== undefined || this.#ended) return;
    this.#time.clearTimeout(this.#linger);
    this.#linger = undefined;
    this.#draining = true;
    void this.#writeAll();
  }

  /** Never rejects. */
  async #writeAll(): Promise<void> {
    try {
      while (!this.#ended && (this.#buffer.ready || this.#reopened < this.#reopens)) await this.#writeSome();
      this.#draining = false;
      if (!this.#ended && this.#buffer.records > 0) this.#drainLater();
    } catch (error) {
      this.#draining = false;
      if (!this.#ended) this.#failed(error);
    }
    if (this.#ended) await this.#file.end();
  }

  async #writeSome(): Promise<void> {
    // One that comes while this looks at the path may have come too late for it.
    const reopens = this.#reopens;
    const continues = await this.#file.prepare(this.#buffer.nextLineBytes);
    if (this.#ended) return;
    this.#reopened = reopens;
    if (!continues) this.#buffer.rewind();
    const bytes = this.#buffer.head(this.#file.room);
    if (bytes !== undefined) {
      this.#underWay = bytes;
      const written = await this.#file.write(bytes);
      if (this.#ended) return;
      this.#underWay = undefined;
      const lines = this.#buffer.advance(written);
      this.#ledger.delivered += lines;
      this.#file.completed(lines);
      if (this.#failures > 0) this.#announcer.warn('recovered', 'records are written again');
      this.#failures = 0;
    }
    this.#tellWaiting();
  }

  #failed(error: unknown): void {
    this.#underWay = undefined;
    this.#failures++;
    this.#announcer.warn(errorCode(error), 'records cannot be written; they wait in memory and are tried again');
    this.#retry = this.#time.setTimeout(
      () => {
        this.#retry = undefined;
        this.#buffer.seal();
        this.#drain();
      },
      backoffMillis(this.#failures, this.#time.random),
    );
    this.#retry.unref?.();
    this.#reopened = this.#reopens;
    this.#tellWaiting();
  }

  /** True when the condition holds, false at the deadline. */
  #until(condition: () => boolean, millis: number): Promise<boolean> {
    if (condition()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (reached: boolean): void => {
        this.#time.clearTimeout(deadline);
        this.#waiting.delete(check);
        resolve(reached);
      };
      const check = (): void => {
        if (condition()) finish(true);
      };
      const deadline = this.#time.setTimeout(() => finish(false), Math.min(millis, LONGEST_TIMER_MILLIS));
      this.#waiting.add(check);
    });
  }

  #tellWaiting(): void {
    for (const check of this.#waiting) check();
  }
}
