// Security alerts from log records: rules that are built in, rules of your own, and rules from Sigma.
import { getLogger } from '@logspan/logger';
import {
  consoleHandler,
  DEFAULT_SECURITY_RULES,
  event,
  loadSigmaRules,
  PASSWORD_SPRAY,
  redact,
  register,
  sample,
  securityMonitor,
} from '@logspan/sdk';

// A file or a folder of such rules: loadSigmaRules('rules/').
const sigma = await loadSigmaRules({
  text: `
title: Refused administration page
name: admin_refused
detection:
  selection:
    EventName: request_completed
    path|startswith: /admin
    status: 403
  condition: selection
---
title: Probing of administration pages
name: admin_probing
correlation:
  type: event_count
  rules: [admin_refused]
  group-by: [ip]
  timespan: 5m
  condition: { gte: 3 }
level: high
`,
});

const monitor = securityMonitor({
  rules: [
    ...DEFAULT_SECURITY_RULES, // brute_force_detected, rate_limit_abuse
    PASSWORD_SPRAY,
    {
      id: 'takeover',
      type: 'temporal_ordered',
      match: [{ event: 'password_changed' }, { event: 'payout', attributes: { method: 'new_*' } }],
      groupBy: ['username'],
      window: '1h',
      severity: 'fatal',
    },
    ...sigma,
  ],
});
const logging = register({
  // The monitor sees what the sampler drops; an alert is never dropped, and is redacted like any record.
  processors: [monitor, sample({ ratio: 0 }), redact({ keys: ['ip'] })],
  handlers: [{ ...consoleHandler({ format: 'pretty', colors: false }), when: event('security_*') }],
});
const logger = getLogger('shop');

for (let i = 0; i < 20_000; i++) logger.info('login_failed', { username: 'alice', ip: '192.0.2.7' });
for (let i = 0; i < 10; i++) logger.info('login_failed', { username: `user-${i}`, ip: '192.0.2.8' });
logger.info('password_changed', { username: 'bob' });
logger.info('payout', { username: 'bob', method: 'new_account' });
for (const page of ['users', 'keys', 'logs']) {
  logger.info('request_completed', { path: `/Admin/${page}`, status: 403, ip: '192.0.2.9' });
}
logger.info('login_failed', { ip: '192.0.2.9' }); // of nobody: counted, and not taken for all others without a name

// A rule of which a part would be ignored is refused, by name.
const unknown = { text: 'title: t\nname: r\ncorrelation: { type: temporal, rules: [a, b], timespan: 5m }' };
await loadSigmaRules(unknown).catch(({ message }) => console.log(message));

await logging.shutdown();
const { brute_force_detected } = monitor.stats();
console.log(brute_force_detected);
