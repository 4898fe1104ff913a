import { LEVEL_NAMES, type LevelName, SEVERITY } from '@logspan/logger';
import { severityOf } from '@logspan/logger/internal';
import type { Context } from '@opentelemetry/api';
import { factory } from '../pipeline/factory.ts';
import {
  attributesKey,
  checkAttributeNames,
  functionKey,
  keyPart,
  keyText,
  shownAttributes,
} from '../pipeline/record-key.ts';
import { isSpared } from '../pipeline/spared.ts';
import { forwardTo, type LogRecord, type Stage, stage } from '../pipeline/stage.ts';
import { type StageTime, timeOf } from '../pipeline/stage-time.ts';
import { LONGEST_TIMER_MILLIS } from '../pipeline/within.ts';
import { checkNumber, checkOptions, checkType } from '../provider/check-options.ts';
import { ConfigError, given } from '../provider/config-error.ts';
import { type Sameness, Windows } from './dedupe/windows.ts';

/** Options of {@link dedupe}. */
export interface DedupeOptions {
  /** For how long after a record its repetitions are left out, in milliseconds. Default 10 000. */
  readonly windowMillis?: number;
  /** Attributes that must be equal as well. A lazy one, an object and a missing one count as the same. Default none. */
  readonly attributes?: readonly string[];
  /** What makes two records the same, in place of all else: a text. Undefined: never left out. */
  readonly key?: (record: LogRecord) => string | undefined;
  /** Records of this level and above are never left out. Default `off`: all may be. */
  readonly keepAtLeast?: LevelName;
  /** How many different records are known at a time; those beyond pass. Default 10 000. */
  readonly maxKeys?: number;
  /** Clock and timers, for tests. */
  readonly time?: StageTime;
}

/**
 * Collapses records that repeat: of those that are the same, the first passes; the others of the next `windowMillis` are
 * dropped, counted as `duplicate`, and told by one summary. Then it begins anew, so a failure that goes on shows a whole
 * record and a count in every window.
 *
 * The same are records with equal event name (or body, if there is none), scope, severity, and the attributes named.
 * **Other attributes are not compared.**
 *
 * The summary has event name, scope and severity of what was left out, the trace of its first, the time of its last,
 * `logspan.repeated` (how many), `logspan.repeated.first_time`, and the attributes compared. It comes when the window has
 * ended (at most a tenth of it later), before the next record of its kind, when the stage is flushed, and when it ends.
 * The sum of `logspan.repeated` is what was dropped.
 *
 * What stages write passes, the events of streams, and so does a record on which `key` throws. Nothing of a record is held but its key. Costs a
 * short text, a look into a map and a clock; no attribute is made plain for what is dropped.
 */
export function dedupe(options: DedupeOptions = {}): Stage {
  checkOptions('dedupe', options, ['windowMillis', 'attributes', 'key', 'keepAtLeast', 'maxKeys', 'time']);
  const { windowMillis = 10_000, attributes, key, keepAtLeast = 'off', maxKeys = 10_000 } = options;
  checkNumber('dedupe.windowMillis', windowMillis, 1, LONGEST_TIMER_MILLIS);
  checkNumber('dedupe.maxKeys', maxKeys, 1);
  checkType('dedupe.key', key, 'function');
  if (attributes !== undefined) checkAttributeNames('dedupe.attributes', attributes);
  if (attributes !== undefined && key !== undefined) {
    throw new ConfigError('dedupe.key', 'stands in place of dedupe.attributes: give one of them');
  }
  const keepFrom = severityOf(keepAtLeast);
  if (keepFrom === undefined) {
    throw new ConfigError('dedupe.keepAtLeast', `must be one of ${LEVEL_NAMES.join(', ')}, not ${given(keepAtLeast)}`);
  }
  const fill = key === undefined ? byContent(attributes) : byKey(key);
  const time = timeOf('dedupe.time', options.time);

  return stage('dedupe', 'volume', (next) => {
    const windows = new Windows(next, time, windowMillis, maxKeys);
    // One for all records: a new one for each would cost as much as the comparison.
    const sameness: Sameness = { kind: '', text: '', scope: '', severityNumber: 0 };
    let dropped = 0;

    const isRepeated = (record: LogRecord, context: Context | undefined): boolean => {
      if ((record.severityNumber || SEVERITY.info) >= keepFrom || isSpared(record, context)) return false;
      if (!fill(sameness, record)) return false;
      const now = time.now();
      const window = windows.at(sameness, now);
      if (window === undefined) {
        windows.open(sameness, now);
        return false;
      }
      if (window.leftOut !== undefined) window.leftOut.add(record, now);
      else windows.leaveOut(window, record, now, shownAttributes(record, attributes ?? []));
      return true;
    };

    return forwardTo(next, {
      onEmit(record, context) {
        if (isRepeated(record, context)) dropped++;
        else next.onEmit(record, context);
      },
      async forceFlush(limits) {
        windows.writeAll();
        await next.forceFlush(limits);
      },
      async shutdown(limits) {
        windows.end();
        await next.shutdown(limits);
      },
      release: () => windows.writeAll(),
      account: () => ({ dropped: { duplicate: dropped, failed: windows.failed } }),
    });
  });
}

factory(dedupe);

/** Finds out what a record is the same by; false if by nothing. */
type Fill = (sameness: Sameness, record: LogRecord) => boolean;

function byContent(attributes: readonly string[] | undefined): Fill {
  const attributesOf = attributes === undefined ? undefined : attributesKey(attributes);
  return (sameness, record) => {
    const { eventName } = record;
    if (eventName) {
      sameness.kind = 'event';
      sameness.text = keyText(eventName);
    } else {
      const body: unknown = record.body;
      // Whether two objects say the same is not worth finding out, and nothing is no sameness.
      if (typeof body !== 'string' && typeof body !== 'number' && typeof body !== 'boolean') return false;
      sameness.kind = typeof body;
      sameness.text = keyText(String(body));
    }
    if (attributesOf !== undefined) sameness.text = keyPart(sameness.text) + attributesOf(record);
    sameness.scope = record.instrumentationScope.name;
    sameness.severityNumber = record.severityNumber ?? 0;
    return true;
  };
}

function byKey(key: (record: LogRecord) => string | undefined): Fill {
  const keyOf = functionKey(key, 'dedupe.key');
  return (sameness, record) => {
    const text = keyOf(record);
    if (text === undefined) return false;
    sameness.text = text;
    return true;
  };
}
