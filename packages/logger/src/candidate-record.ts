import { context } from '@opentelemetry/api';
import type { Attributes } from './attributes.ts';
import { type FilterableRecord, ownAttribute } from './filter.ts';
import { attributesOf } from './scope.ts';

/**
 * What the filter of a logger sees of a call that may yet become a record. Nothing is read or computed before the filter
 * asks: most look at the level or the event alone. Of all attributes the caller's win over those of the logger, and those
 * over `withAttributes`. Attributes that a function makes are not there, and lazy values are not computed.
 */
export class CandidateRecord implements FilterableRecord {
  readonly severityNumber: number;
  readonly eventName: string | undefined;
  readonly body: unknown;
  readonly instrumentationScope: { readonly name: string };
  readonly #given: unknown;
  readonly #bound: Attributes | undefined;

  constructor(
    severityNumber: number,
    eventName: string | undefined,
    body: unknown,
    scope: { readonly name: string },
    given: unknown,
    bound: Attributes | undefined,
  ) {
    this.severityNumber = severityNumber;
    this.eventName = eventName;
    this.body = body;
    this.instrumentationScope = scope;
    this.#given = given;
    this.#bound = bound;
  }

  get attributes(): Attributes {
    const given = typeof this.#given === 'object' && this.#given !== null ? (this.#given as Attributes) : {};
    const outer = attributesOf(context.active());
    return outer === undefined && this.#bound === undefined ? given : { ...outer, ...this.#bound, ...given };
  }

  peekAttribute(key: string): unknown {
    for (const from of [this.#given, this.#bound]) {
      if (holds(from, key)) return ownAttribute(from, key);
    }
    return ownAttribute(attributesOf(context.active()), key);
  }
}

/** True for an attribute that is set, be it lazy: what lies below it does not show. Undefined is no attribute. */
function holds(attributes: unknown, key: string): boolean {
  if (typeof attributes !== 'object' || attributes === null) return false;
  try {
    return Object.hasOwn(attributes, key) && (attributes as Attributes)[key] !== undefined;
  } catch {
    return true;
  }
}
