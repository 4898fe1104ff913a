import type { CheckedRule } from './check-rules.ts';

/** How many event names are kept for which patterns have been tried. */
const MOST_NAMES = 1_000;

/**
 * Which rules want to see a record, by its event name: one look-up for all rules together. Undefined if none does, which
 * is what most records are told.
 */
export class RulesByEvent {
  readonly #rules: readonly CheckedRule[];
  readonly #unnamed: readonly CheckedRule[] | undefined;
  readonly #byName = new Map<string, readonly CheckedRule[] | undefined>();
  /** True if a name that is not in the map is wanted by no rule. */
  readonly #isComplete: boolean;

  constructor(rules: readonly CheckedRule[]) {
    this.#rules = rules;
    this.#unnamed = orUndefined(rules.filter(({ matchers }) => matchers.some(({ event }) => event === undefined)));
    const names = rules.flatMap(({ matchers }) => matchers.map((matcher) => matcher.names));
    this.#isComplete = names.every((some) => some !== undefined);
    for (const name of names.flatMap((some) => some ?? [])) this.#byName.set(name, this.#wanting(name));
  }

  of(eventName: string | undefined): readonly CheckedRule[] | undefined {
    if (!eventName) return this.#unnamed;
    const wanting = this.#byName.get(eventName);
    if (wanting !== undefined || this.#isComplete || this.#byName.has(eventName)) return wanting;
    const found = this.#wanting(eventName);
    if (this.#byName.size < MOST_NAMES) this.#byName.set(eventName, found);
    return found;
  }

  #wanting(name: string): readonly CheckedRule[] | undefined {
    return orUndefined(
      this.#rules.filter(({ matchers }) => matchers.some(({ event }) => event === undefined || event(name))),
    );
  }
}

function orUndefined<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}
