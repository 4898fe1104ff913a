/**
 * A configuration mistake, thrown at startup and only there.
 *
 * The message names the option, what was given and what is allowed. What was given is shown by type and, for short
 * primitives only, by value; a value under an option that may hold a secret is never shown.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** The option at fault, as the user wrote it: `handlers[0].endpoint`. */
  readonly option: string;

  constructor(option: string, message: string) {
    super(`${option}: ${message}`);
    this.option = option;
  }
}

/** Describes a given value for a message: its type, and the value itself when it is short and harmless. */
export function given(value: unknown): string {
  switch (typeof value) {
    case 'string':
      // A word may be shown; what looks like an address, a header or a sentence may hold a secret.
      return /^[\w.*/-]{0,40}$/.test(value) ? JSON.stringify(value) : `a string of ${value.length} characters`;
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? 'an array' : 'an object';
    default:
      return `a ${typeof value}`;
  }
}
