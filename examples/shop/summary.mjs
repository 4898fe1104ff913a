// What a run came to: its figures, what was promised of them, and both as text.
import { ANSWERS } from './load.mjs';

const SUMS = ['accepted', 'delivered', 'rejected', 'pending'];

/**
 * Adds up what the services account for. A service that died has no final account, which is a broken promise by itself.
 *
 * @param {{ name: string, stats?: import('@logspan/sdk').LoggingStats, final: boolean }[]} services
 */
export function addUp(services) {
  const sum = {
    emitted: 0,
    accepted: 0,
    delivered: 0,
    rejected: 0,
    pending: 0,
    dropped: {},
    redacted: 0,
    copied: 0,
    final: true,
  };
  for (const { stats, final } of services) {
    sum.final &&= final;
    if (stats === undefined) continue;
    // With --copy there is another handler, and its account is its own.
    const sent = stats.handlers.otlp ?? stats;
    for (const key of SUMS) sum[key] += sent[key];
    sum.copied += stats.handlers.console?.delivered ?? 0;
    sum.emitted += stats.pipeline.emitted;
    sum.redacted += stats.pipeline.redacted;
    for (const [reason, count] of [...Object.entries(stats.pipeline.dropped), ...Object.entries(sent.dropped)]) {
      sum.dropped[reason] = (sum.dropped[reason] ?? 0) + count;
    }
  }
  return sum;
}

/**
 * The promises of a run, each held or not. `arrived` is undefined if somebody else received.
 *
 * @returns {{ held: boolean, text: string }[]}
 */
export function promisesOf({ account, load, arrived }, { redact, copy }) {
  const { emitted, delivered, rejected, pending, dropped, final } = account;
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  const reasons = Object.entries(dropped).map(([reason, count]) => `${reason} ${n(count)}`);
  const promises = [
    {
      held: final && emitted > 0 && emitted === delivered && rejected + pending + lost === 0,
      text: `${n(emitted)} records emitted = ${n(delivered)} delivered + ${n(rejected)} rejected + ${n(lost)} dropped${
        lost === 0 ? '' : ` (${reasons.join(', ')})`
      } + ${n(pending)} pending${final ? '' : '; but a service did not end in order'}`,
    },
  ];
  if (arrived !== undefined) {
    const { received, traces, joined, placed, counted, secrets } = arrived;
    const share = traces === 0 ? 0 : Math.floor((joined / traces) * 1000) / 10;
    promises.push(
      { held: received === delivered && received > 0, text: `${n(received)} received, as many as were delivered` },
      {
        held: traces > 0 && joined === traces,
        text: `${n(joined)} of ${n(traces)} traces join both services (${share} %)`,
      },
      {
        held: counted === placed,
        text: `${n(placed)} order_placed received, ${n(counted)} counted by the metric that was made of them`,
      },
      {
        held: secrets.hits === 0 && (account.redacted > 0 || !redact) && secrets.bytes > 0,
        text: `${n(secrets.hits)} secrets in the ${megabytes(secrets.bytes)} that arrived${
          secrets.hits === 0 ? '' : ` (${[...secrets.names].join(', ')})`
        }; ${n(account.redacted)} values were redacted`,
      },
    );
  }
  if (copy !== undefined) {
    promises.push({
      held: account.copied === emitted,
      text: `${n(account.copied)} records written to ${copy} as well`,
    });
  }
  promises.push({
    held: load.faults === 0 && load.requests > 0,
    text: `${n(load.requests)} checkouts answered, ${n(load.faults)} in a way they should not be${
      load.fault === undefined ? '' : ` (${load.fault})`
    }`,
  });
  return promises;
}

/** The figures for programs. */
export function summaryJson({ account, load, services, arrived }, promises) {
  const { final: _, ...sums } = account;
  return {
    ok: promises.every(({ held }) => held),
    ...sums,
    ...load,
    ...(arrived && { ...arrived, secrets: arrived.secrets.hits, bytes: arrived.secrets.bytes }),
    services: Object.fromEntries(services.map(({ name, stats }) => [name, stats])),
    broken: promises.filter(({ held }) => !held).map(({ text }) => text),
  };
}

/** All of it for people. `example` is one error as it arrived, formatted. */
export function summaryText({ promises, account, load, services, arrived, example, colors }) {
  const paint = (code, text) => (colors ? `\x1b[${code}m${text}\x1b[0m` : text);
  const answers = Object.entries(load.answers).map(([status, count]) => `${n(count)} ${ANSWERS[status] ?? status}`);
  const shares = services.map(({ name, stats }) => `${name} ${n(stats?.pipeline.emitted ?? 0)}`);
  const broken = promises.filter(({ held }) => !held).length;
  return [
    paint(1, `Summary of ${load.seconds.toFixed(1)} s`),
    '',
    `  checkouts  ${n(load.requests)}, ${perSecond(load.requests, load)}: ${answers.join(', ')}`,
    `  records    ${n(account.emitted)}, ${perSecond(account.emitted, load)}: ${shares.join(', ')}`,
    ...(example === undefined ? [] : [`  errors     ${n(arrived.errors)}, for example:`, '', indent(example)]),
    '',
    ...promises.map(({ held, text }) => `  ${held ? paint(32, '✓') : paint(31, '✗')} ${text}`),
    '',
    broken === 0
      ? paint(32, `All ${promises.length} promises held.`)
      : paint(31, `${broken} of ${promises.length} promises broken.`),
    '',
  ].join('\n');
}

const n = (count) => count.toLocaleString('en');
const perSecond = (count, { seconds }) => `${n(Math.round(count / Math.max(seconds, 0.1)))}/s`;
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
const indent = (text) => text.replace(/^/gm, '    ');
