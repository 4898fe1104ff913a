import { ConfigError, given } from '../../provider/config-error.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** A parsed YAML document, and what to call it when it is at fault. */
export interface SigmaDocument {
  readonly at: string;
  readonly content: unknown;
}

export function fieldsOf(value: unknown, at: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new ConfigError(at, `must be a map of fields, not ${given(value)}`);
}

export function notSupported(at: string, what: string, supported: readonly string[] = []): ConfigError {
  return new ConfigError(
    at,
    `${what} is not supported${supported.length > 0 ? `; supported are ${supported.join(', ')}` : ''}`,
  );
}
