/**
 * An error as plain data: only these fields, each bounded, because an error object of an HTTP client carries headers and
 * bodies. Whoever wants more of it names it as an attribute: `{ error, url: error.config.url }`.
 */
export interface ErrorDescription {
  readonly [key: string]: unknown;
  readonly type: string;
  readonly message: string;
  readonly stacktrace?: string;
  readonly code?: string;
  /** Of a system error: `-2`, `connect`. */
  readonly errno?: number | string;
  readonly syscall?: string;
  /** `status` or `statusCode` of an HTTP error. */
  readonly status?: number | string;
  readonly cause?: ErrorDescription | string;
  readonly errors?: readonly (ErrorDescription | string)[];
}

/** How far the graph of causes and aggregated errors is followed. */
const LONGEST_CHAIN = 5;
const MOST_ERRORS = 10;
/** Errors described in one graph: a bound on the work, since the graph can branch at every level. */
const MOST_DESCRIBED = 20;
const LONGEST_MESSAGE = 8_192;
const LONGEST_STACK = 16_384;
const LONGEST_FIELD = 256;
/** Messages and stacks of one record, in characters: twenty errors with long ones would be a record of a megabyte. */
const MOST_TEXT = 65_536;

/** How many characters of messages and stacks the errors of one record may still have. */
export interface ErrorTexts {
  left: number;
}

/** For one record. */
export function errorTexts(): ErrorTexts {
  return { left: MOST_TEXT };
}

/** For one graph. */
interface Budget {
  errors: number;
  readonly texts: ErrorTexts;
}

/** True for errors of this and other realms. Never throws. */
export function isError(value: unknown): value is Error {
  try {
    if (value instanceof Error) return true;
    if (typeof value !== 'object' || value === null) return false;
    const tag = Object.prototype.toString.call(value);
    return tag === '[object Error]' || tag === '[object DOMException]';
  } catch {
    return false;
  }
}

/**
 * The attributes of an exception by the OTel semantic conventions: `exception.type` (the class name),
 * `exception.message`, `exception.stacktrace` (with the stacks of its causes), and `error.type`: the error's `code` if
 * it has one, else its class. Causes and the errors of an AggregateError are kept as data under
 * `logspan.exception.cause` and `logspan.exception.errors`, at most 5 deep, 10
 * wide and 20 in all, with 65 536 characters of messages and stacks, which is what all errors of a record share; `errno`,
 * `syscall` and the `status` of an HTTP error under `logspan.exception.*`. Nothing else that hangs on the error. What was
 * thrown without being an Error but has a `message` is treated alike. Never throws.
 */
export function exceptionAttributes(exception: unknown, texts: ErrorTexts = errorTexts()): Record<string, unknown> {
  if (!isError(exception) && !isLikeError(exception)) {
    return typeof exception === 'object' && exception !== null
      ? { 'exception.type': 'object', 'exception.message': '[object thrown]', 'logspan.exception.value': exception }
      : { 'exception.type': typeof exception, 'exception.message': cut(text(exception), LONGEST_MESSAGE) };
  }
  const description = describeError(exception, texts);
  const attributes: Record<string, unknown> = {
    'exception.type': description.type,
    'exception.message': description.message,
    'error.type': description.code ?? description.type,
  };
  for (const field of ['errno', 'syscall', 'status'] as const) {
    if (description[field] !== undefined) attributes[`logspan.exception.${field}`] = description[field];
  }
  const stack = fullStack(description);
  if (stack !== '') attributes['exception.stacktrace'] = stack;
  if (description.cause !== undefined) attributes['logspan.exception.cause'] = withoutStack(description.cause);
  if (description.errors !== undefined) attributes['logspan.exception.errors'] = description.errors.map(withoutStack);
  return attributes;
}

/** The allow-listed, bounded description of an error and of the errors behind it. Never throws. */
export function describeError(error: Error, texts: ErrorTexts = errorTexts()): ErrorDescription {
  return describe(error, [], { errors: MOST_DESCRIBED, texts });
}

function describe(error: Error, seen: readonly Error[], budget: Budget): ErrorDescription {
  budget.errors--;
  const name = property(error, 'name');
  const constructorName = property(property(error, 'constructor'), 'name');
  const code = property(error, 'code');
  const stack = property(error, 'stack');
  const description: Record<string, unknown> & { type: string; message: string } = {
    // A class that does not set `name` inherits "Error": the constructor's name then says more.
    type: cut(
      text(name !== 'Error' && typeof name === 'string' && name !== '' ? name : constructorName) || 'Error',
      LONGEST_FIELD,
    ),
    message: take(text(property(error, 'message')), LONGEST_MESSAGE, budget),
  };
  if (typeof stack === 'string' && stack !== '') description.stacktrace = take(stack, LONGEST_STACK, budget);
  if (typeof code === 'string' || typeof code === 'number') description.code = cut(String(code), LONGEST_FIELD);
  const errno = property(error, 'errno');
  if (isShort(errno)) description.errno = errno;
  const syscall = property(error, 'syscall');
  if (typeof syscall === 'string') description.syscall = cut(syscall, LONGEST_FIELD);
  const status = property(error, 'status') ?? property(error, 'statusCode');
  if (isShort(status)) description.status = status;
  const path = [...seen, error];
  if (path.length < LONGEST_CHAIN) {
    const cause = property(error, 'cause');
    if (cause !== undefined && cause !== null) description.cause = describeAny(cause, path, budget);
    const errors = firstErrors(property(error, 'errors'));
    if (errors.length > 0) description.errors = errors.map((inner) => describeAny(inner, path, budget));
  }
  return description;
}

/** What a library throws that has its own idea of errors, or an error that was serialised. */
function isLikeError(value: unknown): value is Error {
  return typeof value === 'object' && value !== null && typeof property(value, 'message') === 'string';
}

function isShort(value: unknown): value is number | string {
  return typeof value === 'number' || (typeof value === 'string' && value.length <= LONGEST_FIELD);
}

function firstErrors(errors: unknown): unknown[] {
  try {
    return Array.isArray(errors)
      ? Array.from({ length: Math.min(errors.length, MOST_ERRORS) }, (_, i) => errors[i])
      : [];
  } catch {
    return [];
  }
}

function describeAny(value: unknown, path: readonly Error[], budget: Budget): ErrorDescription | string {
  if (!isError(value)) return typeof value === 'object' ? '[object]' : take(text(value), LONGEST_MESSAGE, budget);
  if (path.includes(value)) return '[Circular]';
  return budget.errors > 0 && budget.texts.left > 0 ? describe(value, path, budget) : '[Truncated]';
}

function fullStack(description: ErrorDescription): string {
  let stack = description.stacktrace ?? '';
  let cause = description.cause;
  while (typeof cause === 'object' && stack.length < LONGEST_STACK) {
    stack += `\nCaused by: ${cause.stacktrace ?? `${cause.type}: ${cause.message}`}`;
    cause = cause.cause;
  }
  return cut(stack, LONGEST_STACK);
}

function withoutStack(error: ErrorDescription | string): unknown {
  if (typeof error === 'string') return error;
  const { stacktrace: _, cause, errors, ...rest } = error;
  return {
    ...rest,
    ...(cause === undefined ? {} : { cause: withoutStack(cause) }),
    ...(errors === undefined ? {} : { errors: errors.map(withoutStack) }),
  };
}

function property(of: unknown, key: string): unknown {
  try {
    return (of as Record<string, unknown> | undefined)?.[key];
  } catch {
    return undefined;
  }
}

/** Primitive values as text. Objects are none: turning them into it runs foreign code, for as long as it likes. */
function text(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || typeof value === 'function' || (typeof value === 'object' && value !== null)
    ? ''
    : String(value);
}

/** The message of an error, bounded. Never throws. */
export function errorMessage(error: Error): string {
  return cut(text(property(error, 'message')), LONGEST_MESSAGE);
}

/** As much of a text as there may be. */
function take(value: string, longest: number, { texts }: Budget): string {
  const taken = cut(value, Math.min(longest, texts.left));
  texts.left = Math.max(0, texts.left - taken.length);
  return taken;
}

function cut(value: string, longest: number): string {
  if (value.length <= longest) return value;
  const last = value.charCodeAt(longest - 1);
  return `${value.slice(0, last >= 0xd800 && last <= 0xdbff ? longest - 1 : longest)}…`;
}
