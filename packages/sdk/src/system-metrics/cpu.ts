import { availableParallelism, type CpuInfo, cpus, loadavg, platform } from 'node:os';
import process from 'node:process';
import type { Probe, Readings } from './probe.ts';

/** What the probe asks of the machine, so that a test can be another one. */
export interface CpuSource {
  /** A clock that never goes back, in milliseconds. */
  now(): number;
  /** Microseconds that this process has used. */
  processUsage(): { readonly user: number; readonly system: number };
  cpus(): readonly Pick<CpuInfo, 'times'>[];
  parallelism(): number;
  /** Undefined where there is no such thing. */
  loadAverage(): number | undefined;
}

const MACHINE: CpuSource = {
  now: () => performance.now(),
  processUsage: () => process.cpuUsage(),
  cpus,
  parallelism: availableParallelism,
  // Windows has none, and says 0.
  loadAverage: () => (platform() === 'win32' ? undefined : loadavg()[0]),
};

/**
 * The share of the processors that was used since the last reading, which is what makes it a share: processor time only
 * grows. `cpu_percent` is of one processor, so 250 is two and a half; `process.cpu.utilization` is of all there are.
 */
export function cpuProbe(source: CpuSource = MACHINE): Probe {
  let last = { at: source.now(), used: processMicros(source), machine: machineTimes(source) };
  return {
    read(): Readings {
      const now = { at: source.now(), used: processMicros(source), machine: machineTimes(source) };
      const elapsed = now.at - last.at;
      const cores = (now.used - last.used) / 1_000 / elapsed;
      const total = now.machine.total - last.machine.total;
      const idle = now.machine.idle - last.machine.idle;
      last = now;
      const load = source.loadAverage();
      return {
        ...(elapsed > 0
          ? { cpu_percent: rounded(cores * 100), 'process.cpu.utilization': rounded(cores / source.parallelism()) }
          : {}),
        ...(total > 0 ? { 'system.cpu.utilization': rounded(1 - idle / total) } : {}),
        ...(load === undefined ? {} : { 'logspan.system.load_average.1m': rounded(load) }),
      };
    },
  };
}

function processMicros(source: CpuSource): number {
  const { user, system } = source.processUsage();
  return user + system;
}

/** Of all processors together, in milliseconds. None where the system keeps that to itself. */
function machineTimes(source: CpuSource): { total: number; idle: number } {
  let total = 0;
  let idle = 0;
  for (const { times } of source.cpus()) {
    for (const time of Object.values(times)) total += time;
    idle += times.idle;
  }
  return { total, idle };
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
