const CAUSED_BY = 'Caused by: ';
const CAUSE = 'logspan.exception.cause';
const ERRORS = 'logspan.exception.errors';
const OWN_LINES: ReadonlySet<string> = new Set([
  'exception.type',
  'exception.message',
  'exception.stacktrace',
  CAUSE,
  ERRORS,
]);

/** A chain that is longer is not indented further: a logged text may contain any number of `Caused by`. */
const DEEPEST_INDENT = 10;

type Attributes = Readonly<Record<string, unknown>>;

/** True for an attribute that {@link exceptionLines} shows, or that says the exception's type once more. */
export function isShownAsException(key: string, attributes: Attributes): boolean {
  return OWN_LINES.has(key) || (key === 'error.type' && attributes[key] === attributes['exception.type']);
}

/**
 * The exception of a record as lines: type and message, the stack, the errors of an AggregateError as a list, and the
 * cause, indented below what it caused. Empty if there is none. The lines are as they were logged, not escaped yet.
 */
export function exceptionLines(attributes: Attributes): string[] {
  const type = text(attributes['exception.type']);
  const message = text(attributes['exception.message']);
  const stack = text(attributes['exception.stacktrace']);
  const head = headline(type, message);
  const trace = [head, framesOf(stack, message || type)].filter((part) => part !== '').join('\n');
  const lines: string[] = [];
  const related = { cause: attributes[CAUSE], errors: attributes[ERRORS] };
  if (trace !== '') addError(lines, '', related, trace.split(`\n${CAUSED_BY}`), 0);
  return lines;
}

/** Adds an error, its inner errors and its causes. `traces` are the stacks of the error and of its causes, if known. */
function addError(lines: string[], mark: string, error: unknown, traces: readonly string[], depth: number): void {
  const known: Attributes = typeof error === 'object' && error !== null ? (error as Attributes) : { message: error };
  const [trace = headline(text(known.type), text(known.message)), ...causeTraces] = traces;
  const indent = '  '.repeat(Math.min(depth, DEEPEST_INDENT));
  for (const line of (mark + trace).split(/\r?\n/)) lines.push(indent + line);
  if (Array.isArray(known.errors)) {
    for (const inner of known.errors) addError(lines, '- ', inner, [], depth + 1);
  }
  if (causeTraces.length > 0 || (known.cause ?? undefined) !== undefined) {
    addError(lines, CAUSED_BY, known.cause, causeTraces, depth + 1);
  }
}

/** The stack without its own headline: the class is named better by `exception.type`. */
function framesOf(stack: string, headEnd: string): string {
  const at = stack.indexOf(headEnd);
  const firstFrame = stack.search(/\n +at /);
  const frames = at < 0 || (firstFrame >= 0 && at > firstFrame) ? stack : stack.slice(at + headEnd.length);
  return frames.replace(/^\r?\n/, '');
}

function headline(type: string, message: string): string {
  return type !== '' && message !== '' ? `${type}: ${message}` : type + message;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
