// The shop: `npm start`. Two services under load, each in its own process, and everything they log checked on arrival.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createReceiver, formatRecord, useColors } from '@logspan/viewer';
import { observeArrivals } from './arrivals.mjs';
import { parseCommandLine, USAGE } from './command-line.mjs';
import { createLiveView } from './live-view.mjs';
import { startLoad } from './load.mjs';
import { makeSecrets } from './secrets.mjs';
import { startService } from './service-process.mjs';
import { addUp, promisesOf, summaryJson, summaryText } from './summary.mjs';

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

let options;
try {
  options = parseCommandLine(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exit(2);
}
if (options.help) process.stdout.write(USAGE);
else process.exitCode = await run(options);

/** Resolves with the exit code. */
async function run(options) {
  const secrets = makeSecrets();
  if (options.copy !== undefined) {
    mkdirSync(options.copy, { recursive: true });
    writeFileSync(join(options.copy, 'secrets.json'), JSON.stringify(secrets));
  }
  const receiver = options.external ? undefined : createReceiver({ port: options.port });
  const arrivals = receiver === undefined ? undefined : observeArrivals(receiver, secrets);
  const services = [];
  let load;
  const view = createLiveView(process.stdout, () => progressText(options, services, load));
  const stop = new AbortController();
  const interrupted = onSignals(stop, services, view);

  try {
    const endpoint = receiver === undefined ? options.endpoint : await receiver.start();
    view.say(addressText(options, endpoint));
    if (options.live) receiver?.onLogs(view.add);

    const start = (name, env) => {
      const service = startService(name, { env: { ...environmentOf(options, endpoint), ...env }, onLine: view.say });
      services.push(service);
      service.ended.then((how) => {
        if (load !== undefined && !stop.signal.aborted) view.say(`${name} ended by itself (${how}).`);
        // What is left of the shop could only fail.
        stop.abort();
      });
      return service.ready;
    };
    const orders = await start('orders');
    const storefront = await start('storefront', { ORDERS_URL: orders });
    if (!stop.signal.aborted) {
      view.say(`storefront: Fastify without a tracer, ${storefront}`);
      view.say(`orders:     Express, traced by NodeSDK, ${orders}\n`);
      load = startLoad({ ...options, url: storefront, secrets, signal: stop.signal });
      const limit = setInterval(() => addUp(services).emitted >= options.records && stop.abort(), 50);
      await load.done;
      clearInterval(limit);
      stop.abort();
    }
  } catch (error) {
    if (interrupted() === undefined) view.say(`The shop cannot open: ${error.message}`);
  }
  view.quiet();
  // The one who calls ends before the one who is called.
  for (const service of [...services].reverse()) await service.stop();
  await receiver?.close();
  view.end();

  if (load === undefined) {
    view.say('Ended before the first checkout.');
    return interrupted() ?? 1;
  }
  const figures = { account: addUp(services), load: await load.done, services, arrived: arrivals?.figures() };
  const promises = promisesOf(figures, options);
  const colors = useColors(process.stdout);
  const error = arrivals?.example();
  const example = error && formatRecord(error, { colors, columns: (process.stdout.columns ?? Infinity) - 4 });
  process.stdout.write(summaryText({ ...figures, promises, example, colors }));
  if (options.json) console.log(JSON.stringify(summaryJson(figures, promises)));
  return interrupted() ?? (promises.every(({ held }) => held) ? 0 : 1);
}

/** The first signal ends the shop in order, the second at once. Returns what the exit code has to be then. */
function onSignals(stop, services, view) {
  let exitCode;
  for (const [signal, code] of Object.entries(EXIT_CODES)) {
    process.on(signal, () => {
      if (exitCode === undefined) {
        exitCode = code;
        view.say('Ending. Once more to end at once.\n');
        return stop.abort();
      }
      for (const service of services) service.kill();
      view.end();
      process.exit(code);
    });
  }
  return () => exitCode;
}

/** The environment of the services: of ours, only what a run with its own receiver does not decide by itself. */
function environmentOf({ external, redact, idAttribute, copy, lines }, endpoint) {
  const ours = Object.entries(process.env).filter(([name]) => external || !/^(OTEL|LOGSPAN)_/.test(name));
  return {
    ...Object.fromEntries(ours),
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    SHOP_REDACT: redact ? 'on' : 'off',
    SHOP_ID_ATTRIBUTE: idAttribute ?? '',
    SHOP_COPY: copy ?? '',
    ...(lines !== undefined && { LOGSPAN_LEVEL: 'info,shop.warehouse=debug' }),
  };
}

function addressText({ external, port, seconds, records }, endpoint) {
  if (external) {
    const untilStopped = seconds === undefined && records === undefined;
    return `Sending to ${endpoint}${untilStopped ? ' until stopped by Ctrl-C' : ''}`;
  }
  const taken = port !== 0 && !endpoint.endsWith(`:${port}`);
  return `${taken ? `Port ${port} is taken. ` : ''}Receiving on ${endpoint}`;
}

function progressText({ seconds }, services, load) {
  if (load === undefined) return 'starting …';
  const { emitted, delivered, pending } = addUp(services);
  if (load.ended) return `closing · ${pending.toLocaleString('en')} records on their way`;
  const time = `${Math.floor(load.elapsedSeconds())}${seconds === undefined ? '' : ` of ${seconds}`} s`;
  const counts = [load.requests(), emitted, delivered].map((count) => count.toLocaleString('en'));
  return `${time} · ${counts[0]} checkouts · ${counts[1]} records emitted, ${counts[2]} delivered`;
}
