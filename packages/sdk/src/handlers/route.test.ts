import { describe, expect, test } from '@jest/globals';
import { atLeast } from '@logspan/logger';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { emitTo, Recorder, toldDuring } from '../../../../test/pipeline/recorder.ts';
import { type ProcessorFunction, pipe, processor, type Step } from '../pipeline/pipe.ts';
import { stage } from '../pipeline/stage.ts';
import { enrich } from '../processors/enrich.ts';
import { filter } from '../processors/filter.ts';
import { redact } from '../processors/redact.ts';
import { resilient } from '../processors/resilient.ts';
import { sample } from '../processors/sample.ts';
import { readEnvironment } from '../provider/environment.ts';
import { Pipeline } from '../provider/pipeline.ts';
import { register } from '../provider/register.ts';
import { batch } from './batch.ts';
import { fallback } from './fallback.ts';
import type { DeliveryAccount, Handler, HandlerEnd } from './handler.ts';
import { type RouteOptions, route } from './route.ts';

const handlerContext = { resource: { attributes: {} }, environment: readEnvironment({}, () => undefined) };

/** A destination that keeps what it gets. */
class Memory extends Recorder implements HandlerEnd {
  readonly flushedSync: number[] = [];

  deliveryAccount(): DeliveryAccount {
    const { length } = this.records;
    return { accepted: length, delivered: length, rejected: 0, dropped: {}, pending: 0 };
  }

  flushSync(timeoutMillis: number): void {
    this.flushedSync.push(timeoutMillis);
  }
}

const to = (end: HandlerEnd, name = 'memory', when?: Handler['when']): Handler => ({
  name,
  ...(when === undefined ? {} : { when }),
  start: () => end,
});

/** A pipeline with these handlers. */
function through(...handlers: Handler[]) {
  const pipeline = new Pipeline([], handlers, handlerContext);
  return { pipeline, emit: emitTo(pipeline) };
}

const delivered = (accepted: number): DeliveryAccount => ({
  accepted,
  delivered: accepted,
  rejected: 0,
  dropped: {},
  pending: 0,
});

describe('levels are numbers', () => {
  test('a route for warn and above gets its errors', () => {
    const [some, all] = [new Memory(), new Memory()];
    const { emit } = through(route({ when: atLeast('warn'), to: to(some) }), route({ to: to(all) }));
    for (const severityNumber of [9, 13, 17, 21]) emit({ severityNumber });
    expect(some.records.map(({ severityNumber }) => severityNumber)).toEqual([13, 17, 21]);
    expect(all.records).toHaveLength(4);
  });
});

describe('what a route does to its records', () => {
  test('is seen on no other route', () => {
    const [first, edited, last] = [new Memory(), new Memory(), new Memory()];
    const change: ProcessorFunction = (record) => {
      record.body = 'changed';
      record.severityNumber = 1;
    };
    const { emit } = through(
      to(first, 'first'),
      route({ processors: [change, enrich({ route: 'errors' }), redact({ keys: ['card'] })], to: to(edited) }),
      to(last, 'last'),
    );
    const attributes = Object.freeze({ card: '4111', nested: Object.freeze({ card: '4111' }) });
    emit({ severityNumber: 17, body: 'as it was', attributes });
    for (const { records } of [first, last]) {
      expect(records[0]).toMatchObject({ severityNumber: 17, body: 'as it was', attributes });
      expect(records[0]?.attributes).not.toHaveProperty('route');
    }
    expect(edited.records[0]).toMatchObject({
      severityNumber: 1,
      body: 'changed',
      attributes: { card: '***REDACTED***', nested: { card: '***REDACTED***' }, route: 'errors' },
    });
  });

  test('without processors its handlers share the record', () => {
    const [plain, routed] = [new Memory(), new Memory()];
    const { emit } = through(to(plain, 'plain'), route({ to: to(routed) }));
    emit({ body: 1 });
    expect(routed.records[0]).toBe(plain.records[0]);
  });

  test('is held to the order of the pipeline, and the mistake names the route', () => {
    expect(() => route({ processors: [redact(), enrich({ a: 1 })], to: to(new Memory()) })).toThrow(
      'route.processors: enrich stands after redact',
    );
    expect(() => route({ name: 'errors', processors: [1 as never], to: to(new Memory()) })).toThrow(
      /^route\(errors\)\.processors\[0\]: /,
    );
    const broken: Step = stage('broken', undefined, () => undefined as never);
    expect(() => through(route({ name: 'errors', processors: [broken], to: to(new Memory()) }))).toThrow(
      'route(errors).processors: broken does not return',
    );
  });

  test('that throws loses no record, unless it is there to redact', async () => {
    const memory = new Memory();
    const fails = (name: string, phase?: 'redact') =>
      stage(name, phase, (next) => ({
        ...next,
        onEmit(record, context) {
          if (record.body === name) throw new Error('hunter2');
          next.onEmit(record, context);
        },
      }));
    const { pipeline, emit } = through(route({ processors: [fails('a'), fails('b', 'redact')], to: to(memory) }));
    const told = await toldDuring(() => {
      for (const body of ['a', 'b', 'c']) emit({ body });
    });
    expect(memory.records.map(({ body }) => body)).toEqual(['a', 'c']);
    expect(pipeline.deliveryAccounts()).toEqual({
      route: { ...delivered(0), accepted: 1, dropped: { failed: 1 } },
      'route/memory': delivered(2),
    });
    expect(told.join()).not.toContain('hunter2');
  });
});

describe('what is added on a route', () => {
  const sentence = /what (enrich|addsOne) adds would leave unredacted: put a redact\(\) behind it/;
  const addsOne: ProcessorFunction = (record) => void record.setAttribute('password', 'hunter2');
  const start = (processors: Step[], mustRedact: boolean, nested = false) => {
    const inner = route({ processors, to: to(new Memory()), name: 'own' });
    return new Pipeline(
      [],
      [nested ? route({ processors: [redact()], to: inner }) : inner],
      handlerContext,
      mustRedact,
    );
  };

  test('must be redacted there, where the pipeline redacts', () => {
    for (const step of [
      enrich({ token: 'secret' }),
      addsOne,
      pipe(
        filter(() => true),
        addsOne,
      ),
      resilient(addsOne),
    ]) {
      for (const nested of [false, true]) {
        expect(() => start([step], true, nested)).toThrow(sentence);
        expect(() => start([step, redact()], true, nested)).not.toThrow();
        expect(() => start([step], false, nested)).not.toThrow();
      }
    }
    expect(() => start([addsOne], true)).toThrow('route(own).processors: what addsOne adds');
    // A stage of the phase that is not redact() takes nothing out.
    expect(() => start([addsOne, processor(function own() {}, 'redact')], true)).toThrow(sentence);
  });

  test('need not be where nothing is', () => {
    const drops = processor(() => false, 'filter');
    expect(() => start([drops, filter(() => true), sample({ ratio: 1 })], true)).not.toThrow();
    expect(() => start([], true)).not.toThrow();
  });

  test('is a mistake at startup, and at run time', async () => {
    const leaking = route({ processors: [addsOne], to: to(new Memory()) });
    expect(() => register({ handlers: [leaking], exitHooks: false })).toThrow(sentence);
    const logging = register({ handlers: [to(new Memory())], exitHooks: false });
    expect(() => logging.addHandler(fallback(to(new Memory()), leaking))).toThrow(sentence);
    await logging.shutdown();
    const open = register({ handlers: [leaking], redact: false, exitHooks: false });
    await open.shutdown();
  });
});

describe('the account', () => {
  /** The accounts of a route alone. */
  function accountsOf(options: RouteOptions, emitted: (emit: ReturnType<typeof emitTo>) => void) {
    const end = route(options).start(handlerContext);
    emitted(emitTo(end));
    const accounts = end.deliveryAccounts?.() ?? {};
    for (const account of [end.deliveryAccount(), ...Object.values(accounts)]) {
      const dropped = Object.values(account.dropped).reduce((sum, count) => sum + count, 0);
      expect(account.delivered + account.rejected + dropped + account.pending).toBe(account.accepted);
    }
    return { accounts, sum: end.deliveryAccount(), stage: end.account?.() };
  }

  test('of each handler is there by its name, and nothing is counted twice', () => {
    const { accounts, sum } = accountsOf(
      { to: [to(new Memory(), 'a'), to(new Memory(), 'b', ({ body }) => body === 1), to(new Memory(), 'a')] },
      (emit) => {
        for (const body of [1, 2, 3]) emit({ body });
      },
    );
    expect(accounts).toEqual({ a: delivered(3), b: delivered(1), 'a#2': delivered(3) });
    expect(sum).toEqual(delivered(7));
  });

  test('of the route itself is what its processors held back', () => {
    const odd = processor(function odd({ body }) {
      return body % 2 === 1;
    });
    const {
      accounts,
      sum,
      stage: account,
    } = accountsOf(
      {
        processors: [filter(({ body }) => body !== 0), sample({ ratio: 0, random: () => 0.5 }), odd, redact()],
        to: to(new Memory(), 'a'),
      },
      (emit) => {
        emit({ body: 0 });
        emit({ body: 1 });
        emit({ body: 2, severityNumber: 17 });
        emit({ body: 3, severityNumber: 17, attributes: { password: 'hunter2' } });
      },
    );
    const held = { filtered: 1, sampled: 1, odd: 1 };
    expect(accounts).toEqual({ '': { ...delivered(0), accepted: 3, dropped: held }, a: delivered(1) });
    expect(sum).toEqual({ ...delivered(1), accepted: 4, dropped: held });
    expect(account).toMatchObject({ redacted: 1 });
  });

  test('of nested routes adds up', () => {
    const { accounts, sum } = accountsOf(
      { to: [to(new Memory()), route({ when: atLeast('error'), to: to(new Memory()) })] },
      (emit) => {
        emit({ severityNumber: 9 });
        emit({ severityNumber: 17 });
      },
    );
    expect(accounts).toEqual({ memory: delivered(2), 'route/memory': delivered(1) });
    expect(sum).toEqual(delivered(3));
  });
});

describe('one bad handler', () => {
  const hangs = () => new Promise<void>(() => undefined);
  const bad: readonly (readonly [string, () => Partial<HandlerEnd>])[] = [
    [
      'that throws',
      () => {
        const explode = (): never => {
          throw new Error('hunter2');
        };
        return { onEmit: explode, forceFlush: explode, shutdown: explode, flushSync: explode };
      },
    ],
    [
      'that rejects',
      () => {
        const reject = () => Promise.reject(new Error('hunter2'));
        return { onEmit: reject as never, forceFlush: reject, shutdown: reject };
      },
    ],
    ['that hangs', () => ({ onEmit: hangs as never, forceFlush: hangs, shutdown: hangs })],
  ];

  test.each(bad)('%s takes nothing from the others, on its route or elsewhere', async (_, make) => {
    const [before, after, elsewhere] = [new Memory(), new Memory(), new Memory()];
    const { pipeline, emit } = through(
      route({ to: [to(before, 'before'), to(Object.assign(new Memory(), make()), 'bad'), to(after, 'after')] }),
      to(elsewhere, 'elsewhere'),
    );
    const told = await toldDuring(async () => {
      for (let n = 0; n < 5; n++) emit({ body: n });
      pipeline.flushSync(100);
      void pipeline.forceFlush({ timeoutMillis: 10 }).catch(() => undefined);
      void pipeline.shutdown({ timeoutMillis: 20 }).catch(() => undefined);
      await new Promise((resolve) => setImmediate(resolve));
    });
    for (const memory of [before, after, elsewhere]) {
      expect(memory.records).toHaveLength(5);
      expect(memory.flushed).toEqual([{ timeoutMillis: 10 }]);
      expect(memory.ended).toEqual([{ timeoutMillis: 20 }]);
      expect(memory.flushedSync).toEqual([100]);
    }
    for (const sentence of told.filter((each) => each.includes('failed on')))
      expect(sentence).toContain('handler bad ');
    expect(told.join()).not.toContain('hunter2');
  });

  test('a `when` that throws lets the record pass, on a route as anywhere', () => {
    const [memory, other] = [new Memory(), new Memory()];
    const when = () => {
      throw new Error();
    };
    const { emit } = through(route({ when, to: to(memory, 'memory', when) }), to(other, 'other'));
    emit({ body: 1 });
    expect([memory.records.length, other.records.length]).toEqual([1, 1]);
  });
});

test('a route is enabled if one of its handlers is', () => {
  const asked = { context: ROOT_CONTEXT, instrumentationScope: { name: 'x' } };
  const off = Object.assign(new Memory(), { enabled: () => false });
  expect(
    route({ to: to(off) })
      .start(handlerContext)
      .enabled?.(asked),
  ).toBe(false);
  expect(
    route({ to: [to(off), to(new Memory())] })
      .start(handlerContext)
      .enabled?.(asked),
  ).toBe(true);
});

test('`when` is passed on to the pipeline', () => {
  const when = () => true;
  expect(route({ when, to: to(new Memory()) })).toMatchObject({ name: 'route', when });
  expect(route({ to: to(new Memory()) })).not.toHaveProperty('when');
});

test.each([
  [undefined, 'route: options must be an object, not undefined'],
  [{}, 'route.to: must be a handler such as otlp() or consoleHandler(), not undefined'],
  [{ to: [] }, 'route.to: must be a handler or several, not an empty array'],
  [{ to: [to(new Memory()), 'file'] }, 'route.to[1]: must be a handler such as otlp() or consoleHandler(), not "file"'],
  [{ to: { ...to(new Memory()), name: 1 } }, 'route.to.name: must be a string, not 1'],
  [{ to: to(new Memory()), filter: 1 }, 'route.filter: is not an option; the options are to, when, processors, name'],
  [{ to: to(new Memory()), name: 'errors', when: 'error' }, 'route(errors).when: must be a function, not "error"'],
  [{ to: to(new Memory()), processors: {} }, 'route.processors: must be an array, not an object'],
])('mistakes are named: %j', (options, sentence) => {
  expect(() => route(options as never)).toThrow(sentence);
});

test('what its processors took out, and which of them failed, is in the account of the whole', async () => {
  const failing: ProcessorFunction = () => {
    throw new Error();
  };
  const { pipeline, emit } = through(route({ processors: [failing, redact()], to: to(new Memory()) }));
  await toldDuring(() => emit({ attributes: { password: 'hunter2' } }));
  const { emitted, passed, written, held, redacted, failures } = pipeline.pipelineAccount();
  expect({ emitted, passed, written, held }).toEqual({ emitted: 1, passed: 1, written: 0, held: 0 });
  expect({ redacted, failures }).toEqual({ redacted: 1, failures: { failing: 1 } });
});

test.each(['', 'a/b', '__proto__'])('a handler cannot be called %p: the account could not tell it apart', (name) => {
  expect(() => route({ to: to(new Memory(), name) })).toThrow(/name.*must be a name without a slash/);
});

describe('what its handlers lose', () => {
  const failing = (name: string) =>
    batch({ export: (_, done) => done({ code: 1 }), shutdown: async () => undefined }, { name });
  const throwing = Object.assign(new Memory(), {
    onEmit() {
      throw new Error();
    },
  });

  test('reaches a fallback, what its processors drop does not', async () => {
    const memory = new Memory();
    const dropped = processor(({ eventName }) => eventName !== 'unwanted', 'filter');
    const first = route({ processors: [dropped], to: [failing('a'), route({ to: failing('b') }), to(throwing, 'c')] });
    const { pipeline, emit } = through(fallback(first, to(memory)));
    for (const eventName of ['wanted', 'unwanted']) emit({ eventName });
    await pipeline.forceFlush();
    const reasons = memory.attributes.map((attributes) => attributes['logspan.undelivered.reason']);
    expect(memory.events).toEqual(['wanted', 'wanted', 'wanted']);
    expect(reasons).toEqual(['handler_failed', 'export_failed', 'export_failed']);
    expect(pipeline.lost()).toBe(0);
  });

  test('is lost if there is none, also when they throw', async () => {
    const { pipeline, emit } = through(route({ to: [failing('a'), to(throwing)] }), to(throwing, 'b'));
    emit({});
    await pipeline.forceFlush();
    expect(pipeline.lost()).toBe(3);
  });
});
