import type { Sighting, WindowRule } from './store.ts';

/** What one group has done within the window: as much of it as it takes to decide, and no more. */
export interface Window {
  /** Takes in a sighting; true if the condition is met with it. */
  add(sighting: Sighting): boolean;
  /** True if at least so much of what makes an alert is in the window. */
  holds(amount: number, nowMillis: number): boolean;
  /** When the first of so much of it was. */
  since(amount: number): number;
  /** Begins with so much of what was forgotten, as if all of it had been at the time of its oldest: never too much. */
  restore(amount: number, atMillis: number): void;
}

export function windowOf(rule: WindowRule): Window {
  switch (rule.type) {
    case 'event_count':
      return new EventTimes(rule);
    case 'value_count':
      return new RecentValues(rule);
    case 'temporal_ordered':
      return new OrderedSteps(rule);
  }
}

/** A ring of the last n times: n sightings are in the window if the oldest of the ring is. */
class EventTimes implements Window {
  readonly #rule: WindowRule;
  readonly #times: number[] = [];
  /** Where the next time goes, once the ring is full: the place of the oldest. */
  #next = 0;

  constructor(rule: WindowRule) {
    this.#rule = rule;
  }

  add({ nowMillis }: Sighting): boolean {
    const { threshold } = this.#rule;
    if (this.#times.length < threshold) this.#times.push(nowMillis);
    else {
      this.#times[this.#next] = nowMillis;
      this.#next = (this.#next + 1) % threshold;
    }
    return this.holds(threshold, nowMillis);
  }

  holds(amount: number, nowMillis: number): boolean {
    return amount <= this.#times.length && nowMillis - this.since(amount) < this.#rule.windowMillis;
  }

  since(amount: number): number {
    const { length } = this.#times;
    return this.#times[(this.#next + length - amount) % length] as number;
  }

  restore(amount: number, atMillis: number): void {
    for (let i = 0; i < amount; i++) this.#times.push(atMillis);
  }
}

/** The n values that were seen last: n different ones are in the window if the oldest of these is. */
class RecentValues implements Window {
  readonly #rule: WindowRule;
  /** When each value was last seen; the oldest first. */
  readonly #seen = new Map<string, number>();

  constructor(rule: WindowRule) {
    this.#rule = rule;
  }

  add({ value, nowMillis }: Sighting): boolean {
    const { threshold, windowMillis } = this.#rule;
    this.#seen.delete(value);
    this.#seen.set(value, nowMillis);
    for (const [oldest, at] of this.#seen) {
      if (this.#seen.size <= threshold && nowMillis - at < windowMillis) break;
      this.#seen.delete(oldest);
    }
    return this.#seen.size >= threshold;
  }

  holds(amount: number, nowMillis: number): boolean {
    return amount <= this.#seen.size && nowMillis - this.since(amount) < this.#rule.windowMillis;
  }

  since(amount: number): number {
    let skip = this.#seen.size - amount;
    for (const at of this.#seen.values()) if (skip-- === 0) return at;
    return Number.NEGATIVE_INFINITY;
  }

  /** Which values they were is forgotten, and to count one twice would be too much: begins with none. */
  restore(): void {}
}

/**
 * For each length, when the latest run began that has come through the first so many sightings of the sequence. A run
 * that began later leaves the window later, so no other is needed.
 */
class OrderedSteps implements Window {
  readonly #rule: WindowRule;
  readonly #began: number[];

  constructor(rule: WindowRule) {
    this.#rule = rule;
    this.#began = new Array(rule.threshold).fill(Number.NEGATIVE_INFINITY);
  }

  add({ steps, nowMillis }: Sighting): boolean {
    const began = this.#began;
    // From the end, so that one sighting is not taken for two.
    let end = began.length;
    for (let step = this.#rule.steps.length - 1; step >= 0; step--) {
      const start = end - (this.#rule.steps[step] as number);
      if (steps.includes(step)) {
        for (let at = end - 1; at >= start; at--) began[at] = at === 0 ? nowMillis : (began[at - 1] as number);
      }
      end = start;
    }
    return steps.at(-1) === this.#rule.steps.length - 1 && this.holds(began.length, nowMillis);
  }

  holds(amount: number, nowMillis: number): boolean {
    return nowMillis - this.since(amount) < this.#rule.windowMillis;
  }

  since(amount: number): number {
    return this.#began[amount - 1] as number;
  }

  restore(amount: number, atMillis: number): void {
    this.#began.fill(atMillis, 0, amount);
  }
}
