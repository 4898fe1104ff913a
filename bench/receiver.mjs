// The receiver's process: an OTLP/HTTP server that walks each request as it comes. Contestants are told apart by the
// first part of the path: /NAME/v1/logs. Driven by messages, as contestant.mjs.
import { createServer } from 'node:http';
import { checkRecords } from './check-records.mjs';
import { countRecords } from './otlp-reader.mjs';

const counts = new Map();
/** The requests themselves, while a check runs. */
let kept;

const server = createServer((request, response) => {
  const name = request.url.split('/')[1];
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts);
    try {
      counts.set(name, (counts.get(name) ?? 0) + countRecords(body));
      kept?.push(body);
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    } catch (error) {
      response.writeHead(400, { 'content-type': 'text/plain' }).end(error.message);
    }
  });
});
server.keepAliveTimeout = 60_000;

const methods = {
  async listen() {
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return server.address().port;
  },
  /** Records received from a contestant so far. */
  count: (name) => counts.get(name) ?? 0,
  /** Microseconds of CPU used so far. */
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  keep: () => {
    kept = [];
  },
  check: ({ name, records, expected }) => {
    const requests = kept;
    kept = undefined;
    checkRecords(name, requests, records, expected);
  },
};

process.on('message', async ({ id, method, argument }) => {
  try {
    process.send({ id, result: await methods[method](argument) });
  } catch (error) {
    process.send({ id, error: error.message });
  }
});
process.on('disconnect', () => process.exit(0));
process.send({ id: 0 });
