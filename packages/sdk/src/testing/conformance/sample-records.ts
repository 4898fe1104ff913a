import { lazy } from '@logspan/logger';
import type { SpanContext } from '@opentelemetry/api';

/** A record to try a part with. */
export interface SampleRecord {
  readonly eventName?: string | undefined;
  readonly body?: unknown;
  /** Default 9, info. */
  readonly severityNumber?: number | undefined;
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly spanContext?: SpanContext;
}

const SPAN = { traceFlags: 1, spanId: '00f067aa0ba902b7' };

/** What an application writes: all levels, in traces and outside, with secrets, numbers, errors, lists, and again and again. */
export function ordinaryRecords(): SampleRecord[] {
  const records: SampleRecord[] = [];
  for (let i = 0; i < 40; i++) {
    const spanContext = { ...SPAN, traceId: `4bf92f3577b34da6a3ce929d0e0e47${(i % 5) + 10}` };
    records.push({
      ...(i % 3 === 0 ? {} : { spanContext }),
      severityNumber: [1, 5, 9, 9, 13, 17, 9, 21][i % 8],
      ...(i % 4 === 0 ? { body: 'user {username} waits' } : { eventName: `event_${i % 3}`, body: `event_${i % 3}` }),
      attributes: {
        username: `user-${i % 2}`,
        password: 'sesame',
        duration_ms: i,
        nested: { token: 'sesame', list: [{ secret: 'sesame' }, i], ip: '192.0.2.1' },
        headers: ['authorization', 'Bearer abc'],
      },
    });
  }
  for (let i = 0; i < 20; i++) records.push({ eventName: 'the_same', body: 'the_same', attributes: { n: 1 } });
  records.push({ eventName: 'failed', body: 'failed', severityNumber: 17, attributes: { 'exception.message': 'no' } });
  return records;
}

/** What an application writes by accident, or what somebody else makes it write. Made anew, because some can be used once. */
export function hostileRecords(): SampleRecord[] {
  const cycle: Record<string, unknown> = { name: 'cycle' };
  cycle.self = cycle;
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  let deep: unknown = 'bottom';
  for (let i = 0; i < 10_000; i++) deep = { deep };
  const explode = (): never => {
    throw new RangeError('from a getter');
  };
  const values: readonly unknown[] = [
    {
      get explode() {
        return explode();
      },
    },
    cycle,
    proxy,
    new Proxy({}, { ownKeys: explode, get: explode, getPrototypeOf: explode }),
    deep,
    'x'.repeat(1_000_000),
    Array.from({ length: 20_000 }, (_, i) => i),
    new Map<unknown, unknown>([
      ['password', 'sesame'],
      [cycle, cycle],
    ]),
    new Error('no', { cause: cycle }),
    { toJSON: explode, toString: explode, [Symbol.toPrimitive]: explode },
    10n ** 100n,
    Symbol('secret'),
    explode,
    new Date(Number.NaN),
    Object.create(null),
    Number.NaN,
    undefined,
    null,
    '\u0000\u001b[31m\ud800',
  ];
  return [
    ...values.flatMap((value): SampleRecord[] => [
      { eventName: 'hostile', body: 'hostile', attributes: { value, list: [value], nested: { password: value } } },
      { body: value, attributes: { n: 1 } },
    ]),
    { body: 'lazy', attributes: { lazy: lazy(explode), made: lazy(() => cycle) } },
    { body: 'many', attributes: Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`key${i}`, i])) },
    { body: 'names', attributes: JSON.parse('{"__proto__":{"polluted":1},"constructor":"x","":"empty"}') },
    ...['', '__proto__', 'constructor', 'hasOwnProperty', 'x'.repeat(100_000)].map((name) => ({
      eventName: name,
      body: name,
      attributes: { username: name, ip: name },
    })),
    ...[undefined, 0, -1, Number.NaN, 1e9].map((severityNumber) => ({ body: 'severity', severityNumber })),
    { body: 'trace', spanContext: { traceId: 'no', spanId: '', traceFlags: Number.NaN } },
    {},
  ];
}
