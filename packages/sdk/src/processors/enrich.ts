import { PlainCopy } from '@logspan/logger/internal';
import type { Context } from '@opentelemetry/api';
import { factory } from '../pipeline/factory.ts';
import { watch } from '../pipeline/report.ts';
import { forwardTo, type LogRecord, type Stage, stage } from '../pipeline/stage.ts';
import { checkOptions, checkType } from '../provider/check-options.ts';
import { ConfigError, given } from '../provider/config-error.ts';

/** Attributes to add, or a function that makes them for a record. */
export type Enrichment =
  | Readonly<Record<string, unknown>>
  | ((context: Context | undefined, record: LogRecord) => Readonly<Record<string, unknown>> | undefined);

/** Options of {@link enrich}. */
export interface EnrichOptions {
  /** True to win over attributes that the record has. Default false. */
  readonly overwrite?: boolean;
}

/**
 * Adds attributes to every record: the same ones, `enrich({ region: 'eu' })`, or those a function makes of the context.
 * An attribute that the record has stays as it is unless told otherwise. A function that throws adds nothing. What is
 * the same for the whole process (host, pid, version) belongs on the Resource, where it costs nothing per record.
 */
export function enrich(enrichment: Enrichment, options: EnrichOptions = {}): Stage {
  checkOptions('enrich', options, ['overwrite']);
  checkType('enrich.overwrite', options.overwrite, 'boolean');
  const overwrite = options.overwrite ?? false;
  if (typeof enrichment === 'function') return enrichWith(enrichment, overwrite);
  if (typeof enrichment !== 'object' || enrichment === null) {
    throw new ConfigError('enrich', `must be given attributes or a function, not ${given(enrichment)}`);
  }
  // Made plain once, so that a record only gets them assigned.
  const copy = new PlainCopy();
  const plain = Object.fromEntries(Object.entries(enrichment).map(([key, value]) => [key, copy.of(value)]));
  return enrichWith(() => plain, overwrite);
}

factory(enrich);

function enrichWith(make: Extract<Enrichment, (...args: never[]) => unknown>, overwrite: boolean): Stage {
  return stage('enrich', 'enrich', (next) =>
    forwardTo(next, {
      onEmit(record, context) {
        try {
          const attributes = make(context, record);
          watch(attributes, 'an async enrichment');
          for (const key in attributes) {
            if (overwrite || record.attributes[key] === undefined) record.setAttribute(key, attributes[key]);
          }
        } catch {
          // What cannot be added must not take the record along.
        }
        next.onEmit(record, context);
      },
    }),
  );
}
