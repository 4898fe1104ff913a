import { isEventName } from './event-name.ts';

/** The attributes that hold a number. */
type NumberKey<Declared> = {
  [Key in keyof Declared]-?: Declared[Key] extends number | undefined
    ? Key
    : unknown extends Declared[Key]
      ? Key
      : never;
}[keyof Declared] &
  string;

/** A metric of one event: a `MetricRule` of `logMetrics()`, whose event is known. */
export interface EventMetric<Declared> {
  readonly type: 'counter' | 'histogram' | 'gauge';
  /** The instrument's name. */
  readonly name: string;
  /** In UCUM: `ms`, `By`, `{order}`. */
  readonly unit?: string;
  readonly description?: string;
  /** The attribute that holds the number. Required, except for a counter of records. */
  readonly value?: NumberKey<Declared>;
  /** Attributes that become metric attributes. Those with few values, and none that is secret. */
  readonly attributes?: readonly (keyof Declared & string)[];
}

/** What is said of one event. */
export interface EventDeclaration<Declared> {
  /** Attributes that must not leave: for `redact({ keys })`. */
  readonly secrets?: readonly (keyof Declared & string)[];
  /** What is measured of it: for `logMetrics({ rules })`. */
  readonly metrics?: readonly EventMetric<Declared>[];
}

/** A metric with the event that it is of. */
export interface EventMetricRule {
  readonly type: 'counter' | 'histogram' | 'gauge';
  readonly name: string;
  readonly unit?: string;
  readonly description?: string;
  readonly value?: string;
  readonly attributes?: readonly string[];
  readonly event: string;
  readonly perEvent: false;
}

/** What {@link defineEvents} makes. */
export interface EventCatalogue<Events> {
  readonly names: readonly (keyof Events & string)[];
  /** Every attribute that is secret in any event. `redact` looks for a name, so it is secret in all events then. */
  readonly secrets: readonly string[];
  readonly metrics: readonly EventMetricRule[];
}

/**
 * The events that a library or service writes, said once: `getLogger<ShopEvents>('shop')` lets the compiler hold the calls to
 * them, `redact({ keys: events.secrets })` and `logMetrics({ rules: events.metrics })` do the rest.
 *
 * ```ts
 * export const events = defineEvents<ShopEvents>({
 *   user_login: { secrets: ['pin'] },
 *   order_placed: { metrics: [{ type: 'histogram', name: 'shop.order.amount', unit: 'EUR', value: 'amount' }] },
 *   cart_emptied: {},
 * });
 * ```
 *
 * Needs no SDK, and nothing of it is looked at when a record is written. Throws a TypeError for a name that a logger would
 * read as a message, and for secrets and metrics that are no lists.
 */
export function defineEvents<Events extends object = Record<string, Record<string, unknown>>>(
  declarations: {
    readonly [Name in keyof Events & string]: EventDeclaration<Events[Name]>;
  },
): EventCatalogue<Events> {
  const names = Object.keys(declarations) as (keyof Events & string)[];
  const secrets = new Set<string>();
  const metrics: EventMetricRule[] = [];
  for (const name of names) {
    if (!isEventName(name)) throw new TypeError(`defineEvents: ${JSON.stringify(name)} is not an event name`);
    const declared = declarations[name];
    for (const key of listOf(`${name}.secrets`, declared.secrets)) secrets.add(key);
    for (const metric of listOf(`${name}.metrics`, declared.metrics)) {
      // One event has one series: its name as an attribute would say nothing.
      metrics.push(Object.freeze({ ...metric, event: name, perEvent: false }));
    }
  }
  return Object.freeze({
    names: Object.freeze(names),
    secrets: Object.freeze([...secrets]),
    metrics: Object.freeze(metrics),
  });
}

function listOf<T>(option: string, list: readonly T[] = []): readonly T[] {
  if (!Array.isArray(list)) throw new TypeError(`defineEvents: ${option} must be an array`);
  return list;
}
