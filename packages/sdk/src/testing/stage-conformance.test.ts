import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { emitFromStockTo, Recorder } from '../../../../test/pipeline/recorder.ts';
import { copyRecord } from '../pipeline/copy-record.ts';
import { removeAttribute } from '../pipeline/edit-attributes.ts';
import type { Step } from '../pipeline/pipe.ts';
import {
  forwardTo,
  type LogRecord,
  type LogRecordProcessor,
  type Phase,
  type Stage,
  stage,
} from '../pipeline/stage.ts';
import { ConfigError } from '../provider/config-error.ts';
import { StockRecord } from './conformance/stock-record.ts';
import { stageConformance } from './stage-conformance.ts';

type OnEmit = (
  record: LogRecord,
  next: LogRecordProcessor,
  context: Parameters<LogRecordProcessor['onEmit']>[1],
) => void;

/** A stage that does this with each record, and forwards the rest. */
const doing =
  (onEmit: OnEmit, phase?: Phase, more: (next: LogRecordProcessor) => Partial<LogRecordProcessor> = () => ({})) =>
  (): Stage =>
    stage('bad', phase, (next) =>
      forwardTo(next, { onEmit: (record, context) => onEmit(record, next, context), ...more(next) }),
    );
const pass: OnEmit = (record, next, context) => next.onEmit(record, context);

/** Holds records, and lets go of them when it is told to. */
const holding = (keep: (record: LogRecord) => LogRecord, { leak = false } = {}) => {
  const held: [LogRecord, Parameters<LogRecordProcessor['onEmit']>[1]][] = [];
  return doing(
    (record, _next, context) => void held.push([keep(record), context]),
    'volume',
    (next) => {
      const release = (): void => {
        for (const one of held.splice(0)) next.onEmit(...one);
      };
      return {
        release: leak ? () => undefined : release,
        account: () => ({ held: held.length }),
        async shutdown(options) {
          release();
          await next.shutdown(options);
        },
      };
    },
  );
};

/** For each check a stage that is bad in nothing else that matters. */
const bad: Readonly<Record<string, () => Step>> = {
  'passes each record on once at most': doing((record, next, context) => {
    try {
      next.onEmit(record, context);
    } catch {
      next.onEmit(record, context);
    }
  }),
  'counts each record that it does not pass on': doing((record, next, context) => {
    if (record.severityNumber !== 5) next.onEmit(record, context);
  }),
  'counts them the same way if somebody asks often': () => {
    let asked = 0;
    return doing(pass, undefined, () => ({ account: () => ({ redacted: asked++ }) }))();
  },
  'does not write into the object that the caller passed': doing((record, next, context) => {
    (record.attributes as Record<string, unknown>).seen = true;
    next.onEmit(record, context);
  }),
  'leaves a record alone whose copy it is given': doing((record, next, context) => {
    delete (record.attributes.nested as { token?: string } | undefined)?.token;
    next.onEmit(record, context);
  }),
  'passes on later what was written, not what became of it': () => holding((record) => record)(),
  'leaves trace, time, resource and scope as they are': doing((record, next, context) => {
    const copy = copyRecord(record);
    next.onEmit({ ...copy, instrumentationScope: { name: 'bad' } }, context);
  }),
  'passes the context on': doing((record, next) => next.onEmit(record)),
  'survives values that are hostile': doing((record, next, context) => {
    if (record.attributes.n === 1) JSON.stringify(record.body).length;
    next.onEmit(record, context);
  }),
  'survives records of a stock SDK': doing((record, next, context) => {
    (record as LogRecord & { removeAttribute(key: string): void }).removeAttribute('password');
    next.onEmit(record, context);
  }),
  'does not let lazy values be computed before it is known that a record is kept': doing((record, next, context) => {
    if (Object.keys(record.attributes).length >= 0) next.onEmit(record, context);
  }, 'observe'),
  'lets pass what a stage has written': () => {
    let dropped = 0;
    return doing(
      (record, next, context) => {
        if (record.eventName === 'alert') dropped++;
        else next.onEmit(record, context);
      },
      'volume',
      () => ({ account: () => ({ dropped: { dropped } }) }),
    )();
  },
  'forwards enabled()': doing(pass, undefined, () => ({ enabled: () => true })),
  'forwards forceFlush() and shutdown(), with their deadline': doing(pass, undefined, (next) => ({
    forceFlush: () => next.forceFlush(),
  })),
  'lets go of all that it holds, whenever it is told to': () => holding(copyRecord, { leak: true })(),
  'can be shut down twice, and survives what comes after': doing(pass, undefined, (next) => {
    let down = false;
    return {
      async shutdown(options) {
        if (down) throw new Error('twice');
        down = true;
        await next.shutdown(options);
      },
    };
  }),
  'leaves no promise to reject unseen': doing(pass, undefined, (next) => ({
    async forceFlush(options) {
      void next.forceFlush(options);
    },
  })),
  'is independent of another one': () => shared,
};

/** One for all, with one count for all. */
let count = 0;
const shared = doing(pass, undefined, () => ({ account: () => ({ redacted: count++ && 1 }) }))();

describe('each check fails for a stage that breaks its promise', () => {
  const checks = stageConformance(() => doing(pass)());

  test('and there is one such stage for each', () => {
    expect(checks.map(({ name }) => name).sort()).toEqual(Object.keys(bad).sort());
  });

  test.each(Object.keys(bad))('%s', async (name) => {
    const find = (make: () => Step) =>
      stageConformance(make)
        .find((check) => check.name === name)
        ?.run();
    await expect(find(bad[name] as () => Step)).rejects.toThrow(expect.objectContaining({ name: 'ConformanceError' }));
    await expect(find(doing(pass))).resolves.toBeUndefined();
  });
});

describe('a promise has more than one side', () => {
  const failing = async (make: () => Step, name: string): Promise<string | undefined> => {
    try {
      await stageConformance(make, { patienceMillis: 20 })
        .find((check) => check.name === name)
        ?.run();
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  };

  test.each<[what: string, make: () => Step, name: string, message: RegExp]>([
    [
      'a record twice',
      doing((record, next, context) => [1, 2].forEach(() => void next.onEmit(record, context))),
      'passes each record on once at most',
      /twice$/,
    ],
    [
      'a copy beside the record',
      doing((record, next, context) => [record, copyRecord(record)].forEach((one) => void next.onEmit(one, context))),
      'passes each record on once at most',
      /twice/,
    ],
    [
      'drops counted that are none',
      doing(pass, undefined, () => ({ account: () => ({ dropped: { a: 1 } }) })),
      'counts each record that it does not pass on',
      /of 0 records 0 were passed on and 1 are in account/,
    ],
    [
      'a count that is none',
      doing(pass, undefined, () => ({ account: () => ({ dropped: { a: Number.NaN } }) })),
      'counts each record that it does not pass on',
      /a count that is none/,
    ],
    [
      'another trace',
      doing((record, next, context) =>
        next.onEmit({ ...copyRecord(record), spanContext: undefined as never }, context),
      ),
      'leaves trace, time, resource and scope as they are',
      /spanContext is not as it was/,
    ],
    [
      'another time',
      doing((record, next, context) => next.onEmit({ ...copyRecord(record), hrTime: [1, 1] }, context)),
      'leaves trace, time, resource and scope as they are',
      /another time/,
    ],
    [
      'no enabled()',
      () =>
        stage('bad', undefined, (next) => ({
          onEmit: (record, context) => next.onEmit(record, context),
          forceFlush: (options) => next.forceFlush(options),
          shutdown: (options) => next.shutdown(options),
        })),
      'forwards enabled()',
      /there is no enabled/,
    ],
    [
      'an enabled() that needs the next one’s',
      doing(pass, undefined, (next) => ({ enabled: (asked) => (next.enabled as (o: unknown) => boolean)(asked) })),
      'forwards enabled()',
      /threw TypeError/,
    ],
    [
      'a shutdown that is not passed on',
      doing(pass, undefined, () => ({ shutdown: async () => undefined })),
      'forwards forceFlush() and shutdown(), with their deadline',
      /shutdown\(\) called the next one 0 times/,
    ],
    [
      'a flush that hangs',
      doing(pass, undefined, () => ({ forceFlush: () => new Promise<void>(() => undefined) })),
      'forwards forceFlush() and shutdown(), with their deadline',
      /not done within 20 ms/,
    ],
    [
      'a throw after shutdown',
      () => {
        let down = false;
        return doing(
          (record, next, context) => {
            if (down) throw new Error('down');
            next.onEmit(record, context);
          },
          undefined,
          (next) => ({
            shutdown(options) {
              down = true;
              return next.shutdown(options);
            },
          }),
        )();
      },
      'can be shut down twice, and survives what comes after',
      /onEmit\(\) after shutdown\(\) threw Error: down/,
    ],
    [
      'a record of another pipeline',
      () => everywhere,
      'is independent of another one',
      /a record came out of another one/,
    ],
    [
      'a rejection that Node tells of',
      doing(pass, undefined, (next) => ({
        forceFlush(options) {
          process.emit('unhandledRejection', new Error('late'), Promise.resolve());
          return next.forceFlush(options);
        },
      })),
      'leaves no promise to reject unseen',
      /left to reject with Error: late/,
    ],
    [
      'no processor at all',
      () => stage('bad', undefined, () => undefined as never),
      'forwards enabled()',
      /does not return/,
    ],
  ])('%s', async (_what, make, name, message) => {
    expect(await failing(make, name)).toMatch(message);
  });

  test('an async function is watched over, so that nothing is left', async () => {
    const make = () => (() => Promise.reject(new Error('late'))) as never;
    expect(await failing(make, 'leaves no promise to reject unseen')).toBeUndefined();
  });
});

/** Gives each record to every pipeline that it was ever put into. */
const nexts: LogRecordProcessor[] = [];
const everywhere = stage('bad', undefined, (next) => {
  nexts.push(next);
  return forwardTo(next, { onEmit: (record, context) => nexts.forEach((one) => void one.onEmit(record, context)) });
});

test('what is no step, or no way to make one, is a mistake', async () => {
  expect(() => stageConformance(1 as never)).toThrow(ConfigError);
  expect(() => stageConformance(() => 1 as never, { lazy: true } as never)).toThrow(/stageConformance\.lazy/);
  await expect(stageConformance(() => 1 as never)[0]?.run()).rejects.toThrow(ConfigError);
});

test('records of one’s own come first', async () => {
  const seen: unknown[] = [];
  const make = () => (record: LogRecord) => void seen.push(record.eventName);
  const checks = stageConformance(make, { records: [{ eventName: 'mine', attributes: { f: () => 1 } }] });
  for (const { run } of checks) await run();
  expect(seen[0]).toBe('mine');
});

test('a stage that reads whole records may say so', async () => {
  const name = 'does not let lazy values be computed before it is known that a record is kept';
  const make = bad[name] as () => Step;
  const checks = stageConformance(make, { computesLazy: true });
  await expect(checks.find((check) => check.name === name)?.run()).resolves.toBeUndefined();
});

describe('a stock record of the kit', () => {
  const value = fc.oneof(
    fc.anything({
      withMap: true,
      withSet: true,
      withDate: true,
      withBigInt: true,
      withNullPrototype: true,
      maxDepth: 3,
    }),
    fc.constantFrom(() => 1, Symbol('s'), new Error('no'), new Uint8Array(2)),
  );

  test('keeps of attributes what one of the stock SDK keeps', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ maxLength: 3 }), value, { maxKeys: 5 }), fc.string(), (attributes, key) => {
        const end = new Recorder();
        emitFromStockTo(end)({ attributes, body: 'b', eventName: 'e', severityNumber: 9 });
        const real = end.records[0] as LogRecord;
        const { hrTime, resource, instrumentationScope } = real;
        const ours = new StockRecord({ hrTime, resource, instrumentationScope, attributes, body: 'b' });
        expect(ours.attributes).toEqual(real.attributes);
        ours.setAttribute(key, 1).seal();
        ours.setAttribute('late', 1);
        ours.body = 'late';
        expect([ours.attributes.late, ours.body]).toEqual([undefined, 'b']);
      }),
    );
  });

  test('has none of the methods that only ours have', () => {
    const end = new Recorder();
    emitFromStockTo(end)({ attributes: { a: 1 } });
    const real = end.records[0] as LogRecord;
    const ours = new StockRecord({ ...real, hrTime: [1, 1], attributes: { a: 1 } });
    for (const record of [real, ours]) {
      expect(record).not.toHaveProperty('removeAttribute');
      expect(record).not.toHaveProperty('peekAttribute');
      removeAttribute(record, 'a');
      expect(record.attributes).toEqual({});
    }
  });
});
