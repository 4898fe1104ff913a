import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import type { LogRecord } from '../../pipeline/stage.ts';
import type { HandlerEnd } from '../handler.ts';
import { streamEnd, type TextStream } from './stream-end.ts';

/** A stream whose writes stay under way until the test answers them. */
class HeldStream extends Writable {
  readonly texts: string[] = [];
  readonly answers: ((error?: Error) => void)[] = [];

  override _write(chunk: Buffer, _encoding: string, answer: (error?: Error | null) => void): void {
    this.texts.push(chunk.toString());
    this.answers.push(answer);
  }
}

const format = (record: LogRecord) => {
  if (record.body === 'bad') throw new Error('cannot be formatted');
  return `${record.body}\n`;
};
const start = (stream: TextStream, maxBufferedBytes = 1_000) => streamEnd(stream, format, maxBufferedBytes);
const log = (end: HandlerEnd, ...bodies: string[]) => {
  for (const body of bodies) end.onEmit({ body } as LogRecord);
};
const nothing = { accepted: 0, delivered: 0, rejected: 0, dropped: {}, pending: 0 };

let reader: ChildProcessWithoutNullStreams | undefined;
afterEach(() => {
  reader?.kill();
  jest.useRealTimers();
});

describe('the account', () => {
  test('a record is pending until the stream has taken it', async () => {
    const stream = new HeldStream();
    const end = start(stream);
    expect(end.deliveryAccount()).toEqual(nothing);
    log(end, 'a', 'b');
    expect(end.deliveryAccount()).toEqual({ ...nothing, accepted: 2, pending: 2 });
    stream.answers.shift()?.();
    await setImmediate();
    expect(end.deliveryAccount()).toEqual({ ...nothing, accepted: 2, delivered: 1, pending: 1 });
    expect(stream.texts).toEqual(['a\n', 'b\n']);
  });

  test('for an object that can only write, writing is all there is', () => {
    const texts: string[] = [];
    const end = start({ write: (text) => texts.push(text) });
    log(end, 'a', 'b');
    expect(texts).toEqual(['a\n', 'b\n']);
    expect(end.deliveryAccount()).toEqual({ ...nothing, accepted: 2, delivered: 2 });
  });

  test('what cannot be formatted is dropped', () => {
    const end = start(new HeldStream());
    log(end, 'bad', 'good');
    expect(end.deliveryAccount()).toEqual({ ...nothing, accepted: 2, dropped: { encode_error: 1 }, pending: 1 });
  });

  test('a stream that does not take more is not filled without limit', () => {
    const stream = new HeldStream();
    const end = start(stream, 10);
    log(end, '1234', '1234', '1234', '1234', '1234');
    expect(stream.writableLength).toBe(15);
    expect(end.deliveryAccount()).toEqual({ ...nothing, accepted: 5, dropped: { stream_full: 2 }, pending: 3 });
  });

  test('it balances at every moment, whatever the stream does', async () => {
    const step = fc.constantFrom('log', 'bad', 'answer', 'fail', 'close', 'turn', 'flush', 'exit', 'shutdown');
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const stream = new HeldStream({ highWaterMark: 1 });
        const end = start(stream, 4);
        for (const next of steps) {
          if (next === 'log' || next === 'bad') log(end, next);
          if (next === 'answer') stream.answers.shift()?.();
          if (next === 'fail') stream.answers.shift()?.(new Error('EPIPE'));
          if (next === 'close') stream.destroy();
          if (next === 'turn') await setImmediate();
          if (next === 'flush') void end.forceFlush({ timeoutMillis: 1 });
          if (next === 'exit') end.flushSync?.(0);
          if (next === 'shutdown') void end.shutdown({ timeoutMillis: 1 });
          const { accepted, delivered, rejected, dropped, pending } = end.deliveryAccount();
          expect(pending).toBeGreaterThanOrEqual(0);
          expect(delivered + rejected + pending + Object.values(dropped).reduce((a, b) => a + b, 0)).toBe(accepted);
        }
        stream.destroy();
        await end.shutdown({ timeoutMillis: 1 });
        expect(end.deliveryAccount().pending).toBe(0);
      }),
    );
  });
});

describe('a stream that fails', () => {
  test('drops what it held, and its error event does not end the process', async () => {
    const stream = new HeldStream();
    const end = start(stream);
    log(end, 'a', 'b');
    stream.answers.shift()?.(new Error('EPIPE'));
    await setImmediate();
    expect(stream.errored).toBeTruthy();
    log(end, 'c');
    expect(end.deliveryAccount()).toEqual({ ...nothing, accepted: 3, dropped: { stream_error: 3 } });
  });

  test('the owner of the stream still gets the error', async () => {
    const stream = new HeldStream();
    const errors: Error[] = [];
    stream.on('error', (error) => errors.push(error));
    log(start(stream), 'a');
    stream.answers.shift()?.(new Error('EPIPE'));
    await setImmediate();
    expect(errors).toEqual([new Error('EPIPE')]);
  });

  test('we do not listen for errors that are not ours', async () => {
    const stream = new HeldStream();
    const end = start(stream);
    expect(stream.listenerCount('error')).toBe(0);
    log(end, 'a');
    stream.answers.shift()?.();
    await setImmediate();
    expect(stream.listenerCount('error')).toBe(0);
  });

  test('a stream that recovers, as process.stdout does, is written to again', async () => {
    let fails = true;
    const stream = new HeldStream({ autoDestroy: false });
    stream._write = (_chunk, _encoding, answer) => answer(fails ? new Error('EPIPE') : null);
    const end = start(stream);
    for (let i = 0; i < 3; i++) {
      log(end, 'a', 'b');
      await setImmediate();
      // What process.stdout does to itself after an error.
      (stream as unknown as { _undestroy(): void })._undestroy();
    }
    fails = false;
    log(end, 'c');
    await setImmediate();
    expect(end.deliveryAccount()).toEqual({ ...nothing, accepted: 7, delivered: 1, dropped: { stream_error: 6 } });
    expect(stream.listenerCount('error')).toBe(0);
  });

  test('a write that throws is dropped', () => {
    const end = start({
      write() {
        throw new Error('broken');
      },
    });
    expect(() => log(end, 'a')).not.toThrow();
    expect(end.deliveryAccount()).toEqual({ ...nothing, accepted: 1, dropped: { stream_error: 1 } });
  });

  test('a write that throws and still answers counts once', () => {
    const end = start({
      writableLength: 0,
      write(_text, done) {
        done?.();
        throw new Error('broken');
      },
    });
    log(end, 'a');
    expect(end.deliveryAccount()).toEqual({ ...nothing, accepted: 1, delivered: 1 });
  });

  test('destroyed with a write under way that is never answered: dropped, and a late answer counts nothing', async () => {
    const stream = new HeldStream();
    const end = start(stream);
    log(end, 'a', 'b');
    stream.destroy();
    await once(stream, 'close');
    expect(end.deliveryAccount()).toEqual({ ...nothing, accepted: 2, dropped: { stream_error: 2 } });
    stream.answers.shift()?.();
    await setImmediate();
    expect(end.deliveryAccount()).toEqual({ ...nothing, accepted: 2, dropped: { stream_error: 2 } });
  });

  test('ended by the application: what comes after is dropped', async () => {
    const stream = new HeldStream();
    const end = start(stream);
    stream.end();
    log(end, 'a');
    await setImmediate();
    expect(end.deliveryAccount()).toEqual({ ...nothing, accepted: 1, dropped: { stream_error: 1 } });
  });

  test('a pipe whose reader has gone (EPIPE) does not end the process', async () => {
    reader = spawn(process.execPath, ['-e', "fs.closeSync(0); console.log('closed'); setInterval(() => {}, 1e6)"]);
    const { stdin, stdout } = reader;
    await once(stdout, 'data');
    // Not events.once, which listens for errors itself.
    const closed = new Promise<void>((resolve) => stdin.once('close', resolve));
    const end = start(stdin);
    log(end, 'a', 'b');
    await end.forceFlush();
    log(end, 'c');
    await closed;
    expect(stdin.errored).toMatchObject({ code: 'EPIPE' });
    expect(end.deliveryAccount()).toEqual({ ...nothing, accepted: 3, dropped: { stream_error: 3 } });
  });
});

describe('forceFlush', () => {
  test('waits for what was written before it, and not for what comes after', async () => {
    const stream = new HeldStream();
    const end = start(stream);
    log(end, 'a', 'b');
    let flushed = false;
    const flush = end.forceFlush().then(() => {
      flushed = true;
    });
    log(end, 'after');
    stream.answers.shift()?.();
    await setImmediate();
    expect(flushed).toBe(false);
    stream.answers.shift()?.();
    await flush;
    expect(end.deliveryAccount()).toEqual({ ...nothing, accepted: 3, delivered: 2, pending: 1 });
  });

  test('gives up waiting at its timeout; the records stay pending', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
    const end = start(new HeldStream());
    log(end, 'a');
    const flushes = [end.forceFlush({ timeoutMillis: 5_000 }), end.forceFlush()];
    jest.advanceTimersByTime(5_000);
    await flushes[0];
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(25_000);
    await flushes[1];
    expect(end.deliveryAccount()).toEqual({ ...nothing, accepted: 1, pending: 1 });
  });

  test('leaves no timer behind', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
    const stream = new HeldStream();
    const end = start(stream);
    log(end, 'a');
    const flush = end.forceFlush({ timeoutMillis: Number.POSITIVE_INFINITY });
    expect(jest.getTimerCount()).toBe(1);
    stream.answers.shift()?.();
    await flush;
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('the end', () => {
  test('shutdown waits, drops what is not confirmed in time, and leaves the stream open', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
    const stream = new HeldStream();
    const end = start(stream);
    log(end, 'a', 'b');
    const shutdown = end.shutdown({ timeoutMillis: 100 });
    expect(end.shutdown()).toBe(shutdown);
    log(end, 'late');
    stream.answers.shift()?.();
    await setImmediate();
    jest.advanceTimersByTime(100);
    await shutdown;
    expect(end.deliveryAccount()).toEqual({
      ...nothing,
      accepted: 3,
      delivered: 1,
      dropped: { after_shutdown: 1, shutdown_deadline: 1 },
    });
    expect(stream.writable).toBe(true);
    expect(stream.listenerCount('close')).toBe(0);
  });

  test('at process exit, what a stream has written at once is delivered although not confirmed yet', () => {
    const stream = new HeldStream();
    stream._write = (_chunk, _encoding, answer) => answer();
    const end = start(stream);
    log(end, 'a');
    expect(end.deliveryAccount().pending).toBe(1);
    end.flushSync?.(0);
    expect(end.deliveryAccount()).toEqual({ ...nothing, accepted: 1, delivered: 1 });
  });

  test('at process exit, what still waits in the stream is lost and counted', () => {
    const end = start(new HeldStream());
    log(end, 'a');
    end.flushSync?.(0);
    expect(end.deliveryAccount()).toEqual({ ...nothing, accepted: 1, dropped: { process_exit: 1 } });
  });

  test('at process exit, what the stream has refused is not delivered', () => {
    const stream = new HeldStream();
    stream._write = (_chunk, _encoding, answer) => answer(new Error('EPIPE'));
    const end = start(stream);
    log(end, 'a');
    end.flushSync?.(0);
    expect(end.deliveryAccount()).toEqual({ ...nothing, accepted: 1, dropped: { stream_error: 1 } });
  });
});
