// @ts-check
// One of several instances of a service: a process of its own with a client of its own, whose monitor shares its state
// through Redis. Logs what its parent tells it to, and says what became of it.
import { getLogger } from '@logspan/logger';
import {
  BRUTE_FORCE,
  batch,
  PASSWORD_SPRAY,
  redisStore,
  register,
  SUCCESS_AFTER_FAILURES,
  securityMonitor,
} from '@logspan/sdk';
import { InMemoryLogRecordExporter } from '@opentelemetry/sdk-logs';
import { connect } from './clients.mjs';

const { client: name, port, cooldown, timeoutMillis } = JSON.parse(process.argv[2] ?? '{}');
const { client, end } = await connect(name, port);
const store = redisStore({ client, secret: 'of the tests', timeoutMillis });
const monitor = securityMonitor({
  store,
  rules: [{ ...BRUTE_FORCE, cooldown }, PASSWORD_SPRAY, { ...SUCCESS_AFTER_FAILURES, cooldown }],
});
const exporter = new InMemoryLogRecordExporter();
const logging = register({
  level: 'trace',
  processors: [monitor],
  handlers: [batch(exporter, { queueRecords: 100_000 })],
  exitHooks: false,
});
const logger = getLogger('shop');

process.on('message', async (/** @type {any} */ { id, records = [], times = 1, end: isEnd = false }) => {
  for (let i = 0; i < times; i++) for (const [event, attributes] of records) logger.info(event, attributes);
  const logged = performance.now();
  // Waits for the answers of the store.
  await logging.forceFlush({ timeoutMillis: 20_000 });
  const written = exporter.getFinishedLogRecords();
  const alerts = written.filter(({ eventName }) => eventName === 'security_alert').map(({ attributes }) => attributes);
  const others = written.length - alerts.length;
  exporter.reset();
  process.send?.({ id, alerts, others, stats: store.stats(), waitedMillis: performance.now() - logged });
  if (!isEnd) return;
  await logging.shutdown();
  end();
  process.disconnect();
});
process.send?.({ id: 0 });
