import { expect, test } from '@jest/globals';
import { run } from './delivery/child.ts';

// Runs the built packages, as an application does.
test('a process that works sees how much, and system_metrics does not keep it alive', async () => {
  const { code, stdout, stderr } = await run(['system-metrics.mjs'], {});
  expect([code, stderr]).toEqual([0, '']);
  const events = stdout
    .split('\n')
    .filter((line) => line.includes('system_metrics'))
    .map((line) => JSON.parse(line).attributes);
  expect(events.length).toBeGreaterThanOrEqual(2);
  // It makes garbage all the time.
  const collections = events.flatMap(({ gc_stats }) => Object.values<number>(gc_stats));
  expect(collections.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
  expect(events.reduce((sum, event) => sum + event['v8js.gc.duration'], 0)).toBeGreaterThan(0);
  for (const event of events) {
    expect(event).toEqual(
      expect.objectContaining({
        memory_mb: expect.any(Number),
        'process.memory.usage': expect.any(Number),
        'v8js.memory.heap.used': expect.any(Number),
        'process.uptime': expect.any(Number),
        'nodejs.eventloop.delay.p99': expect.any(Number),
      }),
    );
    expect(event.cpu_percent).toBeGreaterThan(0);
    expect(event['process.cpu.utilization']).toBeGreaterThan(0);
    expect(event['process.cpu.utilization']).toBeLessThanOrEqual(1.5);
    expect(event['nodejs.eventloop.utilization']).toBeGreaterThan(0);
    if (process.platform === 'linux') {
      expect(event.threads).toBeGreaterThanOrEqual(1);
      expect(event.open_files).toBeGreaterThanOrEqual(3);
    }
  }
}, 30_000);
