// What one call costs, ours against the peer's: two processes that run in turn, so that whatever else the machine does
// meets both.
import { checkRecords } from './check-records.mjs';
import { startContestant } from './child.mjs';
import { median } from './statistics.mjs';

const CHECKED_RECORDS = 2_000;

/** Requests of about these many bytes to a record are believed to be the same records that the check saw. */
const SIZE_TOLERANCE = 0.1;

async function check(contestant, progress) {
  progress(`check ${contestant.name}`);
  const child = await startContestant(contestant);
  try {
    const { requests, disabled, enabled } = await child.ask('check', CHECKED_RECORDS);
    if (requests === undefined) {
      if (disabled === 0 && enabled === CHECKED_RECORDS) return undefined;
      throw new Error(
        `check of ${contestant.name} failed: ${CHECKED_RECORDS} calls wrote ${disabled} records below the level and ${enabled} above it`,
      );
    }
    checkRecords(contestant.name, requests, CHECKED_RECORDS, contestant.expected);
    return requests.reduce((sum, request) => sum + request.length, 0) / CHECKED_RECORDS;
  } finally {
    await child.stop();
  }
}

/** The cost of one run, in nanoseconds per call, net of the same loop without calls. */
async function measure(child, times, bytesPerRecord, name) {
  const run = await child.ask('measure', times);
  if (bytesPerRecord !== undefined) {
    const size = run.bytes / times / bytesPerRecord;
    if (Math.abs(size - 1) > SIZE_TOLERANCE) {
      throw new Error(
        `${name} made ${run.bytes} bytes of ${times} records, ${size.toFixed(2)} times what the check saw`,
      );
    }
  }
  const floor = await child.ask('measureFloor', times);
  return {
    cpu: Math.max(0, run.cpuNanos - floor.cpuNanos) / times,
    wall: Math.max(0, run.wallNanos - floor.wallNanos) / times,
  };
}

/**
 * Measures a row of this kind: `generations` times a fresh pair of processes (the engine does not optimise the same way
 * each time), in each of them `rounds` times ours and then the peer. The ratio of a round is ours over the peer's.
 */
export async function measureCost({ ours, peer }, plan, progress) {
  const bytesPerRecord = [await check(ours, progress), await check(peer, progress)];
  const rounds = [];
  for (let generation = 1; generation <= plan.generations; generation++) {
    const children = [];
    try {
      const times = [];
      for (const contestant of [ours, peer]) {
        progress(`warm up ${contestant.name}, processes ${generation} of ${plan.generations}`);
        const child = await startContestant(contestant, plan.profile);
        children.push(child);
        times.push(Math.round((await child.ask('warm', plan.warmMillis)) * (plan.roundMillis / 1_000)));
      }
      for (let round = 1; round <= plan.rounds; round++) {
        const cost = await measure(children[0], times[0], bytesPerRecord[0], ours.name);
        const peerCost = await measure(children[1], times[1], bytesPerRecord[1], peer.name);
        rounds.push({
          ours: cost,
          peer: peerCost,
          ratio: cost.cpu / peerCost.cpu,
          wallRatio: cost.wall / peerCost.wall,
        });
        progress(`round ${round} of ${plan.rounds}: ${rounds.at(-1).ratio.toFixed(3)}`);
      }
    } finally {
      await Promise.all(children.map((child) => child.stop()));
    }
  }
  const ratios = rounds.map(({ ratio }) => ratio);
  return {
    ours: median(rounds.map((round) => round.ours.cpu)),
    peer: median(rounds.map((round) => round.peer.cpu)),
    unit: 'ns CPU per call',
    ratio: median(ratios),
    least: Math.min(...ratios),
    most: Math.max(...ratios),
    wallRatio: median(rounds.map(({ wallRatio }) => wallRatio)),
    rounds: rounds.length,
  };
}
