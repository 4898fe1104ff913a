import type { Attributes, AttributesArgument } from './attributes.ts';
import type { RecordFilter } from './filter.ts';
import type { Lazy } from './lazy.ts';
import type { SeverityName } from './level.ts';

/** What an event may be given: its attributes, each also as a lazy value, and an Error to promote. */
export type EventAttributes<Declared> = { readonly [Key in keyof Declared]: Declared[Key] | Lazy<Declared[Key]> } & {
  readonly error?: unknown;
};

/** What follows the event name in a call: nothing is needed if no attribute is. */
export type EventArguments<Declared> =
  Partial<Declared> extends Declared
    ? [attributes?: EventAttributes<Declared> | (() => EventAttributes<Declared>)]
    : [attributes: EventAttributes<Declared> | (() => EventAttributes<Declared>)];

/** The same events, where these attributes may be left out: a child logger has them. */
export type WithBound<Events, Bound> = {
  readonly [Name in keyof Events]: Omit<Events[Name], keyof Bound> &
    Partial<Pick<Events[Name], keyof Bound & keyof Events[Name]>>;
};

/**
 * A `Logger` that the compiler lets write certain events only, each with its attributes: `getLogger<ShopEvents>('shop')`, of
 *
 * ```ts
 * interface ShopEvents {
 *   user_login: { username: string; password: string };
 *   cart_emptied: object;
 * }
 * ```
 *
 * At run time it is a `Logger` like any other, and nothing is checked: it costs nothing. Text for people goes through
 * {@link message}. What a child binds need not be given again.
 */
export interface TypedLogger<Events> {
  trace<Name extends keyof Events & string>(eventName: Name, ...attributes: EventArguments<Events[Name]>): void;
  debug<Name extends keyof Events & string>(eventName: Name, ...attributes: EventArguments<Events[Name]>): void;
  info<Name extends keyof Events & string>(eventName: Name, ...attributes: EventArguments<Events[Name]>): void;
  warn<Name extends keyof Events & string>(eventName: Name, ...attributes: EventArguments<Events[Name]>): void;
  warning<Name extends keyof Events & string>(eventName: Name, ...attributes: EventArguments<Events[Name]>): void;
  error<Name extends keyof Events & string>(eventName: Name, ...attributes: EventArguments<Events[Name]>): void;
  fatal<Name extends keyof Events & string>(eventName: Name, ...attributes: EventArguments<Events[Name]>): void;
  critical<Name extends keyof Events & string>(eventName: Name, ...attributes: EventArguments<Events[Name]>): void;
  exception<Name extends keyof Events & string>(
    error: unknown,
    eventName: Name,
    ...attributes: EventArguments<Events[Name]>
  ): void;
  log<Name extends keyof Events & string>(
    level: SeverityName,
    eventName: Name,
    ...attributes: EventArguments<Events[Name]>
  ): void;
  message(level: SeverityName, text: string, attributes?: AttributesArgument): void;
  isEnabled(level: SeverityName): boolean;
  child<Bound extends Attributes>(attributes: Bound): TypedLogger<WithBound<Events, Bound>>;
  named(scopeName: string): TypedLogger<Events>;
  filter(passes: RecordFilter): TypedLogger<Events>;
}
