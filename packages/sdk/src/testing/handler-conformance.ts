import { isDeepStrictEqual } from 'node:util';
import type { DeliveryAccount, Handler, HandlerEnd } from '../handlers/handler.ts';
import { plainValue } from '../pipeline/copy-record.ts';
import type { LogRecord } from '../pipeline/stage.ts';
import { within } from '../pipeline/within.ts';
import { checkNumber, checkOptions, checkType } from '../provider/check-options.ts';
import { ConfigError, given } from '../provider/config-error.ts';
import { readEnvironment } from '../provider/environment.ts';
import { type Check, must, mustHandleRejections, mustNotThrow, mustSettle } from './conformance/check.ts';
import { hostileRecords, ordinaryRecords, type SampleRecord } from './conformance/sample-records.ts';
import { type Maker, RecordMaker } from './conformance/trial.ts';

/** Options of {@link handlerConformance}. */
export interface HandlerConformanceOptions {
  /** Makes a handler whose destination never answers: it must come to an end by its deadline all the same. */
  readonly hanging?: () => Handler;
  /** How long a promise may take that must end, in milliseconds. Default 2 000. */
  readonly patienceMillis?: number;
}

const DEADLINE_MILLIS = 50;

/**
 * What every handler promises, as checks that any test runner can run:
 *
 * ```js
 * test.each(handlerConformance(() => myHandler(fakeDestination())))('$name', ({ run }) => run());
 * ```
 *
 * `make` makes a handler whose destination takes all it is given, anew for each check.
 *
 * @throws ConfigError for what is wrong in the options.
 */
export function handlerConformance(make: () => Handler, options: HandlerConformanceOptions = {}): readonly Check[] {
  checkOptions('handlerConformance', options, ['hanging', 'patienceMillis']);
  checkType('handlerConformance.hanging', options.hanging, 'function');
  if (typeof make !== 'function') {
    throw new ConfigError('handlerConformance', `must be given a function, not ${given(make)}`);
  }
  checkNumber('handlerConformance.patienceMillis', options.patienceMillis, 1);
  const { hanging, patienceMillis = 2_000 } = options;
  const settle = (what: string, call: () => Promise<unknown>, mayReject?: boolean): Promise<void> =>
    mustSettle(what, call, patienceMillis, mayReject);
  const inEachEnd = async (handler: () => Handler, check: (trial: HandlerTrial) => Promise<void>): Promise<void> => {
    const trial = new HandlerTrial(handler());
    try {
      await check(trial);
    } finally {
      // Whatever was found: nothing may keep the tests alive.
      await within(() => trial.end.shutdown({ timeoutMillis: DEADLINE_MILLIS }), patienceMillis);
    }
  };

  const checks: Readonly<Record<string, (trial: HandlerTrial) => Promise<void>>> = {
    'accounts for each record at all times': async (trial) => {
      trial.mustBalance();
      for (const sample of ordinaryRecords()) {
        trial.give(sample);
        trial.mustBalance();
      }
      await trial.end.forceFlush();
      trial.mustBalance();
    },

    'survives values that are hostile, and accounts for them': async (trial) => {
      for (const maker of ['logspan', 'stock'] as const) {
        for (const sample of hostileRecords()) {
          mustNotThrow(`onEmit() of a hostile record of ${maker}`, () => trial.give(sample, maker));
        }
      }
      trial.mustBalance();
      await settle('forceFlush()', () => trial.end.forceFlush());
      trial.mustBalance();
    },

    'leaves records alone, because other handlers share them': async (trial) => {
      for (const sample of ordinaryRecords()) {
        const record = trial.records.make(sample);
        const state = (): unknown =>
          plainValue([record.attributes, record.body, record.eventName, record.severityNumber]);
        const before = state();
        trial.hand(record);
        must(isDeepStrictEqual(state(), before), 'a record is not as it was');
      }
    },

    'holds nothing after a flush': async (trial) => {
      for (let round = 0; round < 2; round++) {
        for (const sample of ordinaryRecords()) trial.give(sample);
        await settle('forceFlush()', () => trial.end.forceFlush({ timeoutMillis: 5_000 }));
        trial.mustHoldNothing('forceFlush()');
        trial.mustBalance();
      }
      await settle('forceFlush() of nothing', () => trial.end.forceFlush());
    },

    'can be shut down twice, holds nothing then, and accounts for what comes after': async (trial) => {
      for (const sample of ordinaryRecords()) trial.give(sample);
      await settle('shutdown()', () => trial.end.shutdown({ timeoutMillis: 5_000 }));
      trial.mustHoldNothing('shutdown()');
      trial.mustBalance();
      await settle('a second shutdown()', () => trial.end.shutdown());
      await settle('forceFlush() after shutdown()', () => trial.end.forceFlush());
      trial.mayIgnore = true;
      for (const sample of ordinaryRecords()) mustNotThrow('onEmit() after shutdown()', () => trial.give(sample));
      trial.mustBalance();
      trial.mustHoldNothing('shutdown()');
    },

    'delivers or gives up at once in flushSync()': async (trial) => {
      for (const sample of ordinaryRecords()) trial.give(sample);
      // Optional: one that holds nothing has none.
      mustNotThrow('flushSync()', () => trial.end.flushSync?.(DEADLINE_MILLIS));
      trial.mustHoldNothing('flushSync()');
      trial.mustBalance();
      mustNotThrow('a second flushSync()', () => trial.end.flushSync?.(0));
    },

    'is independent of another one': async (trial) => {
      const other = new HandlerTrial(trial.handler);
      for (const sample of ordinaryRecords()) trial.give(sample);
      must(other.account.accepted === 0, 'what one start() made counts the records of another');
      await settle('shutdown() of another one', () => other.end.shutdown({ timeoutMillis: DEADLINE_MILLIS }));
      trial.give({ eventName: 'after' });
      trial.mustBalance();
    },

    'leaves no promise to reject unseen': (trial) =>
      mustHandleRejections(async () => {
        for (const sample of [...ordinaryRecords(), ...hostileRecords()]) trial.give(sample);
        await settle('forceFlush()', () => trial.end.forceFlush({ timeoutMillis: 1 }), true);
        await settle('shutdown()', () => trial.end.shutdown({ timeoutMillis: 1 }), true);
      }),
  };

  const checksOfHanging: Readonly<Record<string, (trial: HandlerTrial) => Promise<void>>> = {
    'flushes until its deadline where the destination never answers': async (trial) => {
      for (const sample of ordinaryRecords()) trial.give(sample);
      await settle('forceFlush()', () => trial.end.forceFlush({ timeoutMillis: DEADLINE_MILLIS }), true);
      trial.mustBalance();
    },

    'comes to its end by its deadline where the destination never answers': async (trial) => {
      for (const sample of ordinaryRecords()) trial.give(sample);
      await settle('shutdown()', () => trial.end.shutdown({ timeoutMillis: DEADLINE_MILLIS }), true);
      trial.mustHoldNothing('shutdown()');
      trial.mustBalance();
    },
  };

  const list = (from: typeof checks, handler: () => Handler): Check[] =>
    Object.entries(from).map(([name, check]) => ({ name, run: () => inEachEnd(handler, check) }));
  return [...list(checks, make), ...(hanging === undefined ? [] : list(checksOfHanging, hanging))];
}

/** One started handler, and the records it is given. */
class HandlerTrial {
  readonly handler: Handler;
  readonly end: HandlerEnd;
  readonly records: RecordMaker = new RecordMaker();
  /** After its end a handler need not take records, nor count them. */
  mayIgnore = false;
  #given = 0;

  constructor(handler: Handler) {
    must(typeof handler?.name === 'string' && handler.name !== '', 'the handler has no name');
    this.handler = handler;
    const environment = readEnvironment({}, () => undefined);
    this.end = handler.start({ resource: this.records.resource, environment });
    must(typeof this.end?.onEmit === 'function', 'start() does not return a LogRecordProcessor');
    must(typeof this.end.deliveryAccount === 'function', 'start() returns nothing with a deliveryAccount()');
  }

  get account(): DeliveryAccount {
    return this.end.deliveryAccount();
  }

  give(sample: SampleRecord, maker?: Maker): void {
    const record = this.records.make(sample, maker);
    this.hand(record);
    record.seal();
  }

  hand(record: LogRecord): void {
    this.#given++;
    this.end.onEmit(record, this.records.context);
  }

  /** `accepted = delivered + rejected + sum(dropped) + pending`, and accepted is what was given. */
  mustBalance(): void {
    const { accepted, delivered, rejected, dropped, pending } = this.account;
    const counts = [delivered, rejected, pending, ...Object.values(dropped)];
    must(
      [accepted, ...counts].every((count) => Number.isInteger(count) && count >= 0),
      'deliveryAccount() has a count that is none',
    );
    const accounted = counts.reduce((sum, count) => sum + count, 0);
    must(accounted === accepted, `of ${accepted} records that were accepted ${accounted} are accounted for`);
    // Of one made of several, a record may be accepted by each of them, or by none.
    const isOne = this.end.deliveryAccounts === undefined;
    must(
      !isOne || accepted === this.#given || (this.mayIgnore && accepted < this.#given),
      `${this.#given} records were given, and ${accepted} accepted`,
    );
  }

  mustHoldNothing(after: string): void {
    const { pending } = this.account;
    must(pending === 0, `${pending} record(s) are still pending after ${after}`);
  }
}
