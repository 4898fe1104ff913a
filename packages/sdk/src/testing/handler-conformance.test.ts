import { describe, expect, test } from '@jest/globals';
import type { Handler, HandlerEnd } from '../handlers/handler.ts';
import type { LogRecord } from '../pipeline/stage.ts';
import { ConfigError } from '../provider/config-error.ts';
import { handlerConformance } from './handler-conformance.ts';

type Bad = (end: Holding) => Partial<HandlerEnd>;

/** Holds records until a flush, and then has delivered them. Good, but for what a test makes bad. */
class Holding implements HandlerEnd {
  accepted = 0;
  delivered = 0;
  pending: LogRecord[] = [];

  onEmit(record: LogRecord): void {
    this.accepted++;
    this.pending.push(record);
  }

  async forceFlush(): Promise<void> {
    this.delivered += this.pending.splice(0).length;
  }

  async shutdown(): Promise<void> {
    await this.forceFlush();
    this.onEmit = () => undefined;
  }

  flushSync(): void {
    this.delivered += this.pending.splice(0).length;
  }

  deliveryAccount() {
    return {
      accepted: this.accepted,
      delivered: this.delivered,
      rejected: 0,
      dropped: {},
      pending: this.pending.length,
    };
  }
}

const handlerOf =
  (bad: Bad = () => ({})) =>
  (): Handler => ({
    name: 'holding',
    start() {
      const end = new Holding();
      return Object.assign(end, bad(end));
    },
  });
const never = () => new Promise<void>(() => undefined);

/** For each check a handler that breaks its promise. */
const bad: Readonly<Record<string, () => Handler>> = {
  'accounts for each record at all times': handlerOf((end) => ({
    onEmit(record) {
      if (record.severityNumber !== 5) Holding.prototype.onEmit.call(end, record);
    },
  })),
  'survives values that are hostile, and accounts for them': handlerOf((end) => ({
    onEmit(record) {
      JSON.stringify(record.body);
      Holding.prototype.onEmit.call(end, record);
    },
  })),
  'leaves records alone, because other handlers share them': handlerOf((end) => ({
    onEmit(record) {
      record.setAttribute('seen', true);
      Holding.prototype.onEmit.call(end, record);
    },
  })),
  'holds nothing after a flush': handlerOf(() => ({ forceFlush: async () => undefined })),
  'can be shut down twice, holds nothing then, and accounts for what comes after': handlerOf((end) => ({
    async shutdown() {
      await end.forceFlush();
      end.onEmit = () => {
        throw new Error('down');
      };
    },
  })),
  'delivers or gives up at once in flushSync()': handlerOf(() => ({ flushSync: () => undefined })),
  'is independent of another one': () => {
    const end = new Holding();
    return { name: 'one', start: () => end };
  },
  'leaves no promise to reject unseen': handlerOf((end) => ({
    async forceFlush() {
      end.flushSync();
      process.emit('unhandledRejection', new Error('late'), Promise.resolve());
    },
  })),
};

/** The same for what is checked of a destination that never answers. */
const badWhenHanging: Readonly<Record<string, () => Handler>> = {
  'flushes until its deadline where the destination never answers': handlerOf((end) => ({
    async forceFlush() {
      end.delivered++;
    },
  })),
  'comes to its end by its deadline where the destination never answers': handlerOf(() => ({ shutdown: never })),
};

const outcome = async (name: string, make: () => Handler, hanging?: () => Handler): Promise<string | undefined> => {
  const checks = handlerConformance(make, { patienceMillis: 20, ...(hanging && { hanging }) });
  try {
    await checks.find((check) => check.name === name)?.run();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
};

describe('each check fails for a handler that breaks its promise', () => {
  test('and there is one such handler for each', () => {
    const checks = handlerConformance(handlerOf(), { hanging: handlerOf() }).map(({ name }) => name);
    expect(checks.sort()).toEqual([...Object.keys(bad), ...Object.keys(badWhenHanging)].sort());
    expect(handlerConformance(handlerOf())).toHaveLength(Object.keys(bad).length);
  });

  test.each(Object.keys(bad))('%s', async (name) => {
    expect(await outcome(name, bad[name] as () => Handler)).toEqual(expect.any(String));
    expect(await outcome(name, handlerOf())).toBeUndefined();
  });

  test.each(Object.keys(badWhenHanging))('%s', async (name) => {
    expect(await outcome(name, handlerOf(), badWhenHanging[name])).toMatch(/accounted for|not done within 20 ms/);
    expect(await outcome(name, handlerOf(), handlerOf())).toBeUndefined();
  });
});

test.each<[what: string, make: () => Handler, name: string, message: RegExp]>([
  ['no name', () => ({ ...handlerOf()(), name: '' }), 'holds nothing after a flush', /has no name/],
  [
    'no account',
    handlerOf(() => ({ deliveryAccount: undefined as never })),
    'holds nothing after a flush',
    /nothing with a/,
  ],
  [
    'a count that is none',
    handlerOf((end) => ({ deliveryAccount: () => ({ ...Holding.prototype.deliveryAccount.call(end), pending: -1 }) })),
    'accounts for each record at all times',
    /a count that is none/,
  ],
  [
    'an account of its own making',
    handlerOf(() => ({ deliveryAccount: () => ({ accepted: 1, delivered: 0, rejected: 0, dropped: {}, pending: 0 }) })),
    'accounts for each record at all times',
    /of 1 records that were accepted 0 are accounted for/,
  ],
  [
    'a flush that rejects',
    handlerOf(() => ({ forceFlush: () => Promise.reject(new Error('no')) })),
    'holds nothing after a flush',
    /forceFlush\(\) rejected with Error: no/,
  ],
  [
    'a flushSync that throws',
    handlerOf(() => ({
      flushSync() {
        throw new Error('no');
      },
    })),
    'delivers or gives up at once in flushSync()',
    /flushSync\(\) threw Error: no/,
  ],
])('%s is found', async (_what, make, name, message) => {
  expect(await outcome(name, make)).toMatch(message);
});

test('options are checked', () => {
  expect(() => handlerConformance(handlerOf()() as never)).toThrow(ConfigError);
  expect(() => handlerConformance(handlerOf(), { hanging: 1 as never })).toThrow(/handlerConformance\.hanging/);
});
