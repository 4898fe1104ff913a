/** What a store must know of a rule. */
export interface WindowRule {
  /** Unique among the rules that share the store. */
  readonly id: string;
  readonly type: 'event_count' | 'value_count' | 'temporal_ordered';
  /** A sighting counts while it is younger than this. */
  readonly windowMillis: number;
  /** After an alert of a group, what would be one is suppressed and counted until this has passed. */
  readonly cooldownMillis: number;
  /** The number that makes an alert: of sightings, of different values, or of the sightings of all steps together. */
  readonly threshold: number;
  /** Of `temporal_ordered`: how many sightings each step takes. Otherwise empty. */
  readonly steps: readonly number[];
  /** How many groups to watch exactly. */
  readonly maxKeys: number;
}

/** A record that a rule looks for. */
export interface Sighting {
  /** The group that it belongs to: at most 160 characters, never empty. */
  readonly key: string;
  /** When, on a clock that never goes back and has any zero. A store with a clock of its own goes by that. */
  readonly nowMillis: number;
  /** Of `value_count`: the value, at most 160 characters. Otherwise empty. */
  readonly value: string;
  /** Of `temporal_ordered`: the steps that the record can be, by index, ascending. Otherwise empty. */
  readonly steps: readonly number[];
}

/** The condition is met, and the group has raised no alert within the cooldown. */
export interface Alert {
  /** What was counted in the window. A store may stop counting at the threshold. */
  readonly count: number;
  /** How many sightings met the condition during the last cooldown of the group. */
  readonly suppressed: number;
  /** How long ago the first of what was counted was, in milliseconds. */
  readonly spanMillis: number;
}

/**
 * What a sighting led to. `overflow`: so many sightings came, since a verdict last said so, of groups for which there was
 * no room. The monitor sees to it that this is not told too often.
 */
export type Verdict =
  | { readonly alert: Alert; readonly overflow?: number }
  | { readonly alert?: undefined; readonly overflow: number };

/**
 * Where the monitor keeps what it has seen. In memory by default, for one process; one that many processes share makes
 * them one monitor.
 *
 * `observe` must do all it does in one step: record the sighting, forget what has left the window, decide, and note the
 * alert, so that of two processes only one raises it. It may answer later. The log call does not wait: the alert follows
 * the answer. What it throws or rejects with is counted as unjudged and told of, and the
 * sighting is lost; so is an answer that is no verdict, and one that is outstanding when the monitor ends.
 */
export interface SecurityStore {
  observe(rule: WindowRule, sighting: Sighting): Verdict | undefined | PromiseLike<Verdict | undefined>;
}
