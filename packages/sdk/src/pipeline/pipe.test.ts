import { describe, expect, test } from '@jest/globals';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { BatchLogRecordProcessor, InMemoryLogRecordExporter, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { emitTo, Recorder, through, toldDuring, withThrowingDiag } from '../../../../test/pipeline/recorder.ts';
import { ConfigError } from '../provider/config-error.ts';
import { asStage, PHASES, type ProcessorFunction, pipe, processor } from './pipe.ts';
import { forwardTo, type LogRecordProcessor, type Phase, type Stage, stage } from './stage.ts';

/** A stage that leaves its name on each record. */
const mark = (name: string, phase?: Phase): Stage =>
  stage(name, phase, (next) =>
    forwardTo(next, {
      onEmit(record, context) {
        record.setAttribute('road', [...((record.attributes.road as string[]) ?? []), name]);
        next.onEmit(record, context);
      },
    }),
  );

const mistake = (...steps: unknown[]): ConfigError => {
  try {
    pipe(...(steps as Stage[]));
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  throw new Error('was accepted');
};

describe('pipe', () => {
  test('takes records through the stages in their order', () => {
    const { end, emit } = through(pipe(mark('a', 'filter'), mark('b'), mark('c', 'redact')));
    emit({ body: 1 });
    expect(end.attributes).toEqual([{ road: ['a', 'b', 'c'] }]);
  });

  test('of nothing passes everything', () => {
    const { end, emit } = through(pipe());
    emit({ eventName: 'a' });
    expect(end.events).toEqual(['a']);
  });

  test('adds up what its stages dropped', () => {
    const even: ProcessorFunction = ({ body }) => body % 2 === 0;
    const small: ProcessorFunction = ({ body }) => body < 4;
    const { emit, account, end } = through(pipe(even, small, even));
    for (let i = 0; i < 10; i++) emit({ body: i });
    expect(end.records.map(({ body }) => body)).toEqual([0, 2]);
    expect(account()).toMatchObject({ dropped: { even: 5, small: 3 }, redacted: 0 });
  });

  test.each(PHASES.flatMap((first, i) => PHASES.slice(0, i).map((second) => [first, second] as const)))(
    'refuses %s before %s, and names both, the reason and the fix',
    (first, second) => {
      const { option, message } = mistake(mark('early', first), mark('late', second));
      expect(option).toBe('processors');
      expect(message).toMatch(/late stands after early, so .+: put late before early \(order: filter, observe, /);
    },
  );

  test('refuses anything behind redact, because it would leave unredacted', () => {
    const addSecrets: ProcessorFunction = () => undefined;
    expect(mistake(mark('redact', 'redact'), addSecrets).message).toContain(
      'addSecrets stands after redact, so what it adds would leave unredacted: put addSecrets before redact',
    );
    expect(mistake(mark('redact', 'redact'), new Recorder()).message).toContain('Recorder stands after redact');
  });

  test('leaves what has no phase where it is, before redact', () => {
    expect(() =>
      pipe(mark('a'), mark('b', 'volume'), mark('c'), mark('d', 'volume'), mark('e', 'redact')),
    ).not.toThrow();
    expect(mistake(mark('b', 'volume'), mark('c'), mark('a', 'filter')).message).toContain('a stands after b');
  });

  test.each([undefined, null, 1, 'redact', {}, [], { onEmit: 1 }])('refuses %p as a step, by its place', (step) => {
    expect(mistake(mark('a'), step)).toMatchObject({
      option: 'processors[1]',
      message: expect.stringContaining('must be a stage, a function'),
    });
  });
});

describe('a processor function', () => {
  test('edits a record, and drops it by false alone', () => {
    for (const answer of [undefined, true, 0, '', null, {}]) {
      const { end, emit } = through(
        processor((record) => {
          record.setAttribute('seen', true);
          return answer as boolean;
        }),
      );
      emit({ eventName: 'a' });
      expect(end.attributes).toEqual([{ seen: true }]);
    }
    const { end, emit, account } = through(processor(() => false));
    emit({ eventName: 'a' });
    expect(end.records).toEqual([]);
    expect(account()).toEqual({ dropped: { processor: 1 } });
  });

  test('is given the context', () => {
    const key = Symbol.for('test');
    const seen: unknown[] = [];
    const { emit } = through(processor((_, context) => void seen.push(context?.getValue(key))));
    emit({ body: 1, context: ROOT_CONTEXT.setValue(key, 'here') });
    expect(seen).toEqual(['here']);
  });

  test('that throws is told of now and then, and the record goes on', async () => {
    const { end, emit } = through(
      asStage(function broken() {
        throw new SyntaxError('hunter2');
      }, ''),
    );
    const told = await toldDuring(() => {
      for (let i = 0; i < 8; i++) emit({ body: i });
    });
    expect(end.records).toHaveLength(8);
    expect(told).toHaveLength(4);
    expect(told[0]).toBe('logspan: broken failed on 1 record(s) SyntaxError');
    await withThrowingDiag(() => emit({ body: 9 }));
    expect(end.records).toHaveLength(9);
  });

  test('that is async does not hold the record, and its rejection is nobody else’s', async () => {
    const unhandled: unknown[] = [];
    const listen = (error: unknown) => void unhandled.push(error);
    process.on('unhandledRejection', listen);
    const { end, emit } = through(
      processor(async function late() {
        throw new RangeError();
      } as never),
    );
    const told = await toldDuring(async () => {
      emit({ body: 1 });
      expect(end.records).toHaveLength(1);
      await new Promise((resolve) => setImmediate(resolve));
    });
    process.removeListener('unhandledRejection', listen);
    expect(unhandled).toEqual([]);
    expect(told).toEqual(['logspan: processor late failed 1 time(s) RangeError']);
  });
});

describe('a third-party OTel processor', () => {
  class ThirdParty extends Recorder {
    override onEmit(...[record]: Parameters<Recorder['onEmit']>): void {
      super.onEmit(record);
      record.setAttribute('seen', true);
    }
  }

  test('sees and edits each record, which goes on', () => {
    const other = new ThirdParty();
    const { end, emit } = through(asStage(other, ''));
    emit({ eventName: 'a' });
    expect([other.events, end.attributes]).toEqual([['a'], [{ seen: true }]]);
  });

  test.each([
    new SimpleLogRecordProcessor({ exporter: new InMemoryLogRecordExporter() }),
    new BatchLogRecordProcessor({ exporter: new InMemoryLogRecordExporter() }),
  ])('is refused if it exports, because secrets are not out yet: %p', (other) => {
    expect(mistake(mark('a'), other)).toMatchObject({
      option: 'processors[1]',
      message: expect.stringMatching(
        /LogRecordProcessor exports, .+ give its exporter to batch\(\), among the handlers/,
      ),
    });
  });

  test('is flushed and ended with the rest', async () => {
    const other = new ThirdParty();
    const { end, processor: head } = through(asStage(other, ''));
    await head.forceFlush({ timeoutMillis: 1 });
    await head.shutdown({ timeoutMillis: 2 });
    expect([other.flushed, other.ended, end.flushed, end.ended]).toEqual([
      [{ timeoutMillis: 1 }],
      [{ timeoutMillis: 2 }],
      [{ timeoutMillis: 1 }],
      [{ timeoutMillis: 2 }],
    ]);
  });

  test('that throws everywhere keeps nothing from the rest', async () => {
    const explode = (): never => {
      throw new Error('hunter2');
    };
    const other: LogRecordProcessor = { onEmit: explode, forceFlush: explode, shutdown: explode };
    const { end, processor: head, emit } = through(asStage(other, ''));
    const told = await toldDuring(async () => {
      emit({ eventName: 'a' });
      await head.forceFlush();
      await head.shutdown();
    });
    expect(end.events).toEqual(['a']);
    expect([end.flushed.length, end.ended.length]).toEqual([1, 1]);
    expect(told).toHaveLength(3);
    expect(told.join()).not.toContain('hunter2');
  });

  test('whose onEmit is async may reject', async () => {
    const other = { ...new Recorder(), onEmit: () => Promise.reject(new Error()), forceFlush: async () => undefined };
    const { end, emit } = through(asStage(other as never, ''));
    const told = await toldDuring(async () => {
      emit({ eventName: 'a' });
      await new Promise((resolve) => setImmediate(resolve));
    });
    expect(end.events).toEqual(['a']);
    expect(told).toHaveLength(1);
  });

  test('what is behind it says whether a flush failed', async () => {
    const end = Object.assign(new Recorder(), { forceFlush: () => Promise.reject(new Error('behind')) });
    const head = asStage(new ThirdParty(), '')(end);
    await expect(head.forceFlush()).rejects.toThrow('behind');
    expect(emitTo(head)).toBeDefined();
  });
});
