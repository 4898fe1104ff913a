// node bench/run.mjs: compares logspan with its peers, side by side in one run, and prints ratios. See docs/performance.md.
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ROWS } from './rows.mjs';

const HELP = `Usage: npm run bench -- [options]

Compares logspan with its peers, side by side in one run, and prints ratios.

  --row NAME      only this row; may be given several times
  --list          names the rows, with their goals, and ends
  --quick         fewer and shorter rounds: to see that it runs, not to believe the figures
  --json FILE     also writes [{ row, ours, peer, ratio, goal, … }] to FILE
  --profile DIR   writes CPU profiles of the contestants' processes to DIR
  --help          this text

The exit code is 1 if a contestant failed its check, 2 for a mistake on the command line, else 0: a goal that is missed
is printed as missed, but a busy machine may be the reason.
`;

const OPTIONS = {
  row: { type: 'string', multiple: true },
  list: { type: 'boolean' },
  quick: { type: 'boolean' },
  json: { type: 'string' },
  profile: { type: 'string' },
  help: { type: 'boolean' },
};

const FULL = {
  generations: 2,
  rounds: 9,
  roundMillis: 400,
  warmMillis: 2_000,
  rateRounds: 3,
  probeMillis: 2_000,
  ratePrecision: 1.06,
  firstRate: 25_000,
};
const QUICK = {
  generations: 1,
  rounds: 3,
  roundMillis: 200,
  warmMillis: 1_000,
  rateRounds: 1,
  probeMillis: 1_000,
  ratePrecision: 1.2,
  firstRate: 25_000,
};

class UsageError extends Error {}

function readArguments(args) {
  let values;
  try {
    ({ values } = parseArgs({ args, options: OPTIONS }));
  } catch (error) {
    const allowed = Object.entries(OPTIONS).map(([name, { type }]) => `--${name}${type === 'string' ? ' VALUE' : ''}`);
    throw new UsageError(`${error.message.split('.')[0]}. Allowed: ${allowed.join(', ')}`);
  }
  for (const name of values.row ?? []) {
    if (!Object.hasOwn(ROWS, name)) {
      throw new UsageError(`--row '${name}' is unknown. Allowed: ${Object.keys(ROWS).join(', ')}`);
    }
  }
  return values;
}

function goalOf({ goal, better }) {
  return `${better === 'lower' ? '≤' : '≥'} ${goal}x`;
}

const digits = (ratio) => ratio.toFixed(ratio < 2 ? 3 : 1);

async function main() {
  const { row: names = Object.keys(ROWS), list, quick, json, profile, help } = readArguments(process.argv.slice(2));
  if (help) return console.log(HELP);
  const width = Math.max(...Object.keys(ROWS).map(({ length }) => length));
  if (list) {
    for (const [name, row] of Object.entries(ROWS))
      console.log(`${name.padEnd(width)}  ${goalOf(row).padEnd(7)}  ${row.title}`);
    return;
  }
  if (profile !== undefined) mkdirSync(profile, { recursive: true });
  // A file that cannot be written should say so before the minutes of measuring, not after.
  if (json !== undefined) writeFileSync(json, '[]\n');
  const plan = { ...(quick ? QUICK : FULL), profile };

  const results = [];
  for (const name of names) {
    const row = ROWS[name];
    const started = performance.now();
    const seconds = () => ((performance.now() - started) / 1_000).toFixed(0);
    const progress = (step) => console.error(`${name}  ${seconds()} s  ${step}`);
    try {
      const result = await row.measure(row, plan, progress);
      const pass = row.better === 'lower' ? result.ratio <= row.goal : result.ratio >= row.goal;
      results.push({ row: name, ...result, goal: row.goal, better: row.better, pass });
      const also =
        result.wallRatio === undefined
          ? `CPU per record ${digits(result.cpuRatio)}x`
          : `by wall time ${digits(result.wallRatio)}x`;
      console.log(
        `${name.padEnd(width)}  ${digits(result.ratio)}x (${digits(result.least)}–${digits(result.most)} in ${result.rounds} rounds; ${also})  goal ${goalOf(row)}: ${pass ? 'met' : 'MISSED'}`,
      );
    } catch (error) {
      process.exitCode = 1;
      results.push({ row: name, goal: row.goal, better: row.better, pass: false, error: error.message });
      console.log(`${name.padEnd(width)}  FAILED: ${error.message}`);
    }
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(results, undefined, 2)}\n`);
  }
  console.log(
    '\nRatios are ours over the peer’s, the median of the rounds; cost is CPU time, because machines are shared.',
  );
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
