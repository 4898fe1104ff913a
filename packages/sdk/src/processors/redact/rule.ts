import type { Action } from './action.ts';

/** Why something is secret, and what becomes of it. */
export interface Rule {
  /** As explain() and the counts name it. */
  readonly name: string;
  readonly action: Action;
  /** Rules of the user come first, in their order; of two that apply the lower one decides. */
  readonly order: number;
}

/** Part of a text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Part of a text that is secret. */
export interface Hit extends Span {
  readonly rule: Rule;
}
