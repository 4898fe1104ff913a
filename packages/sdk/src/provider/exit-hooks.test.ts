import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type Flushable, installExitHooks, type ProcessLike } from './exit-hooks.ts';

// How real processes end is tested in test/process-end.test.ts; here is what a real one cannot be brought to.

const settled = () => new Promise((resolve) => setImmediate(resolve));

class FakeProcess extends EventEmitter implements ProcessLike {
  readonly pid = 42;
  readonly killed: string[] = [];

  kill(_pid: number, signal: NodeJS.Signals): void {
    this.killed.push(signal);
    this.emit(signal, signal);
  }
}

/** A pipeline that holds records and notes what is asked of it. */
class FakePipeline implements Flushable {
  readonly asked: string[] = [];
  held = 1;
  said = 0;
  delivers = true;

  lastWords(): void {
    this.said++;
  }

  pending(): number {
    return this.held;
  }

  async forceFlush({ timeoutMillis }: { timeoutMillis: number }): Promise<boolean> {
    this.asked.push(`flush ${timeoutMillis}`);
    await settled();
    if (this.delivers) this.held = 0;
    return this.delivers;
  }

  async shutdown({ timeoutMillis }: { timeoutMillis: number }): Promise<void> {
    this.asked.push(`shutdown ${timeoutMillis}`);
    await settled();
  }

  flushSync(timeoutMillis: number): void {
    this.asked.push(`flushSync ${timeoutMillis}`);
  }

  uncaught(error: unknown, origin: string): void {
    this.asked.push(`uncaught ${error} ${origin}`);
  }
}

function setUp({ signals = true } = {}) {
  const on = new FakeProcess();
  const pipeline = new FakePipeline();
  return { on, pipeline, remove: installExitHooks(pipeline, signals, on) };
}

describe('when the event loop has run dry', () => {
  test('what is held is flushed; nothing held, nothing waits, and stages have their last word', async () => {
    const { on, pipeline } = setUp();
    on.emit('beforeExit', 0);
    await settled();
    await settled();
    on.emit('beforeExit', 0);
    on.emit('exit', 0);
    expect(pipeline.asked).toEqual(['flush 5000', 'flushSync 3000']);
    expect(pipeline.said).toBeGreaterThanOrEqual(2);
  });

  test('a destination that does not answer is tried once, then by the exit hook, though ever more is held', async () => {
    const { on, pipeline } = setUp();
    pipeline.delivers = false;
    for (let i = 0; i < 10; i++) {
      on.emit('beforeExit', 0);
      await settled();
      await settled();
      pipeline.held++;
    }
    on.emit('exit', 0);
    expect(pipeline.asked).toEqual(['flush 5000', 'flushSync 3000']);
  });

  test('who writes whenever it runs dry does not keep it running', async () => {
    const { on, pipeline } = setUp();
    for (let i = 0; i < 10; i++) {
      pipeline.held = i + 1;
      on.emit('beforeExit', 0);
      await settled();
      await settled();
    }
    expect(pipeline.asked).toHaveLength(3);
  });
});

test('an exception is written, and nothing is done about it', () => {
  const { on, pipeline } = setUp();
  on.emit('uncaughtExceptionMonitor', 'boom', 'unhandledRejection');
  expect(pipeline.asked).toEqual(['uncaught boom unhandledRejection']);
});

describe.each(['SIGTERM', 'SIGINT'])('%s', (signal) => {
  const finish = async () => {
    for (let i = 0; i < 5; i++) await settled();
  };
  const emitter = Symbol.for('signal-exit emitter');
  afterEach(() => {
    delete (globalThis as { [emitter]?: unknown })[emitter];
  });

  test('is sent again after a flush and a shutdown of 5 s in all', async () => {
    const { on, pipeline } = setUp();
    on.emit(signal, signal);
    expect(on.killed).toEqual([]);
    await finish();
    expect(pipeline.asked).toEqual(['flush 2500', 'shutdown 2500']);
    expect(on.killed).toEqual([signal]);
  });

  test('has its default effect the second time', async () => {
    const { on } = setUp();
    on.emit(signal, signal);
    await Promise.resolve();
    expect(on.listenerCount(signal)).toBe(0);
  });

  test('belongs to an application that listens for it: only a flush is done', async () => {
    const { on, pipeline } = setUp();
    on.on(signal, () => undefined);
    on.emit(signal, signal);
    await finish();
    expect(pipeline.asked).toEqual(['flush 5000']);
    expect(on.killed).toEqual([]);
    expect(on.listenerCount(signal)).toBe(2);
  });

  test('belongs to an application that listened for one time before the hooks were there', async () => {
    const on = new FakeProcess();
    const pipeline = new FakePipeline();
    let heard = 0;
    on.once(signal, () => void heard++);
    installExitHooks(pipeline, true, on);
    on.emit(signal, signal);
    await finish();
    expect(heard).toBe(1);
    expect(pipeline.asked).toEqual(['flush 5000']);
    expect(on.killed).toEqual([]);
  });

  test('does not get stuck between two pipelines that each wait for the other', async () => {
    const { on } = setUp();
    const second = new FakePipeline();
    installExitHooks(second, true, on);
    on.emit(signal, signal);
    await finish();
    expect(on.killed.length).toBeGreaterThan(0);
  });

  test.each([3, 4])('does not get stuck with signal-exit %i, nor end before it is flushed', async (version) => {
    const { on, pipeline } = setUp();
    const counts = { count: 1 };
    if (version === 3) Object.assign(on, { __signal_exit_emitter__: counts });
    else Object.assign(globalThis, { [emitter]: counts });
    const tidied: string[][] = [];
    // As signal-exit does: it acts once it finds itself alone.
    on.on(signal, () => {
      if (on.listeners(signal).length === counts.count) tidied.push([...pipeline.asked]);
    });
    on.emit(signal, signal);
    await finish();
    expect(tidied).toEqual([['flush 2500', 'shutdown 2500']]);
    expect(on.killed).toEqual([signal]);
  });

  test('is not listened for if it is not wanted', () => {
    const { on } = setUp({ signals: false });
    expect(on.listenerCount(signal)).toBe(0);
    expect(on.listenerCount('exit')).toBe(1);
  });
});

test('all hooks can be removed', () => {
  const { on, remove } = setUp();
  expect(on.eventNames()).toHaveLength(5);
  remove();
  expect(on.eventNames()).toEqual([]);
});
