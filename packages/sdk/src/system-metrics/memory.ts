import { freemem, totalmem } from 'node:os';
import process from 'node:process';
import { getHeapStatistics } from 'node:v8';
import type { Probe, Readings } from './probe.ts';

/** Memory of the process and the machine, and how long the process has been running. */
export function memoryProbe(): Probe {
  return {
    read(): Readings {
      const { rss, heapUsed } = process.memoryUsage();
      return {
        memory_mb: Math.round((rss / 1_048_576) * 10) / 10,
        'process.memory.usage': rss,
        'v8js.memory.heap.used': heapUsed,
        'v8js.memory.heap.limit': getHeapStatistics().heap_size_limit,
        'system.memory.utilization': Math.round((1 - freemem() / totalmem()) * 1e4) / 1e4,
        'process.uptime': Math.round(process.uptime() * 1e3) / 1e3,
      };
    },
  };
}
