import { ConfigError, given } from './config-error.ts';

/**
 * Throws a {@link ConfigError} if `options` is not an object or has a key that is not allowed: a misspelt option that is
 * silently ignored is a mistake found in production.
 */
export function checkOptions(name: string, options: unknown, allowed: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigError(name, `options must be an object, not ${given(options)}`);
  }
  for (const key of Object.keys(options)) {
    if (!allowed.includes(key)) {
      throw new ConfigError(`${name}.${key}`, `is not an option; the options are ${allowed.join(', ')}`);
    }
  }
}

/** Throws a {@link ConfigError} unless `value` is undefined or a whole number within the bounds. */
export function checkNumber(name: string, value: unknown, least: number, most: number = Number.MAX_SAFE_INTEGER): void {
  if (value === undefined) return;
  if (typeof value !== 'number' || !Number.isInteger(value) || !(value >= least && value <= most)) {
    throw new ConfigError(name, `must be a whole number from ${least} to ${most}, not ${given(value)}`);
  }
}

/** Throws a {@link ConfigError} unless `value` is undefined or one of the allowed values. */
export function checkOneOf(name: string, value: unknown, allowed: readonly unknown[]): void {
  if (value === undefined || allowed.includes(value)) return;
  throw new ConfigError(name, `must be one of ${allowed.map(given).join(', ')}, not ${given(value)}`);
}

/** Throws a {@link ConfigError} unless `value` is undefined or of the type. */
export function checkType(name: string, value: unknown, type: 'string' | 'boolean' | 'function'): void {
  if (value === undefined || typeof value === type) return;
  throw new ConfigError(name, `must be a ${type}, not ${given(value)}`);
}
