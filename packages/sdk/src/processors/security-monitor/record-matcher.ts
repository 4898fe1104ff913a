import { glob } from '@logspan/logger/internal';
import { peekAttribute } from '../../pipeline/peek-attribute.ts';
import type { LogRecord } from '../../pipeline/stage.ts';
import type { AttributePattern, RecordMatch } from './rule.ts';

type Test<T> = (value: T) => boolean;

/** A {@link RecordMatch}, made ready. */
export interface RecordMatcher {
  /** Undefined: any record, named or not. */
  readonly event: Test<string> | undefined;
  /** The event names, if there is no other that could match. */
  readonly names: readonly string[] | undefined;
  readonly attributes: readonly { readonly key: string; readonly matches: Test<unknown> }[];
}

export function recordMatcher({ event, attributes = {}, ignoreCase = false }: RecordMatch): RecordMatcher {
  const patterns = event === undefined ? undefined : ([event].flat() as readonly string[]);
  return {
    event: patterns && anyOf(patterns.map((pattern) => textTest(pattern, ignoreCase))),
    names: ignoreCase || patterns?.some((pattern) => pattern.includes('*')) ? undefined : patterns,
    attributes: Object.entries(attributes).map(([key, allowed]) => ({
      key,
      matches: anyOf(([allowed].flat() as readonly AttributePattern[]).map((one) => valueTest(one, ignoreCase))),
    })),
  };
}

/** True if a record of a fitting event name has the attributes as well. */
export function hasAttributes({ attributes }: RecordMatcher, record: LogRecord): boolean {
  for (const { key, matches } of attributes) if (!matches(peekAttribute(record, key))) return false;
  return true;
}

function valueTest(allowed: AttributePattern, ignoreCase: boolean): Test<unknown> {
  if (typeof allowed !== 'string') return (value) => value === allowed;
  const matches = textTest(allowed, ignoreCase);
  return (value) => typeof value === 'string' && matches(value);
}

function textTest(pattern: string, ignoreCase: boolean): Test<string> {
  if (!ignoreCase) return glob(pattern);
  const matches = glob(pattern.toLowerCase());
  return (text) => matches(text.toLowerCase());
}

function anyOf<T>(tests: readonly Test<T>[]): Test<T> {
  return (value) => {
    for (const test of tests) if (test(value)) return true;
    return false;
  };
}
