import { LEVEL_NAMES, SEVERITY, type SeverityName } from '@logspan/logger/internal';
import { factory } from '../pipeline/factory.ts';
import { isRedaction } from '../pipeline/pipe.ts';
import { Failures } from '../pipeline/report.ts';
import type { LogRecord, Stage } from '../pipeline/stage.ts';
import { redact } from '../processors/redact.ts';
import { checkNumber, checkOneOf, checkOptions, checkType } from '../provider/check-options.ts';
import { ConfigError, given } from '../provider/config-error.ts';
import type { Handler } from './handler.ts';

import { byEvent } from './sentry/event.ts';
import { EventRedaction } from './sentry/event-redaction.ts';
import { SentryEnd } from './sentry/sentry-end.ts';
import type { SentryNamespace } from './sentry/sentry-sdk.ts';

export type { SentryClient, SentryNamespace, SentryScope } from './sentry/sentry-sdk.ts';

/** Options of {@link sentry}. */
export interface SentryOptions {
  /** Records of this level and above become Sentry events. Default `error`. */
  readonly level?: SeverityName;
  /** Records from this level up to `level` become breadcrumbs of the events that follow; `false`: none. Default `info`. */
  readonly breadcrumbs?: SeverityName | false;
  /**
   * How Sentry groups events. Default: by event name, and those of one name that carry an error by that error too, as
   * Sentry would; without an event name as Sentry does it. `false`: always as Sentry does it. A function that throws
   * counts as the default.
   */
  readonly fingerprint?: ((record: LogRecord) => readonly string[] | undefined) | false;
  /** Attributes that become tags, by which Sentry can search: texts, numbers and booleans. Default none. */
  readonly tags?: readonly string[];
  /**
   * What takes secrets out of what Sentry itself has collected for these events: request, breadcrumbs, local variables,
   * transaction, contexts. Default `redact()`; give it the same options as that of the pipeline. `false`: what Sentry collects is sent as it is.
   */
  readonly redact?: Stage | false;
  /** The longest a flush waits for Sentry, in milliseconds. Default: as long as the flush or the shutdown has. */
  readonly flushTimeoutMillis?: number;
  /** Only records for which this is true come here. */
  readonly when?: (record: LogRecord) => boolean;
  /** The key of this destination in `stats().handlers`. Default `sentry`. */
  readonly name?: string;
}

const SEVERITY_NAMES: readonly string[] = LEVEL_NAMES.filter((name) => name !== 'off');
const NEEDED = ['getClient', 'withScope', 'captureEvent', 'addBreadcrumb'] as const;

/**
 * Reports errors to Sentry, through the application's own Sentry: `sentry(Sentry)` is given the namespace of the SDK that
 * the application has initialised, and neither initialises nor closes it.
 *
 * An event is made of the record, as `redact` has left it, its error included: the error object itself never gets there.
 * It is marked as captured, so that no integration of Sentry reports it again, and one that is marked is not reported:
 * `already_reported`. The mark goes if the event was not sent or refused; after a minute it does not count, nor for the first
 * `fatal`. Nothing of Sentry reaches the application, and nothing that Sentry logs about an event comes back.
 *
 * A record counts as delivered when Sentry has confirmed its event, or as a breadcrumb when Sentry was given it; as
 * `no_client` before `Sentry.init()`; as `not_sent` if Sentry took it out (`beforeSend`, sample rate, rate limit) or
 * could not send it. Sentry sends asynchronously: at `process.exit()` what is under way is counted as `process_exit`.
 *
 * @throws ConfigError for what is no Sentry, for an unknown option or a value that is not allowed.
 */
export function sentry(
  sentry: SentryNamespace,
  options: SentryOptions = {},
  now: () => number = () => performance.now(),
): Handler {
  checkSentry(sentry);
  check(options);
  const {
    level = 'error',
    breadcrumbs = 'info',
    fingerprint,
    tags = [],
    flushTimeoutMillis,
    when,
    name = 'sentry',
  } = options;
  const minimum = SEVERITY[level];
  const breadcrumbMinimum = breadcrumbs === false ? Number.POSITIVE_INFINITY : SEVERITY[breadcrumbs];
  const lowest = Math.min(minimum, breadcrumbMinimum);
  return {
    name,
    when: (record) => (record.severityNumber ?? 0) >= lowest && (when === undefined || when(record)),
    start: () =>
      new SentryEnd(sentry, {
        name,
        minimum,
        breadcrumbMinimum,
        flushTimeoutMillis,
        tags,
        fingerprint: fingerprintOf(fingerprint),
        redaction: options.redact === false ? undefined : new EventRedaction(options.redact ?? redact()),
        now,
      }),
  };
}

factory(sentry);

/**
 * Takes secrets out of the events that Sentry makes itself, of exceptions that its integrations catch: they never come
 * through the pipeline. To be given to Sentry: `Sentry.init({ beforeSend: redactSentryEvent() })`. All is redacted but what
 * identifies the event, and file, function and source of its frames; what cannot be is removed. Each part with data of the
 * application is judged as attributes of a record are. `stage` should be as that of the pipeline, default `redact()`. The
 * function never throws, and does not change the event that it is given.
 *
 * @throws ConfigError for what is no `redact()`.
 */
export function redactSentryEvent(stage: Stage = redact()): <T extends object>(event: T) => T {
  checkRedaction('redactSentryEvent', stage, 'given a redact()');
  const redaction = new EventRedaction(stage);
  return (event) => redaction.all(event);
}

function fingerprintOf(option: SentryOptions['fingerprint']): typeof byEvent {
  if (option === undefined) return byEvent;
  if (option === false) return () => undefined;
  const failures = new Failures('sentry.fingerprint');
  return (record, error) => {
    try {
      return option(record)?.map(String);
    } catch (failure) {
      failures.count(failure);
      return byEvent(record, error);
    }
  };
}

function checkRedaction(option: string, stage: unknown, allowed: string): void {
  if (typeof stage === 'function' && isRedaction(stage as Stage)) return;
  throw new ConfigError(option, `must be ${allowed}, not ${given(stage)}`);
}

function checkSentry(sentry: SentryNamespace | null | undefined): void {
  if (typeof sentry !== 'object' || sentry === null) {
    throw new ConfigError(
      'sentry',
      `must be given Sentry, as in import * as Sentry from '@sentry/node', not ${given(sentry)}`,
    );
  }
  for (const name of NEEDED) {
    if (typeof sentry[name] !== 'function') {
      throw new ConfigError('sentry', `must be given Sentry of version 8 or later: what was given has no ${name}()`);
    }
  }
}

function check(options: SentryOptions): void {
  checkOptions('sentry', options, [
    'level',
    'breadcrumbs',
    'fingerprint',
    'tags',
    'redact',
    'flushTimeoutMillis',
    'when',
    'name',
  ]);
  checkOneOf('sentry.level', options.level, SEVERITY_NAMES);
  checkOneOf('sentry.breadcrumbs', options.breadcrumbs, [...SEVERITY_NAMES, false]);
  if (options.fingerprint !== false) checkType('sentry.fingerprint', options.fingerprint, 'function');
  const { tags } = options as { tags?: unknown };
  if (tags !== undefined && !(Array.isArray(tags) && tags.every((tag) => typeof tag === 'string'))) {
    throw new ConfigError('sentry.tags', `must be an array of attribute names, not ${given(tags)}`);
  }
  const { redact: stage } = options;
  if (stage !== undefined && stage !== false) checkRedaction('sentry.redact', stage, 'a redact() or false');
  checkNumber('sentry.flushTimeoutMillis', options.flushTimeoutMillis, 1, 2 ** 31 - 1);
  checkType('sentry.when', options.when, 'function');
  checkType('sentry.name', options.name, 'string');
}
