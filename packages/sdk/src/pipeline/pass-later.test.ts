import { afterEach, expect, test } from '@jest/globals';
import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { emitTo, Recorder, toldDuring } from '../../../../test/pipeline/recorder.ts';
import { guard } from './guard.ts';
import { PassLater } from './pass-later.ts';
import { forwardTo, type LogRecord } from './stage.ts';

const KEY = createContextKey('test');

function aRecord(): LogRecord {
  const end = new Recorder();
  emitTo(end)({ eventName: 'held' });
  return end.records[0] as LogRecord;
}

afterEach(() => context.disable());

test('the record is passed on in its own context, whatever is active', () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const active: unknown[] = [];
  const end = new Recorder();
  const next = forwardTo(end, {
    onEmit(record, from) {
      active.push(context.active().getValue(KEY));
      end.onEmit(record, from);
    },
  });
  const own = ROOT_CONTEXT.setValue(KEY, 'own');
  context.with(ROOT_CONTEXT.setValue(KEY, 'of the timer'), () => {
    new PassLater(next).pass(aRecord(), own);
    new PassLater(next).pass(aRecord());
  });
  expect(active).toEqual(['own', undefined]);
  expect(end.contexts).toEqual([own, ROOT_CONTEXT]);
});

test('what is logged meanwhile is stopped', () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const end = new Recorder();
  const log = emitTo(guard(end));
  const next = forwardTo(end, {
    onEmit(record, from) {
      log({ eventName: 'meanwhile' });
      end.onEmit(record, from);
    },
  });
  new PassLater(next).pass(aRecord());
  log({ eventName: 'afterwards' });
  expect(end.events).toEqual(['held', 'afterwards']);
});

test('what throws behind is contained, counted and told ever more rarely', async () => {
  const later = new PassLater(
    forwardTo(new Recorder(), {
      onEmit() {
        throw new Error('hunter2');
      },
    }),
  );
  const told = await toldDuring(() => {
    for (let i = 0; i < 3; i++) later.pass(aRecord());
  });
  expect(later.failed).toBe(3);
  expect(told).toEqual([
    'logspan: 1 held record(s) could not be passed on Error',
    'logspan: 2 held record(s) could not be passed on Error',
  ]);
});
