import { diag } from '@opentelemetry/api';
import type { Attributes } from './attributes.ts';
import { EventNames } from './event-name.ts';
import { SEVERITY } from './level.ts';
import type { OtelLogger } from './otel-logs-api.ts';

/** The lowest severity that one scope lets through: a cell that its loggers share, so that a change reaches all at once. */
export interface ScopeLevel {
  minimum: number;
}

/**
 * The way from the facade into logspan's own provider: takes what the caller passed as it is, without an object per call.
 * `attributes` may hold anything, lazy values included; they are settled only if the record is kept.
 */
export interface RecordWriter extends OtelLogger {
  write(
    severityNumber: number,
    severityText: string,
    eventName: string | undefined,
    body: unknown,
    attributes: unknown,
    bound: Attributes | undefined,
    exception: unknown,
  ): void;
}

/** Where the facade's records go once `register()` was called. */
export interface RecordDestination {
  getWriter(scopeName: string, version: string | undefined): RecordWriter;
}

/** What all copies of this package in one process share. */
export interface FacadeState {
  /** Grows with each change of destination; loggers compare it to know that what they cached is stale. */
  generation: number;
  destination: RecordDestination | undefined;
  minimumOf: (scopeName: string) => number;
  readonly levels: Map<string, ScopeLevel>;
  readonly eventNames: EventNames;
  /** Log calls that failed inside logspan and were contained. */
  contained: number;
}

const STATE: unique symbol = Symbol.for('logspan.facade.v1') as never;
/** Beyond this many scope names new ones share one cell: a name made per request must not grow memory for ever. */
const MOST_SCOPES = 10_000;
/** Nor must its length. */
const LONGEST_SCOPE = 1_024;
const SHARED = '\u0000shared';

/** The process-wide state: in a global, because the ESM and the CommonJS copy of this package must be one. */
export function facadeState(): FacadeState {
  const holder = globalThis as { [STATE]?: FacadeState };
  holder[STATE] ??= {
    generation: 0,
    destination: undefined,
    minimumOf: () => SEVERITY.info,
    levels: new Map(),
    eventNames: new EventNames(),
    contained: 0,
  };
  return holder[STATE];
}

/** The level cell of a scope. */
export function scopeLevel(scopeName: string): ScopeLevel {
  const state = facadeState();
  const name =
    state.levels.has(scopeName) || (state.levels.size < MOST_SCOPES && scopeName.length <= LONGEST_SCOPE)
      ? scopeName
      : SHARED;
  let level = state.levels.get(name);
  if (level === undefined) {
    level = { minimum: state.minimumOf(name) };
    state.levels.set(name, level);
  }
  return level;
}

/** Sets the minimum severity of every scope, those of loggers that exist included. */
export function setMinimumSeverities(minimumOf: (scopeName: string) => number): void {
  const state = facadeState();
  state.minimumOf = minimumOf;
  for (const [name, level] of state.levels) level.minimum = minimumOf(name);
}

/** Directs the facade's records to a provider, or with undefined back to whatever the OTel API has. */
export function setDestination(destination: RecordDestination | undefined): void {
  const state = facadeState();
  state.destination = destination;
  state.generation++;
}

/** Keeps a failure inside a log call away from the application: counted, and told to OTel's diag now and then. */
export function contain(error: unknown): void {
  const state = facadeState();
  state.contained++;
  // The first, and then ever more rarely: a call that always fails must not flood.
  if ((state.contained & (state.contained - 1)) !== 0) return;
  try {
    // The kind of the error only: its message may quote the record.
    const kind = error instanceof Error ? error.name : typeof error;
    diag.error(`logspan: a log call failed and was contained (${state.contained} so far)`, kind);
  } catch {
    // A diag logger that throws leaves nobody to tell.
  }
}
