import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { SpanKind } from '@opentelemetry/api';

export type Tracer = 'none' | 'tracer' | 'node-sdk' | 'node-sdk-later';
/** Over what a service calls the next one. */
export type Via = 'fetch' | 'http';

export interface RecordLine {
  readonly event: string;
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
}
export interface SpanLine {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: SpanKind;
  /** Who started it. */
  readonly scope: string;
}

/** Of a NodeSDK: logs are logspan's, and metrics are not looked at. */
const NO_EXPORTERS = { OTEL_LOGS_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' };

/** A service of test/fixtures in a process of its own, and what it wrote. */
export class Service {
  readonly records: RecordLine[] = [];
  readonly spans: SpanLine[] = [];
  readonly #child: ChildProcess;
  readonly url: Promise<string>;

  constructor(tracer: Tracer, next?: string, via: Via = 'fetch') {
    this.#child = spawn(process.execPath, ['traced-service.mjs', tracer], {
      cwd: fileURLToPath(new URL('../fixtures/', import.meta.url)),
      env: { PATH: process.env.PATH, VIA: via, ...NO_EXPORTERS, ...(next !== undefined && { NEXT_URL: next }) },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
    this.url = new Promise((resolve, reject) => {
      lines.on('line', (text) => {
        const line = JSON.parse(text);
        if ('url' in line) resolve(line.url);
        else if ('span' in line) this.spans.push(line.span);
        else this.records.push(recordOf(line));
      });
      lines.on('close', () => reject(new Error('The service ended before it listened.')));
    });
  }

  /** Lets it end, and waits until all that it wrote is there. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    await once(this.#child, 'close');
  }

  /** Its one span of a kind. */
  span(kind: SpanKind): SpanLine {
    const found = this.spans.filter((span) => span.kind === kind);
    if (found.length !== 1 || found[0] === undefined)
      throw new Error(`${found.length} spans of kind ${SpanKind[kind]}`);
    return found[0];
  }

  /** The span ids of its records of an event. */
  spanIdsOf(event: string): (string | undefined)[] {
    return this.records.filter((record) => record.event === event).map(({ spanId }) => spanId);
  }
}

function recordOf(line: Record<string, unknown>): RecordLine {
  return {
    event: String(line['otel.event.name']),
    traceId: line.trace_id as string | undefined,
    spanId: line.span_id as string | undefined,
    attributes: line.attributes as Record<string, unknown>,
  };
}

/** Three services, each of which calls the next, have served one request. */
export async function chainOf(
  tracers: readonly [Tracer, Tracer, Tracer],
  { headers = {}, via = ['fetch', 'fetch'] }: { headers?: Record<string, string>; via?: readonly [Via, Via] } = {},
): Promise<[Service, Service, Service]> {
  const c = new Service(tracers[2]);
  const b = new Service(tracers[1], await c.url, via[1]);
  const a = new Service(tracers[0], await b.url, via[0]);
  try {
    const answer = await (await fetch(await a.url, { headers: { ...headers, connection: 'close' } })).text();
    if (answer !== 'end') throw new Error(`The chain answered ${answer}`);
  } finally {
    await Promise.all([a.end(), b.end(), c.end()]);
  }
  return [a, b, c];
}
