import { describe, expect, test } from '@jest/globals';
import { providers, Recorder, through, toldDuring } from '../../../../test/pipeline/recorder.ts';
import { copyRecord } from './copy-record.ts';
import { newRecord } from './new-record.ts';
import { MOST_NEW_RECORDS, type ProcessorFunction, pipe } from './pipe.ts';
import type { LogRecord } from './stage.ts';

describe.each(providers)('a record that a stage writes because of one of %s', (_, emitTo) => {
  const causeOf = (): LogRecord => {
    const end = new Recorder();
    emitTo(end)({ eventName: 'cause', attributes: { a: 1 }, severityNumber: 17 });
    return end.records[0] as LogRecord;
  };

  test('belongs where its cause does, and says what it was given', () => {
    const cause = causeOf();
    const record = newRecord(cause, { eventName: 'alert', level: 'warn', attributes: { when: new Date(0), n: 1 } });
    expect(record).toMatchObject({
      eventName: 'alert',
      body: 'alert',
      severityNumber: 13,
      severityText: 'WARN',
      attributes: { when: '1970-01-01T00:00:00.000Z', n: 1 },
      hrTime: cause.hrTime,
      instrumentationScope: { name: 'test' },
      writtenByStage: true,
    });
    expect(record.resource).toBe(cause.resource);
  });

  test('can be edited, and a copy of it is known for one', () => {
    const record = newRecord(causeOf(), { eventName: 'alert' });
    record.setAttribute('a', 2);
    expect(copyRecord(record)).toMatchObject({ attributes: { a: 2 }, writtenByStage: true });
    expect(copyRecord(causeOf()).writtenByStage).toBeUndefined();
  });
});

describe('a processor function that emits', () => {
  test('writes behind the record that caused it, through the later stages alone', () => {
    const heads: unknown[] = [];
    const head: ProcessorFunction = ({ eventName }) => void heads.push(eventName);
    const alarm: ProcessorFunction = (record, _, emit) => {
      if (record.body === 'bad')
        emit({ eventName: 'alarm', level: 'error', attributes: { because: record.eventName } });
    };
    const later: ProcessorFunction = (record) => void record.setAttribute('later', true);
    const { end, emit } = through(pipe(head, alarm, later));
    emit({ eventName: 'a', body: 'good' });
    emit({ eventName: 'b', body: 'bad' });
    expect(heads).toEqual(['a', 'b']);
    expect(end.events).toEqual(['a', 'b', 'alarm']);
    expect(end.attributes.at(-1)).toEqual({ because: 'b', later: true });
  });

  test('may drop the record, and may throw', async () => {
    const instead: ProcessorFunction = (record, _, emit) => {
      emit({ eventName: 'instead' });
      if (record.body === 1) return false;
      throw new Error('hunter2');
    };
    const { end, emit } = through(pipe(instead));
    await toldDuring(() => {
      emit({ eventName: 'a', body: 1 });
      emit({ eventName: 'b', body: 2 });
    });
    expect(end.events).toEqual(['instead', 'instead', 'b']);
  });

  test('may come back to it later', async () => {
    const late: ProcessorFunction = (_record, _context, emit) => {
      setImmediate(() => emit({ eventName: 'late' }));
    };
    const { end, emit } = through(pipe(late));
    emit({ eventName: 'a' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(end.events).toEqual(['a', 'late']);
  });

  test('writes late for the record that it was called for', async () => {
    const late: ProcessorFunction = ({ body }, _context, emit) => {
      setImmediate(() => emit({ eventName: 'late', hrTime: [body, 0] }));
    };
    const { end, emit } = through(pipe(late));
    emit({ eventName: 'a', body: 1, attributes: {} });
    emit({ eventName: 'b', body: 2, attributes: {} });
    await new Promise((resolve) => setImmediate(resolve));
    expect(end.records.slice(2).map(({ hrTime }) => hrTime[0])).toEqual([1, 2]);
  });

  test('may take its parameters as it likes', () => {
    const rest: ProcessorFunction = (...[, , emit]) => emit({ eventName: 'again' });
    const { end, emit } = through(pipe(rest));
    emit({ eventName: 'a' });
    expect(end.events).toEqual(['a', 'again']);
  });

  test('is held to a limit, and what is beyond it is counted', () => {
    const flood: ProcessorFunction = (_record, _context, emit) => {
      for (let i = 0; i < 250; i++) emit({ eventName: 'drop' });
    };
    const { end, emit, account } = through(pipe(flood));
    emit({ eventName: 'a' });
    expect(end.records).toHaveLength(1 + MOST_NEW_RECORDS);
    expect(account().dropped).toMatchObject({ emit_limit: 150 });
  });
});
