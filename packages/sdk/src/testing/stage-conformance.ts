import { isDeepStrictEqual } from 'node:util';
import { lazy } from '@logspan/logger';
import { copyRecord, plainValue } from '../pipeline/copy-record.ts';
import { newRecord } from '../pipeline/new-record.ts';
import { flat, type Step } from '../pipeline/pipe.ts';
import type { LogRecord } from '../pipeline/stage.ts';
import { checkNumber, checkOptions } from '../provider/check-options.ts';
import { ConfigError, given } from '../provider/config-error.ts';
import { type Check, must, mustHandleRejections, mustNotThrow, mustSettle } from './conformance/check.ts';
import { hostileRecords, ordinaryRecords, type SampleRecord } from './conformance/sample-records.ts';
import { type Maker, Trial, timeOf } from './conformance/trial.ts';

/** Options of {@link stageConformance}. */
export interface StageConformanceOptions {
  /** Records that the stage acts upon, given in front of the usual ones. */
  readonly records?: readonly SampleRecord[];
  /** True for a stage that has to read whole records, because it holds them: lazy values are computed for it. Default false. */
  readonly computesLazy?: boolean;
  /** How long a promise may take that must end, in milliseconds. Default 2 000. */
  readonly patienceMillis?: number;
}

const MAKERS: readonly Maker[] = ['logspan', 'stock'];
/** Whoever stands here sees records that may yet be dropped. */
const BEFORE_VOLUME_IS_CUT: readonly unknown[] = ['filter', 'observe', 'volume'];
const DEADLINE = { timeoutMillis: 1_234 };

/**
 * What every step of a pipeline promises, as checks that any test runner can run:
 *
 * ```js
 * test.each(stageConformance(() => myStage()))('$name', ({ run }) => run());
 * ```
 *
 * `make` makes the step anew for each check: a stage, a processor function, or a third-party `LogRecordProcessor`. It is tried
 * as it is; what it throws in a pipeline is contained there, and a fault nevertheless. Timers and chance belong into its
 * options.
 *
 * @throws ConfigError for what is wrong in the options.
 */
export function stageConformance(make: () => Step, options: StageConformanceOptions = {}): readonly Check[] {
  checkOptions('stageConformance', options, ['records', 'computesLazy', 'patienceMillis']);
  if (typeof make !== 'function')
    throw new ConfigError('stageConformance', `must be given a function, not ${given(make)}`);
  checkNumber('stageConformance.patienceMillis', options.patienceMillis, 1);
  const { records: own = [], computesLazy = false, patienceMillis = 2_000 } = options;
  const settle = (what: string, call: () => Promise<unknown>, mayReject?: boolean): Promise<void> =>
    mustSettle(what, call, patienceMillis, mayReject);
  const ordinary = (): SampleRecord[] => [...own, ...ordinaryRecords()];

  const checks: Readonly<Record<string, () => void | Promise<void>>> = {
    'passes each record on once at most': () => {
      for (const fails of [false, true]) {
        const trial = new Trial(make());
        trial.end.fails = fails;
        for (const sample of ordinary()) {
          try {
            trial.give(sample);
          } catch (error) {
            // A failure of the next one may come through. One of its own is found elsewhere.
            if (!fails) throw error;
          }
        }
        trial.end.fails = false;
        trial.processor.release?.();
        const times = trial.passed.map(timeOf);
        const twice = times.find((time, index) => times.indexOf(time) !== index);
        must(
          twice === undefined,
          `a record was passed on twice${fails ? ', after the next one had failed on it' : ''}`,
        );
      }
    },

    'counts each record that it does not pass on': () => {
      const trial = new Trial(make());
      trial.mustBalance();
      for (const sample of ordinary()) {
        trial.give(sample);
        trial.mustBalance();
      }
    },

    'counts them the same way if somebody asks often': () => {
      const trial = new Trial(make());
      for (const sample of ordinary()) trial.give(sample);
      const account = trial.processor.account?.();
      must(isDeepStrictEqual(trial.processor.account?.(), account), 'account() changed by being asked');
    },

    'does not write into the object that the caller passed': () => {
      for (const maker of MAKERS) {
        const trial = new Trial(make(), maker);
        for (const sample of ordinary()) {
          const before = plainValue(sample.attributes);
          trial.give(sample);
          trial.processor.release?.();
          must(
            isDeepStrictEqual(plainValue(sample.attributes), before),
            `the attributes of ${nameOf(sample)} are not as they were`,
          );
        }
      }
    },

    'leaves a record alone whose copy it is given': () => {
      const trial = new Trial(make());
      for (const sample of ordinary()) {
        const original = trial.make(sample);
        const state = (): unknown =>
          plainValue([original.attributes, original.body, original.eventName, original.severityNumber]);
        const before = state();
        trial.hand(copyRecord(original));
        trial.processor.release?.();
        must(isDeepStrictEqual(state(), before), `${nameOf(sample)} is not as it was`);
      }
    },

    'passes on later what was written, not what became of it': () => {
      const trial = new Trial(make());
      const late: LogRecord[] = [];
      for (const sample of ordinary()) {
        const attributes = { ...sample.attributes, probe: { n: 1 } };
        const before = trial.passed.length;
        const record = trial.give({ ...sample, attributes });
        late.push(...trial.passed.slice(before).filter((passed) => timeOf(passed) !== timeOf(record)));
        attributes.probe.n = 2;
      }
      const before = trial.passed.length;
      trial.processor.release?.();
      late.push(...trial.passed.slice(before));
      for (const { attributes } of late) {
        must(
          isDeepStrictEqual(attributes.probe, { n: 1 }),
          'a record that was held changed with the object of the caller',
        );
      }
    },

    'leaves trace, time, resource and scope as they are': () => {
      for (const maker of MAKERS) {
        const trial = new Trial(make(), maker);
        for (const sample of ordinary()) trial.give(sample);
        trial.processor.release?.();
        const known = new Map(trial.given.map((record) => [timeOf(record), record]));
        for (const record of trial.passed) {
          const original = known.get(timeOf(record));
          must(original !== undefined, 'a record has another time than it had');
          for (const field of ['spanContext', 'resource', 'instrumentationScope', 'hrTimeObserved'] as const) {
            must(isDeepStrictEqual(record[field], original?.[field]), `${field} is not as it was`);
          }
        }
      }
    },

    'passes the context on': () => {
      const trial = new Trial(make());
      for (const sample of ordinary()) trial.give(sample);
      trial.processor.release?.();
      must(
        // What a stage writes in the end, in a summary of many records, has no one context.
        trial.end.contexts.every(
          (context, index) => context === trial.context || trial.end.records[index]?.writtenByStage === true,
        ),
        'a record came without its context',
      );
    },

    'survives values that are hostile': () => survives('logspan', hostileRecords()),

    'survives records of a stock SDK': () => survives('stock', [...ordinary(), ...hostileRecords()]),

    'does not let lazy values be computed before it is known that a record is kept': () => {
      const trial = new Trial(make());
      const steps = flat(trial.stage);
      if (computesLazy || !steps.every(({ phase }) => BEFORE_VOLUME_IS_CUT.includes(phase))) return;
      // An edit computes them: for whoever drops others, of the records that he keeps.
      const mayEdit = steps.some(({ phase }) => phase === 'volume');
      let computed = 0;
      for (const sample of ordinary()) {
        const before = trial.passed.length;
        let own = 0;
        trial.give({ ...sample, attributes: { ...sample.attributes, lazy: lazy(() => ++own) } });
        if (!mayEdit || trial.passed.length === before) computed += own;
      }
      must(computed === 0, `${computed} lazy value(s) were computed: read single attributes through peekAttribute()`);
    },

    'lets pass what a stage has written': () => {
      const trial = new Trial(make());
      // A filter is asked by the user; what belongs nowhere, too.
      if (flat(trial.stage).some(({ phase }) => phase === undefined || phase === 'filter')) return;
      const samples = ordinary();
      for (const sample of samples) trial.give(sample);
      const written = samples.map((sample) => newRecord(trial.make(sample), { eventName: 'alert' }));
      for (const record of written) trial.hand(record);
      trial.processor.release?.();
      const missing = written.length - trial.end.records.filter(({ eventName }) => eventName === 'alert').length;
      must(missing === 0, `${missing} of ${written.length} records with writtenByStage did not come through`);
    },

    'forwards enabled()': () => {
      const trial = new Trial(make());
      const asked = { context: trial.context, instrumentationScope: { name: 'a' }, severityNumber: 9, eventName: 'e' };
      for (const answer of [true, false]) {
        trial.end.answer = answer;
        const said = trial.processor.enabled?.(asked) ?? answer;
        must(typeof said === 'boolean', 'enabled() did not answer true or false');
        must(answer || !said, 'enabled() was true though the next one’s was false');
      }
      must(trial.processor.enabled !== undefined, 'there is no enabled(): what the next one says is never heard');
      must(
        trial.end.asked.every((options) => isDeepStrictEqual(options, asked)),
        'enabled() changed its options',
      );
      const bare = trial.stage({ onEmit() {}, forceFlush: async () => undefined, shutdown: async () => undefined });
      mustNotThrow('enabled() of a stage whose next one has none', () => bare.enabled?.(asked));
    },

    'forwards forceFlush() and shutdown(), with their deadline': async () => {
      for (const method of ['forceFlush', 'shutdown'] as const) {
        const trial = new Trial(make());
        for (const sample of ordinary()) trial.give(sample);
        await settle(`${method}()`, () => trial.processor[method](DEADLINE));
        const calls = method === 'forceFlush' ? trial.end.flushes : trial.end.shutdowns;
        must(calls.length === 1, `${method}() called the next one ${calls.length} times`);
        const millis = calls[0]?.timeoutMillis;
        must(millis !== undefined && millis <= DEADLINE.timeoutMillis, `${method}() did not pass its deadline on`);
        trial.mustBalance();
      }
    },

    'lets go of all that it holds, whenever it is told to': async () => {
      const trial = new Trial(make());
      const release = (): void => mustNotThrow('release()', () => trial.processor.release?.());
      release();
      for (const [index, sample] of ordinary().entries()) {
        trial.give(sample);
        if (index % 7 !== 0) continue;
        release();
        release();
        trial.mustHoldNothing('after release()');
        trial.mustBalance();
      }
      await settle('shutdown()', () => trial.processor.shutdown(DEADLINE));
      trial.mustHoldNothing('after shutdown()');
      release();
      trial.mustBalance();
    },

    'can be shut down twice, and survives what comes after': async () => {
      const trial = new Trial(make());
      for (const sample of ordinary()) trial.give(sample);
      await settle('shutdown()', () => trial.processor.shutdown());
      await settle('a second shutdown()', () => trial.processor.shutdown());
      await settle('forceFlush() after shutdown()', () => trial.processor.forceFlush());
      for (const sample of ordinary()) mustNotThrow('onEmit() after shutdown()', () => trial.give(sample));
      trial.mustBalance();
    },

    'leaves no promise to reject unseen': () =>
      mustHandleRejections(async () => {
        const trial = new Trial(make());
        for (const sample of ordinary()) trial.give(sample);
        trial.end.fails = true;
        await settle('forceFlush()', () => trial.processor.forceFlush(DEADLINE), true);
        await settle('shutdown()', () => trial.processor.shutdown(DEADLINE), true);
        must(trial.end.unseen === 0, 'nobody looked at what a flush or shutdown of the next one came to');
      }),

    'is independent of another one': () => {
      const step = make();
      // Made by another call, and the same stage in two pipelines.
      for (const other of [() => new Trial(make()), () => new Trial(step)]) {
        const idle = other();
        const before = plainValue(idle.processor.account?.());
        const busy = new Trial(step);
        for (const sample of ordinary()) busy.give(sample);
        must(idle.end.records.length === 0, 'a record came out of another one');
        must(isDeepStrictEqual(plainValue(idle.processor.account?.()), before), 'the account of another one changed');
      }
    },
  };

  /** Nothing throws, and the account still holds. */
  function survives(maker: Maker, samples: readonly SampleRecord[]): void {
    const trial = new Trial(make(), maker);
    for (const sample of samples) {
      mustNotThrow(`onEmit() of ${nameOf(sample)}`, () => trial.give(sample));
    }
    mustNotThrow('release()', () => trial.processor.release?.());
    trial.mustBalance();
    for (const record of trial.passed) mustNotThrow('a record that was passed on', () => read(record));
  }

  return Object.entries(checks).map(([name, check]) => ({ name, run: async () => check() }));
}

/** As an exporter reads it. */
function read(record: LogRecord): unknown {
  return [record.attributes, record.eventName, record.severityNumber, record.hrTime, record.spanContext];
}

function nameOf({ eventName, body }: SampleRecord): string {
  return `the record ${JSON.stringify((eventName ?? (typeof body === 'string' ? body : typeof body)).slice(0, 40))}`;
}
