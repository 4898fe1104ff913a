// Writes at a given rate whatever becomes of it: an open loop, as requests to a server come.
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { writeInSpans } from './spans.mjs';

/** Records written between two turns of the event loop: what is due after a late timer must not come as one burst. */
const SLICE = 128;

/** The part of a contestant that every rate contestant has. `flush` sends off what is held, if the peer has a way to. */
export function pacedWriting(write, flush) {
  return {
    async check(records) {
      for (let at = 0; at < records; at += SLICE) {
        writeInSpans(at, Math.min(records, at + SLICE), write);
        await sleep(5);
      }
      await flush();
    },
    /** Writes for `millis` at `perSecond`; answers how many records were written in that time, and at what cost. */
    async pace({ perSecond, millis }) {
      const cpu = process.cpuUsage();
      const started = performance.now();
      let written = 0;
      for (;;) {
        const elapsed = performance.now() - started;
        if (elapsed >= millis) break;
        const due = Math.floor((elapsed * perSecond) / 1_000) - written;
        if (due > 0) {
          const end = written + Math.min(due, SLICE);
          writeInSpans(written, end, write);
          written = end;
        }
        await (due > SLICE ? nextTurn() : sleep(1));
      }
      const { user, system } = process.cpuUsage(cpu);
      return { written, cpuMicros: user + system };
    },
    async flush() {
      await flush();
    },
  };
}
