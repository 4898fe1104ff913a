import { type Context, context, diag } from '@opentelemetry/api';
import { suppressLogging } from '../../pipeline/guard.ts';
import { PassLater } from '../../pipeline/pass-later.ts';
import { Failures, isWorthReporting } from '../../pipeline/report.ts';
import { forwardTo, type LogRecord, type LogRecordProcessor } from '../../pipeline/stage.ts';
import type { StageTime } from '../../pipeline/stage-time.ts';
import { within } from '../../pipeline/within.ts';
import { alertRecord, groupOf } from './alert.ts';
import type { CheckedRule } from './check-rules.ts';
import { checkVerdict } from './check-verdict.ts';
import { groupKey } from './group-key.ts';
import { MemoryStore } from './memory-store.ts';
import { Overflow } from './overflow.ts';
import { hasAttributes } from './record-matcher.ts';
import { RulesByEvent } from './rules-by-event.ts';
import { Silence } from './silence.ts';
import type { SecurityStore, Sighting, Verdict } from './store.ts';

/** How many answers of a store may be outstanding. */
const MOST_PENDING = 1_000;
/** How long a flush without a timeout of its own waits for a store. */
const STORE_FLUSH_MILLIS = 10_000;

/** What a rule has done since the monitor was made. */
export interface SecurityRuleStats {
  /** Records that it was meant for. */
  readonly matched: number;
  /** Of these, those that were not judged because they lack what tells their group, or the value to count. */
  readonly ungrouped: number;
  /**
   * Of these, those that were not judged because the store failed, answered with what is no verdict, had too many answers
   * outstanding, or had not answered when the monitor ended.
   */
  readonly unjudged: number;
  /** Alerts that were written. */
  readonly alerts: number;
  /** Records of groups for which there was no room. */
  readonly overflow: number;
}

export class Tally implements SecurityRuleStats {
  matched = 0;
  ungrouped = 0;
  unjudged = 0;
  alerts = 0;
  overflow = 0;
}

/** The rules at work in one pipeline. */
export class Monitoring {
  readonly processor: LogRecordProcessor;
  readonly #next: LogRecordProcessor;
  /** For alerts: what is behind them must not fail, or log, on their account. */
  readonly #alerts: PassLater;
  readonly #byEvent: RulesByEvent;
  readonly #tallies: ReadonlyMap<string, Tally>;
  readonly #observe: SecurityStore['observe'];
  readonly #time: StageTime;
  readonly #silences = new Map<CheckedRule, Silence>();
  readonly #overflows = new Map<CheckedRule, Overflow>();
  /** The answers that are outstanding, and whose they are. */
  readonly #pending = new Map<Promise<void>, Tally>();
  readonly #failures = new Failures('securityMonitor');
  #nowMillis = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(
    next: LogRecordProcessor,
    rules: readonly CheckedRule[],
    tallies: ReadonlyMap<string, Tally>,
    store: SecurityStore | undefined,
    time: StageTime,
  ) {
    this.#next = next;
    this.#alerts = new PassLater(next);
    this.#byEvent = new RulesByEvent(rules);
    this.#tallies = tallies;
    this.#time = time;
    const memory = new MemoryStore();
    // What a store logs on its own account must not come back here.
    this.#observe = store
      ? (rule, sighting) => context.with(suppressLogging(context.active()), () => store.observe(rule, sighting))
      : (rule, sighting) => memory.observe(rule, sighting);
    for (const rule of rules.filter(({ isAbsence }) => isAbsence)) {
      this.#silences.set(rule, new Silence(rule, time, (alert) => this.#passAlert(rule, alert)));
    }
    for (const rule of rules) {
      this.#overflows.set(rule, new Overflow(rule, time, (alert) => this.#passAlert(rule, alert)));
    }
    this.processor = forwardTo(next, {
      onEmit: (record, from) => this.#onEmit(record, from),
      forceFlush: async (options) => next.forceFlush(await this.#settle(options)),
      shutdown: async (options) => {
        const left = await this.#settle(options);
        this.#close();
        return next.shutdown(left);
      },
      release: () => this.#close(),
      account: () => ({ dropped: { failed: this.#alerts.failed } }),
    });
  }

  #onEmit(record: LogRecord, from: Context | undefined): void {
    const rules = record.writtenByStage === true ? undefined : this.#byEvent.of(record.eventName);
    if (rules === undefined || this.#isClosed) {
      this.#next.onEmit(record, from);
      return;
    }
    // Before the record goes on, because what is behind may change it; told after it, because that is the order of things.
    const alerts = this.#judge(rules, record, from);
    try {
      this.#next.onEmit(record, from);
    } finally {
      if (alerts !== undefined) for (const alert of alerts) this.#alerts.pass(alert, from);
    }
  }

  #judge(rules: readonly CheckedRule[], record: LogRecord, from: Context | undefined): LogRecord[] | undefined {
    this.#nowMillis = Math.max(this.#nowMillis, this.#time.now());
    let alerts: LogRecord[] | undefined;
    for (const rule of rules) {
      try {
        const verdict = this.#judgeBy(rule, record, from);
        if (verdict === undefined) continue;
        const told = this.#tell(rule, verdict, record);
        if (told !== undefined) alerts = alerts === undefined ? told : [...alerts, ...told];
      } catch (error) {
        this.#tally(rule).unjudged++;
        this.#failures.count(error);
      }
    }
    return alerts;
  }

  #judgeBy(rule: CheckedRule, record: LogRecord, from: Context | undefined): Verdict | undefined {
    const steps = stepsOf(rule, record);
    if (steps === undefined) return undefined;
    const tally = this.#tally(rule);
    tally.matched++;
    if (rule.isAbsence) {
      this.#silences.get(rule)?.seen(record, this.#nowMillis);
      return undefined;
    }
    const key = groupKey(record, rule.groupBy);
    const value = rule.field === '' ? '' : groupKey(record, [rule.field]);
    if (key === undefined || value === undefined) {
      tally.ungrouped++;
      if (isWorthReporting(tally.ungrouped)) warnOfUngrouped(rule, tally.ungrouped);
      return undefined;
    }
    if (this.#pending.size >= MOST_PENDING) {
      tally.unjudged++;
      return undefined;
    }
    const sighting: Sighting = { key, nowMillis: this.#nowMillis, value, steps };
    const answer = this.#observe(rule, sighting);
    if (!isPromise(answer)) return checkVerdict(answer);
    this.#follow(rule, answer, groupOf(record, rule), record, from);
    return undefined;
  }

  /** Waits for the answer of a store, outside of the log call. */
  #follow(
    rule: CheckedRule,
    answer: PromiseLike<Verdict | undefined>,
    group: Readonly<Record<string, unknown>>,
    record: LogRecord,
    from: Context | undefined,
  ): void {
    const tally = this.#tally(rule);
    const done = Promise.resolve(answer)
      .then((answered) => {
        // Counted as unjudged already.
        if (this.#isClosed) return;
        const verdict = checkVerdict(answered);
        if (verdict === undefined) return;
        for (const alert of this.#tell(rule, verdict, record, group) ?? []) this.#alerts.pass(alert, from);
      })
      .catch((error: unknown) => {
        if (this.#isClosed) return;
        tally.unjudged++;
        this.#failures.count(error);
      })
      .finally(() => this.#pending.delete(done));
    this.#pending.set(done, tally);
  }

  /** The alerts that follow the record. */
  #tell(
    rule: CheckedRule,
    { alert, overflow = 0 }: Verdict,
    cause: LogRecord,
    group?: Readonly<Record<string, unknown>>,
  ): LogRecord[] | undefined {
    const tally = this.#tally(rule);
    tally.overflow += overflow;
    const told = overflow > 0 ? this.#overflows.get(rule)?.add(overflow, cause, this.#nowMillis) : undefined;
    if (alert === undefined && told === undefined) return undefined;
    const alerts = told === undefined ? [] : [told];
    if (alert !== undefined) alerts.push(alertRecord(rule, alert, group ?? groupOf(cause, rule), cause));
    tally.alerts += alerts.length;
    return alerts;
  }

  #passAlert(rule: CheckedRule, alert: LogRecord): void {
    this.#tally(rule).alerts++;
    this.#alerts.pass(alert);
  }

  /** Waits for the answers that are outstanding; what of the options is left. */
  async #settle<T extends { readonly timeoutMillis?: number | undefined }>(
    options: T | undefined,
  ): Promise<T | undefined> {
    if (this.#pending.size === 0) return options;
    const started = this.#time.now();
    const { timeoutMillis } = options ?? {};
    await within(() => Promise.all(this.#pending.keys()), timeoutMillis ?? STORE_FLUSH_MILLIS);
    if (options === undefined || timeoutMillis === undefined) return options;
    return { ...options, timeoutMillis: Math.max(0, timeoutMillis - (this.#time.now() - started)) };
  }

  #close(): void {
    this.#isClosed = true;
    for (const tally of this.#pending.values()) tally.unjudged++;
    this.#pending.clear();
    for (const silence of this.#silences.values()) silence.stop();
    for (const overflow of this.#overflows.values()) overflow.end();
  }

  #tally(rule: CheckedRule): Tally {
    return this.#tallies.get(rule.id) as Tally;
  }
}

const NO_STEPS: readonly number[] = Object.freeze([]);

/** The steps of a rule that a record can be; of one without steps none, and undefined if it is nothing to the rule. */
function stepsOf(rule: CheckedRule, record: LogRecord): readonly number[] | undefined {
  const { matchers } = rule;
  const name = record.eventName;
  let steps: number[] | undefined;
  for (let i = 0; i < matchers.length; i++) {
    const matcher = matchers[i] as CheckedRule['matchers'][number];
    if (matcher.event !== undefined && !(name && matcher.event(name))) continue;
    if (!hasAttributes(matcher, record)) continue;
    if (rule.type !== 'temporal_ordered') return NO_STEPS;
    steps ??= [];
    steps.push(i);
  }
  return steps;
}

/** It may be that the rule asks for an attribute of the wrong name, and never sees anything. */
function warnOfUngrouped({ id, groupBy, field }: CheckedRule, count: number): void {
  const needed = [...groupBy, ...(field === '' ? [] : [field])].join(', ');
  try {
    diag.warn(`logspan: securityMonitor: ${count} record(s) for rule ${id} lack what it needs: ${needed}`);
  } catch {
    // A diag logger that throws leaves nobody to tell.
  }
}

function isPromise(answer: unknown): answer is PromiseLike<Verdict | undefined> {
  return typeof (answer as { then?: unknown } | null | undefined)?.then === 'function';
}
