import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { type Ended, type OnLine, run } from './delivery/child.ts';
import { metricsIn, pointsOf } from './delivery/official-metrics.ts';

// These run the built packages, as an application does.

const PATIENCE = 30_000;
const COUNT = 1_000;

interface Run extends Ended {
  /** What arrived: by path, in order. */
  readonly requests: readonly { path: string; body: Buffer; key: string | undefined }[];
  /** Of the last request for metrics: the sum, or the number of values, of a metric by event. */
  counts(metric: string): Record<string, number>;
}

async function end(
  ending: string,
  {
    program = 'metrics.mjs',
    given = {},
    env = {},
    onLine,
  }: { program?: string; given?: object; env?: Record<string, string>; onLine?: OnLine } = {},
): Promise<Run> {
  const requests: { path: string; body: Buffer; key: string | undefined }[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    const key = request.headers['x-api-key'] as string | undefined;
    const plain = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
    requests.push({ path: request.url ?? '', body: plain, key });
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const variables = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_LOG_LEVEL: 'WARN', ...env };
  const ended = await run([program, ending, JSON.stringify({ count: COUNT, ...given })], variables, onLine);
  server.closeAllConnections();
  server.close();
  const counts = (name: string): Record<string, number> => {
    const body = requests.filter(({ path }) => path === '/v1/metrics').at(-1)?.body ?? Buffer.alloc(0);
    return Object.fromEntries(
      pointsOf(metricsIn(body).find((metric) => metric.name === name)).map(({ attributes, asInt, count }) => [
        attributes[0]?.value.stringValue ?? '',
        Number(asInt ?? count),
      ]),
    );
  };
  return { ...ended, requests, counts };
}

const kill: OnLine = (line, child) => {
  if (line === 'ready') child.kill('SIGTERM');
};

describe('the last interval of a process', () => {
  test.each([
    ['natural', { code: 0, signal: null }],
    ['process.exit', { code: 3, signal: null }],
    ['throws', { code: 1, signal: null }],
    ['is killed', { code: null, signal: 'SIGTERM' }],
  ])(
    'that ends by: %s',
    async (ending, how) => {
      const { code, signal, counts, requests, stderr } = await end(ending, { onLine: kill });
      expect({ code, signal }).toEqual(how);
      expect(counts('logspan.log.count')).toEqual({
        order_paid: COUNT,
        ...(ending === 'throws' ? { exception: 1 } : {}),
      });
      expect(counts('logspan.log.duration')).toEqual({ order_paid: COUNT });
      // Records first, and metrics once; after a signal there is a flush, and then an end.
      expect(requests.map(({ path }) => path).at(-1)).toBe('/v1/metrics');
      expect(requests.filter(({ path }) => path === '/v1/metrics').length).toBe(ending === 'is killed' ? 2 : 1);
      if (ending !== 'throws') expect(stderr).toBe('');
    },
    PATIENCE,
  );

  test(
    'with delta temporality too, compressed, and with a key',
    async () => {
      const { counts, requests } = await end('process.exit', {
        env: {
          OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta',
          OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
          OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'x-api-key=k',
        },
      });
      expect(counts('logspan.log.count')).toEqual({ order_paid: COUNT });
      expect(new Set(requests.map(({ path, key }) => `${path} ${key}`))).toEqual(
        new Set(['/v1/logs undefined', '/v1/metrics k']),
      );
    },
    PATIENCE,
  );

  test(
    'unsampled: a tenth of the records, all of the counts',
    async () => {
      const { counts, requests } = await end('natural', { given: { ratio: 0 } });
      expect(counts('logspan.log.count')).toEqual({ order_paid: COUNT });
      expect(requests.filter(({ path }) => path === '/v1/logs')).toEqual([]);
    },
    PATIENCE,
  );
});

test(
  'OTEL_METRICS_EXPORTER=none sets nothing up',
  async () => {
    const { requests } = await end('natural', { env: { OTEL_METRICS_EXPORTER: 'none' } });
    expect(requests.filter(({ path }) => path === '/v1/metrics')).toEqual([]);
  },
  PATIENCE,
);

test(
  'OTEL_METRICS_EXPORTER names what is not here: that is said, and nothing set up',
  async () => {
    const { requests, stderr } = await end('natural', { env: { OTEL_METRICS_EXPORTER: 'prometheus' } });
    expect(stderr).toContain('OTEL_METRICS_EXPORTER');
    expect(requests.filter(({ path }) => path === '/v1/metrics')).toEqual([]);
  },
  PATIENCE,
);

test(
  'its own requests are neither traced nor logged, where all HTTP requests are',
  async () => {
    const { requests, stdout } = await end('natural', { program: 'metrics-traced.cjs' });
    const { spans, passed } = JSON.parse(stdout);
    expect(requests.map(({ path }) => path)).toEqual(['/own', '/v1/metrics', '/v1/metrics']);
    // That of the application, and the record about it.
    expect(spans.length).toBe(1);
    expect(JSON.stringify(spans)).toContain('/own');
    expect(passed).toBe(2);
  },
  PATIENCE,
);
