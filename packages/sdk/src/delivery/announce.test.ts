import { describe, expect, test } from '@jest/globals';
import { toldDuring, withThrowingDiag } from '../../../../test/pipeline/recorder.ts';
import { Announcer } from './announce.ts';

describe('an announcer', () => {
  test('tells each kind of news at most once in ten seconds, and how many it left out', async () => {
    let now = 0;
    const announcer = new Announcer('otlp', () => now);
    const told = await toldDuring(() => {
      for (now = 0; now < 25_000; now += 1_000) announcer.warn('retrying', `at ${now}`);
      announcer.warn('dropped', 'other news');
    });
    expect(told).toEqual([
      'logspan: otlp: retrying: at 0',
      'logspan: otlp: retrying: at 10000 (and 9 times since the last message)',
      'logspan: otlp: retrying: at 20000 (and 9 times since the last message)',
      'logspan: otlp: dropped: other news',
    ]);
  });

  test('adds up losses that come too soon to be told, and tells of all of them in the end', async () => {
    let now = 0;
    const announcer = new Announcer('otlp', () => now);
    const told = await toldDuring(() => {
      announcer.lost('queue_full', 512);
      announcer.lost('queue_full', 512);
      announcer.lost('queue_full', 488);
      announcer.lost('process_exit', 3);
      now = 10_000;
      announcer.lost('queue_full', 1);
      announcer.lost('queue_full', 7);
      announcer.finish();
      announcer.finish();
    });
    expect(told).toEqual([
      'logspan: otlp: dropped: 512 records: queue_full',
      'logspan: otlp: dropped: 3 records: process_exit',
      'logspan: otlp: dropped: 1001 records: queue_full',
      'logspan: otlp: dropped: 7 records: queue_full',
    ]);
  });

  test('survives a diag logger that throws, and one that makes more news', async () => {
    const announcer = new Announcer('otlp', () => 0);
    await withThrowingDiag(() => announcer.warn('retrying', 'x'));
    const told = await toldDuring(() => {
      announcer.warn('dropped', 'a');
      announcer.warn('dropped', 'b');
    });
    expect(told).toEqual(['logspan: otlp: dropped: a']);
  });
});
