type Attributes = Readonly<Record<string, unknown>>;

/** How a stack trace begins the part of its next cause. */
const CAUSED_BY = '\nCaused by: ';

/**
 * The error of a record, made again from its attributes: so from what `redact` has left of type, message, stack, causes
 * and aggregated errors, and of nothing else. Sentry reads causes from an error, and the application's `beforeSend` is
 * given one: the original would show them what was redacted. Undefined if the record tells of no exception.
 */
export function redactedError(attributes: Attributes): Error | undefined {
  const type = attributes['exception.type'];
  const message = attributes['exception.message'];
  if (typeof type !== 'string' && typeof message !== 'string') return undefined;
  const stack = attributes['exception.stacktrace'];
  return made(
    {
      type,
      message,
      cause: attributes['logspan.exception.cause'],
      errors: attributes['logspan.exception.errors'],
    },
    // A message can hold the words that divide the stack: then frames are shown with the wrong one of the errors.
    typeof stack === 'string' ? stack.split(CAUSED_BY) : [],
  );
}

function made({ type, message, cause, errors }: Attributes, stacks: readonly string[]): Error {
  const error = new Error(textOr(message, ''));
  // The stack of this place says nothing, and what is enumerable would be taken for data.
  define(error, 'name', textOr(type, 'Error'));
  define(error, 'stack', stacks[0] ?? '');
  if (isDescription(cause)) define(error, 'cause', made(cause, stacks.slice(1)));
  else if (typeof cause === 'string') define(error, 'cause', made({ message: cause }, []));
  if (Array.isArray(errors)) {
    const inner = errors.map((each) => made(isDescription(each) ? each : { message: each }, []));
    define(error, 'errors', inner);
  }
  return error;
}

function isDescription(value: unknown): value is Attributes {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function define(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, writable: true, configurable: true, enumerable: false });
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}
