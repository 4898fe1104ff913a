import { ConfigError, given } from '../../provider/config-error.ts';
import type { Rule } from './rule.ts';
import { fold } from './secret-keys.ts';

/** How far each path has come: a bit for every segment that may be next. */
export type PathState = readonly number[];

interface PathRule {
  /** Undefined stands for `**`. */
  readonly segments: readonly (((segment: string) => boolean) | undefined)[];
  readonly rule: Rule;
}

const MOST_SEGMENTS = 30;

/**
 * Paths with wildcards, `user.*.ssn`, `**.card`, `payment.card*`: `*` is any number of characters within one segment (by
 * itself: one segment of any name), `**` any number of segments, none included. Names are compared as keys are. An index
 * of a list is a segment, and a dotted attribute name has as many as it has parts.
 *
 * All paths are followed at once, one step down at a time, by the set of places where each may be: no backtracking, and
 * a step costs as much as the paths are long.
 */
export class PathRules {
  readonly #paths: readonly PathRule[];
  readonly start: PathState;

  constructor(paths: Iterable<readonly [path: string, rule: Rule]>) {
    this.#paths = Array.from(paths, ([path, rule]) => ({ segments: path.split('.').map(segmentOf), rule }));
    this.start = this.#paths.map(({ segments }) => withSkips(segments, 1));
  }

  /** One key further down: by all the segments that it is. */
  step(state: PathState, segments: readonly string[]): PathState {
    let next = state;
    for (const segment of segments) next = this.#stepOne(next, segment);
    return next;
  }

  /** The rule for what is here. */
  ruleAt(state: PathState): Rule | undefined {
    let first: Rule | undefined;
    for (const [index, { segments, rule }] of this.#paths.entries()) {
      const reached = ((state[index] as number) >>> segments.length) & 1;
      if (reached === 1 && (first === undefined || rule.order < first.order)) first = rule;
    }
    return first;
  }

  #stepOne(state: PathState, segment: string): PathState {
    return this.#paths.map(({ segments }, index) => {
      const at = state[index] as number;
      let next = 0;
      for (let i = 0; i < segments.length; i++) {
        if (((at >>> i) & 1) === 0) continue;
        const matches = segments[i];
        if (matches === undefined) next |= 1 << i;
        else if (matches(segment)) next |= 1 << (i + 1);
      }
      return withSkips(segments, next);
    });
  }
}

/** The segments of a path that a key is. */
export function segmentsOf(key: string): readonly string[] {
  return key.split('.', MOST_SEGMENTS * 4).map(fold);
}

/** Throws a ConfigError unless this is a path. */
export function checkPath(option: string, path: unknown): asserts path is string {
  if (typeof path !== 'string' || path === '') throw new ConfigError(option, `must be a path, not ${given(path)}`);
  const segments = path.split('.');
  if (segments.length > MOST_SEGMENTS) {
    throw new ConfigError(option, `must have at most ${MOST_SEGMENTS} segments, not ${segments.length}`);
  }
  for (const segment of segments) {
    if (
      segment === '' ||
      (segment !== '**' && segment.includes('**')) ||
      (fold(segment) === '' && !segment.includes('*'))
    ) {
      throw new ConfigError(option, 'must be names divided by dots, with * for one and ** for any number of them');
    }
  }
}

/** True for a key that can stand for the end of a path: several names, divided by dots. */
export function isPath(key: string): boolean {
  const segments = key.split('.');
  return segments.length > 1 && segments.length < MOST_SEGMENTS && segments.every((segment) => fold(segment) !== '');
}

function segmentOf(segment: string): ((key: string) => boolean) | undefined {
  if (segment === '**') return undefined;
  const [first = '', ...others] = segment.split('*').map(fold);
  const last = others.pop();
  if (last === undefined) return (key) => key === first;
  return (key) => {
    if (key.length < first.length + last.length || !key.startsWith(first) || !key.endsWith(last)) return false;
    let at = first.length;
    for (const part of others) {
      const found = key.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= key.length - last.length;
  };
}

/** `**` may stand for nothing. */
function withSkips(segments: PathRule['segments'], state: number): number {
  let skipped = state;
  for (let i = 0; i < segments.length; i++) {
    if (((skipped >>> i) & 1) === 1 && segments[i] === undefined) skipped |= 1 << (i + 1);
  }
  return skipped;
}
