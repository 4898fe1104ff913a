import { randomBytes } from 'node:crypto';
import { FaintGroups } from './faint-groups.ts';
import { KeyedHash } from './keyed-hash.ts';
import { type Listed, RecencyList } from './recency-list.ts';
import type { Alert, SecurityStore, Sighting, Verdict, WindowRule } from './store.ts';
import { type Window, windowOf } from './window.ts';

/** How many groups are remembered faintly for each that is watched exactly. */
const FAINT_FOR_EACH = 50;
const OVERFLOW = Object.freeze({ overflow: 1 });

/** The state of this process. Exact up to `maxKeys` groups of a rule; see {@link WatchedGroups} for what comes beyond. */
export class MemoryStore implements SecurityStore {
  readonly #rules = new Map<string, WatchedGroups>();
  readonly #hash: KeyedHash;

  constructor(secret: Uint8Array = randomBytes(8)) {
    const words = new DataView(secret.buffer, secret.byteOffset, 8);
    this.#hash = new KeyedHash(words.getUint32(0), words.getUint32(4));
  }

  observe(rule: WindowRule, sighting: Sighting): Verdict | undefined {
    let groups = this.#rules.get(rule.id);
    if (groups === undefined) {
      groups = new WatchedGroups(rule, this.#hash);
      this.#rules.set(rule.id, groups);
    }
    return groups.observe(sighting);
  }

  /** How many groups are watched exactly, over all rules. */
  get size(): number {
    let size = 0;
    for (const groups of this.#rules.values()) size += groups.size;
    return size;
  }
}

class Group implements Listed {
  before: Listed | undefined = undefined;
  after: Listed | undefined = undefined;
  readonly key: string;
  readonly window: Window;
  isSuspect = false;
  touchedMillis = 0;
  alertedMillis = Number.NEGATIVE_INFINITY;
  suppressed = 0;

  constructor(key: string, window: Window) {
    this.key = key;
    this.window = window;
  }
}

/**
 * The groups of one rule. An attacker who chooses keys can make any number of groups, so there is room for `maxKeys`, and
 * it is not first come, first served. When it is full of groups that still count, one that is new is only noted in
 * a faint table, and gets a place when it is seen again: what comes once pushes nobody out. The place is that of the
 * group that was not seen for longest among those that are less than half way to an alert, and what is known of that
 * one goes into the faint table in turn. Suspects, half way or more, or in their cooldown, come last.
 */
class WatchedGroups {
  readonly #rule: WindowRule;
  readonly #hash: KeyedHash;
  readonly #half: number;
  readonly #groups = new Map<string, Group>();
  readonly #others = new RecencyList<Group>();
  readonly #suspects = new RecencyList<Group>();
  #faint: FaintGroups | undefined;
  /** There was no room for the group of the sighting that is being observed. */
  #isFull = false;

  constructor(rule: WindowRule, hash: KeyedHash) {
    this.#rule = rule;
    this.#hash = hash;
    this.#half = Math.ceil(rule.threshold / 2);
  }

  get size(): number {
    return this.#groups.size;
  }

  observe(sighting: Sighting): Verdict | undefined {
    this.#isFull = false;
    const group = this.#groups.get(sighting.key) ?? this.#admit(sighting);
    const alert = group === undefined ? undefined : this.#judge(group, sighting);
    if (alert === undefined) return this.#isFull ? OVERFLOW : undefined;
    return this.#isFull ? { alert, ...OVERFLOW } : { alert };
  }

  #judge(group: Group, sighting: Sighting): Alert | undefined {
    const { nowMillis } = sighting;
    const isMet = group.window.add(sighting);
    const isCooling = nowMillis - group.alertedMillis < this.#rule.cooldownMillis;
    this.#touch(group, nowMillis, isMet || isCooling);
    if (!isMet) return undefined;
    if (isCooling) {
      group.suppressed++;
      return undefined;
    }
    const { threshold } = this.#rule;
    const spanMillis = nowMillis - group.window.since(threshold);
    const alert = { count: threshold, suppressed: group.suppressed, spanMillis };
    group.alertedMillis = nowMillis;
    group.suppressed = 0;
    return alert;
  }

  /** The group of a sighting that has none, or undefined if it gets none. */
  #admit({ key, steps, nowMillis }: Sighting): Group | undefined {
    const isKnown = this.#faint?.take(key, nowMillis) === true;
    const amount = isKnown ? (this.#faint as FaintGroups).amount : 0;
    const atMillis = isKnown ? (this.#faint as FaintGroups).atMillis : 0;
    // What is not the first step begins nothing.
    if (!isKnown && this.#rule.type === 'temporal_ordered' && steps[0] !== 0) return undefined;
    if (this.#faint !== undefined && nowMillis - this.#faint.notedMillis >= this.#rule.windowMillis) {
      this.#faint = undefined;
    }
    if (this.#groups.size >= this.#rule.maxKeys && !this.#dropExpired(nowMillis)) {
      this.#isFull = true;
      this.#faint ??= new FaintGroups(this.#rule.maxKeys * FAINT_FOR_EACH, this.#rule.windowMillis, this.#hash);
      if (!isKnown && this.#rule.threshold > 1) {
        this.#faint.note(key, 1, nowMillis, nowMillis);
        return undefined;
      }
      this.#demote((this.#others.oldest ?? this.#suspects.oldest) as Group, this.#faint, nowMillis);
    }
    const group = new Group(key, windowOf(this.#rule));
    if (isKnown) group.window.restore(amount, atMillis);
    this.#groups.set(key, group);
    this.#others.add(group);
    return group;
  }

  #dropExpired(nowMillis: number): boolean {
    for (const group of [this.#others.oldest, this.#suspects.oldest]) {
      if (group === undefined || nowMillis - group.touchedMillis < this.#rule.windowMillis) continue;
      if (nowMillis - group.alertedMillis < this.#rule.cooldownMillis) continue;
      this.#drop(group);
      return true;
    }
    return false;
  }

  #demote(group: Group, faint: FaintGroups, nowMillis: number): void {
    let amount = 0;
    while (amount < this.#rule.threshold && amount < 255 && group.window.holds(amount + 1, nowMillis)) amount++;
    if (amount > 0) faint.note(group.key, amount, group.window.since(amount), nowMillis);
    this.#drop(group);
  }

  #drop(group: Group): void {
    this.#groups.delete(group.key);
    (group.isSuspect ? this.#suspects : this.#others).remove(group);
  }

  #touch(group: Group, nowMillis: number, hasAlerted: boolean): void {
    group.touchedMillis = nowMillis;
    (group.isSuspect ? this.#suspects : this.#others).remove(group);
    group.isSuspect = hasAlerted || group.window.holds(this.#half, nowMillis);
    (group.isSuspect ? this.#suspects : this.#others).add(group);
  }
}
