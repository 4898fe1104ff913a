// The highest rate at which nothing is lost, ours against the peer's: one search for each, probe by probe in turn, so that
// whatever else the machine does meets both.
import { setTimeout as sleep } from 'node:timers/promises';
import { startChild, startContestant } from './child.mjs';
import { median } from './statistics.mjs';

const CHECKED_RECORDS = 1_000;
/** What was written on time, of what should have been: a process that falls behind does not sustain its rate. */
const ON_TIME = 0.98;
/** What may be on its way when the writing ends, a tenth of a second later: a queue that grows is no steady state. */
const HELD = 0.05;
const HELD_RECORDS = 4_096;
/** Nothing arriving for so long means that nothing more will: longer than the delay of any batch here. */
const SILENCE_MILLIS = 2_500;
const LEAST_RATE = 1_000;
const MOST_RATE = 20_000_000;

/** Waits until a contestant's records are all there, or none comes any more; answers how many came. */
async function arrived(receiver, name, before, wanted) {
  let received = (await receiver.ask('count', name)) - before;
  for (let last = performance.now(); received < wanted && performance.now() - last < SILENCE_MILLIS; ) {
    await sleep(50);
    const now = (await receiver.ask('count', name)) - before;
    if (now > received) last = performance.now();
    received = now;
  }
  return received;
}

async function probe({ name, child, receiver }, perSecond, millis) {
  const before = await receiver.ask('count', name);
  const receiverBefore = await receiver.ask('cpu');
  const { written, cpuMicros } = await child.ask('pace', { perSecond, millis });
  await sleep(100);
  const held = written - ((await receiver.ask('count', name)) - before);
  const receiverShare = ((await receiver.ask('cpu')) - receiverBefore) / ((millis + 100) * 1_000);
  await child.ask('flush');
  const lost = written - (await arrived(receiver, name, before, written));
  const behind = 1 - written / ((perSecond * millis) / 1_000);
  const reason =
    lost !== 0
      ? `${((100 * lost) / written).toFixed(2)} % lost`
      : behind > 1 - ON_TIME
        ? `${(100 * behind).toFixed(0)} % behind`
        : held > Math.max(HELD_RECORDS, HELD * written)
          ? `${held} records held`
          : undefined;
  return { reason, receiverShare, cpu: cpuMicros / written };
}

/** The search of one contestant: doubles the rate until it fails, then halves the gap until it is narrow enough. */
class Search {
  sustained = 0;
  /** Microseconds of CPU time per record at the sustained rate, sending included. */
  cpu = Number.NaN;
  failed = Number.POSITIVE_INFINITY;
  constructor(contestant, first, precision) {
    this.contestant = contestant;
    this.next = first;
    this.precision = precision;
  }

  get done() {
    return this.failed / this.sustained <= this.precision;
  }

  async step(millis, progress) {
    const rate = Math.round(this.next);
    let { reason, receiverShare, cpu } = await probe(this.contestant, rate, millis);
    // One hiccup of the machine must not decide.
    if (reason !== undefined) ({ reason, receiverShare, cpu } = await probe(this.contestant, rate, millis));
    progress(
      `${this.contestant.name} at ${rate} records/s: ${reason ?? 'lossless'} (receiver ${(100 * receiverShare).toFixed(0)} % of a core)`,
    );
    if (reason === undefined) {
      this.sustained = rate;
      this.cpu = cpu;
    } else {
      this.failed = rate;
    }
    if (this.failed === Number.POSITIVE_INFINITY) this.next = rate * 2;
    else if (this.sustained === 0) this.next = rate / 2;
    else this.next = Math.sqrt(this.sustained * this.failed);
    if (this.next > MOST_RATE || this.next < LEAST_RATE) {
      throw new Error(`${this.contestant.name}: no limit found between ${LEAST_RATE} and ${MOST_RATE} records/s`);
    }
  }
}

/** Measures a row of this kind; the ratio of a round is our rate over the peer's. */
export async function measureRate({ ours, peer }, plan, progress) {
  const receiver = await startChild('./receiver.mjs');
  const contestants = [];
  try {
    const port = await receiver.ask('listen');
    for (const { name, expected } of [ours, peer]) {
      const endpoint = `http://127.0.0.1:${port}/${name}/v1/logs`;
      const child = await startContestant({ name, options: { endpoint } }, plan.profile);
      contestants.push({ name, child, receiver });
      progress(`check ${name}`);
      await receiver.ask('keep');
      const before = await receiver.ask('count', name);
      await child.ask('check', CHECKED_RECORDS);
      await arrived(receiver, name, before, CHECKED_RECORDS);
      await receiver.ask('check', { name, records: CHECKED_RECORDS, expected });
      progress(`warm up ${name}`);
      await probe(contestants.at(-1), 20_000, plan.warmMillis);
    }
    const rates = [];
    const first = [plan.firstRate, plan.firstRate];
    for (let round = 1; round <= plan.rateRounds; round++) {
      progress(`search ${round} of ${plan.rateRounds}`);
      const searches = contestants.map((contestant, index) => new Search(contestant, first[index], plan.ratePrecision));
      while (searches.some(({ done }) => !done)) {
        for (const search of searches) if (!search.done) await search.step(plan.probeMillis, progress);
      }
      const [a, b] = searches.map(({ sustained, failed }) => Math.sqrt(sustained * failed));
      rates.push({ ours: a, peer: b, ratio: a / b, cpuRatio: searches[0].cpu / searches[1].cpu });
      // The next search starts near where this one ended.
      for (const [index, rate] of [a, b].entries()) first[index] = rate * 0.8;
      progress(`ratio ${(a / b).toFixed(2)}`);
    }
    const ratios = rates.map(({ ratio }) => ratio);
    return {
      ours: median(rates.map((rate) => rate.ours)),
      peer: median(rates.map((rate) => rate.peer)),
      unit: 'records/s',
      ratio: median(ratios),
      least: Math.min(...ratios),
      most: Math.max(...ratios),
      cpuRatio: median(rates.map(({ cpuRatio }) => cpuRatio)),
      rounds: ratios.length,
    };
  } finally {
    await Promise.all([...contestants.map(({ child }) => child.stop()), receiver.stop()]);
  }
}
