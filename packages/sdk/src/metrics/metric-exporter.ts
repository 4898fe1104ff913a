import { diag } from '@opentelemetry/api';
import type { Outcome } from '../delivery/answer.ts';
import type { HttpTarget, Sender } from '../delivery/http-sender.ts';
import { readAnswer } from '../delivery/otlp-answer.ts';
import { backoffMillis } from '../delivery/retry.ts';
import type { sendSync } from '../delivery/send-sync.ts';
import type { ShipperTime } from '../delivery/shipper.ts';
import { isWorthReporting } from '../pipeline/report.ts';
import type { Exemplars } from './exemplars.ts';
import { type ResourceMetrics, TEMPORALITY } from './metric-data.ts';
import { encodeMetrics } from './otlp-metrics-encoder.ts';

/** `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`. */
export type Temporality = 'cumulative' | 'delta' | 'lowmemory';

/** Instruments whose points are deltas, by temporality. OTLP exporter specification, "Metrics exporter". */
const DELTAS: Readonly<Record<Temporality, readonly string[]>> = {
  cumulative: [],
  delta: ['COUNTER', 'OBSERVABLE_COUNTER', 'HISTOGRAM'],
  lowmemory: ['COUNTER', 'HISTOGRAM'],
};

/** What the exporter is made of. */
export interface MetricExporterOptions {
  readonly target: HttpTarget;
  readonly sender: Sender;
  readonly sendSync: typeof sendSync;
  /** For one export with all its tries. */
  readonly timeoutMillis: number;
  readonly temporality: Temporality;
  readonly histogram: 'explicit_bucket_histogram' | 'base2_exponential_bucket_histogram';
  readonly exemplars: Exemplars;
  readonly time: ShipperTime;
  /** What was collected last has been delivered. */
  readonly onDelivered: () => void;
}

/**
 * The `PushMetricExporter` that sends OTLP the way `otlp()` does: same headers, certificates and compression, the tries
 * that the OTLP specification allows, nothing of it traced or logged. Repeats until its time is up; then the interval is
 * given up, which is said on OTel's diag. With cumulative temporality, the default, the next one makes up for it.
 */
export class MetricExporter {
  readonly #options: MetricExporterOptions;
  readonly #waits = new Set<() => void>();
  /** What has been collected and not come here yet: nobody else has it any more. */
  #collected: ResourceMetrics | undefined;
  /** A request that has no good answer yet: what a process that ends now must send. */
  #unsettled: Uint8Array | undefined;
  /** The request that is on its way: it may have arrived. */
  #underWay: Uint8Array | undefined;
  #giveUp = (): void => undefined;
  #failed = 0;
  #ended = false;

  constructor(options: MetricExporterOptions) {
    this.#options = options;
  }

  /** False from a collection to its good answer, and after an export that failed. */
  get isSettled(): boolean {
    return this.#unsettled === undefined && this.#collected === undefined;
  }

  /** Keeps what has just been collected until the reader hands it over, should the process end in between. */
  hold(metrics: ResourceMetrics): void {
    // The reader hands over nothing where there is nothing.
    if (metrics.scopeMetrics.length > 0) this.#collected = metrics;
  }

  /** Says itself what went wrong, and now and then only: the reader would with every interval, at length. */
  export(metrics: ResourceMetrics, done: (result: { readonly code: 0 }) => void): void {
    this.#collected = undefined;
    const givenUp = new Promise<void>((_, reject) => {
      this.#giveUp = () => reject(new Error('not in time'));
    });
    Promise.race([this.#send(metrics), givenUp])
      .catch((error: Error) => {
        this.#failed++;
        if (isWorthReporting(this.#failed)) {
          say(`metrics could not be exported ${this.#failed} time(s): ${error.message}`);
        }
      })
      .finally(() => done({ code: 0 }));
  }

  /** Ends the waiting for an export that is under way: the reader keeps the process alive as long as it waits. */
  giveUp(): void {
    this.#giveUp();
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {
    this.#ended = true;
    for (const wake of this.#waits) wake();
    this.#options.sender.close();
  }

  selectAggregationTemporality(instrument: string): number {
    return DELTAS[this.#options.temporality].includes(instrument) ? TEMPORALITY.delta : TEMPORALITY.cumulative;
  }

  /** By the numbers that the SDK's `AggregationType` has for the default and for exponential histograms. */
  selectAggregation(instrument: string): { readonly type: number } {
    return { type: instrument === 'HISTOGRAM' && this.#options.histogram !== 'explicit_bucket_histogram' ? 5 : 0 };
  }

  /**
   * Sends these, after what has no answer yet and what was held, without returning to the event loop. A request that is
   * under way and may have arrived is sent again only where points are cumulative: a delta would count twice.
   */
  exportNow(metrics: ResourceMetrics, timeoutMillis: number): void {
    const { target, time, exemplars, temporality } = this.#options;
    const bodies: Uint8Array[] = [];
    const mayCountTwice = temporality !== 'cumulative' && this.#unsettled === this.#underWay;
    if (this.#unsettled !== undefined && !mayCountTwice) bodies.push(this.#unsettled);
    for (const each of [this.#collected, metrics]) {
      if (each !== undefined && each.scopeMetrics.length > 0) bodies.push(encodeMetrics(each, exemplars.take()));
    }
    this.#unsettled = undefined;
    this.#collected = undefined;
    if (bodies.length === 0) return;
    const answers = this.#options.sendSync(target, bodies, timeoutMillis);
    const taken = answers.filter((answer) => readAnswer(answer, time.wall()).kind === 'delivered').length;
    if (taken < bodies.length) say('the metrics of the last interval could not be delivered');
  }

  async #send(metrics: ResourceMetrics): Promise<void> {
    if (this.#ended) throw new Error('shut down');
    const { sender, timeoutMillis, exemplars, time } = this.#options;
    const body = encodeMetrics(metrics, exemplars.take());
    this.#unsettled = body;
    const deadline = time.now() + timeoutMillis;
    for (let failures = 1; ; failures++) {
      const left = deadline - time.now();
      this.#underWay = body;
      const outcome: Outcome = await sender.send(body, left).then(
        (answer) => readAnswer(answer, time.wall()),
        () => ({ kind: 'retry', cause: 'no answer' }),
      );
      if (this.#underWay === body) this.#underWay = undefined;
      if (outcome.kind === 'delivered') {
        if (this.#unsettled === body) {
          this.#unsettled = undefined;
          this.#options.onDelivered();
        }
        if (outcome.rejected > 0) say(`the destination rejected ${outcome.rejected} metric data points`);
        return;
      }
      if (outcome.kind !== 'retry') {
        // Sent again it would be refused again.
        if (this.#unsettled === body) this.#unsettled = undefined;
        throw new Error(
          'cause' in outcome ? outcome.cause : outcome.kind === 'split' ? 'HTTP status 413' : 'too long an answer',
        );
      }
      const wait = Math.max(outcome.waitMillis ?? 0, backoffMillis(failures, time.random));
      if (this.#ended || time.now() + wait >= deadline) throw new Error(outcome.cause);
      await this.#wait(wait);
      if (this.#ended) throw new Error(outcome.cause);
    }
  }

  #wait(millis: number): Promise<void> {
    const { time } = this.#options;
    return new Promise((resolve) => {
      const wake = (): void => {
        time.clearTimeout(timer);
        this.#waits.delete(wake);
        resolve();
      };
      const timer = time.setTimeout(wake, millis);
      timer.unref?.();
      this.#waits.add(wake);
    });
  }
}

/** An application's diag logger may throw. */
function say(message: string): void {
  try {
    diag.warn(`logspan: ${message}`);
  } catch {
    // There is nobody left to tell.
  }
}
