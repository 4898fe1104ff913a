import { type Level, type LogRecord, levelOf } from './log-record.ts';
import { clip, escapeText, type Piece, paint, type Style, widthOf } from './terminal-text.ts';
import { valueText, wordText } from './value-text.ts';

export interface LineOptions {
  /** The terminal's width; longer lines are cut. Default: no cut. */
  readonly columns?: number | undefined;
  /** ANSI colours. Default false; `useColors(stream)` knows. */
  readonly colors?: boolean;
  /** Default 'local'. */
  readonly timeZone?: 'local' | 'utc';
}

const MAX_STACK_LINES = 30;

/** Characters after which a record's further attributes are left out, also where no terminal cuts the line. */
const MAX_ATTRIBUTES_LENGTH = 16_384;

/** Starts each line of an exception, and nothing else does: a stack cannot pass for a record. */
const STACK_PREFIX = '    │ ';

const LEVEL_STYLES: Readonly<Record<Level, Style>> = {
  unspecified: 'dim',
  trace: 'dim',
  debug: 'blue',
  info: 'green',
  warn: 'yellow',
  error: 'red',
  fatal: 'redBold',
};

const EXCEPTION_KEYS: ReadonlySet<string> = new Set(['exception.type', 'exception.message', 'exception.stacktrace']);

/**
 * A log record for the eye: one line (time, level, service, event or message, attributes, short trace id) and, when it
 * carries an exception, one indented line for each line of its stack, at most 30.
 *
 * No field of a record can add a line, move the cursor or change colours: see terminal-text.ts. Without a final newline.
 */
export function formatRecord(record: LogRecord, options: LineOptions = {}): string {
  const { columns = Infinity, colors = false } = options;
  const level = levelOf(record.severityNumber);
  const name = level === 'unspecified' ? '-' : level.toUpperCase();
  const start: Piece[] = [
    { text: timeText(record, options.timeZone === 'utc'), style: 'dim' },
    { text: ` ${name.padEnd(5)}`, style: LEVEL_STYLES[level] },
    { text: ` ${wordText(record.service)}`, style: 'cyan' },
    ...messagePieces(record),
    ...attributePieces(record),
  ];
  const end: Piece[] = record.traceId === '' ? [] : [{ text: ` trace=${record.traceId.slice(0, 8)}`, style: 'dim' }];
  // The trace id stays when the rest is cut, unless the terminal is too narrow for both.
  const room = columns - widthOf(end);
  const line =
    room < 40 ? paint([...start, ...end], columns, colors) : paint(start, room, colors) + paint(end, Infinity, colors);
  const stack = exceptionLines(record).map((text) =>
    paint([{ text: STACK_PREFIX + text, style: 'dim' }], columns, colors),
  );
  return [line, ...stack].join('\n');
}

function messagePieces({ eventName, body }: LogRecord): Piece[] {
  const pieces: Piece[] = [];
  if (eventName !== '') pieces.push({ text: ` ${wordText(eventName)}`, style: 'bold' });
  if (body === null || body === eventName) return pieces;
  // A message is shown as written, an object as an attribute would be.
  return [...pieces, { text: ` ${typeof body === 'string' ? escapeText(clip(body, 8192)) : valueText(body)}` }];
}

function attributePieces({ attributes, droppedAttributesCount: dropped }: LogRecord): Piece[] {
  const pieces: Piece[] = [];
  let left = MAX_ATTRIBUTES_LENGTH;
  for (const [key, value] of Object.entries(attributes)) {
    if (EXCEPTION_KEYS.has(key)) continue;
    if (left <= 0) {
      pieces.push({ text: ' …', style: 'dim' });
      break;
    }
    const [name, text] = [` ${wordText(key)}=`, valueText(value)];
    pieces.push({ text: name, style: 'dim' }, { text });
    left -= name.length + text.length;
  }
  return dropped === 0 ? pieces : [...pieces, { text: ` (${dropped} attributes dropped)`, style: 'dim' }];
}

function exceptionLines({ attributes }: LogRecord): string[] {
  const [type, message, stack] = [...EXCEPTION_KEYS].map((key) => {
    const value = attributes[key];
    return typeof value === 'string' ? value : '';
  }) as [string, string, string];
  const title = [type, message].filter((part) => part !== '').join(': ');
  const text =
    stack.includes(message) && stack !== '' ? stack : [title, stack].filter((part) => part !== '').join('\n');
  if (text === '') return [];
  const lines = clip(text, 65_536).split(/\r\n|\n|\r/);
  const shown = lines.slice(0, MAX_STACK_LINES).map(escapeText);
  return lines.length > shown.length ? [...shown, `… ${lines.length - shown.length} more lines`] : shown;
}

function timeText(record: LogRecord, utc: boolean): string {
  const nanos = record.timeUnixNano || record.observedTimeUnixNano;
  const date = new Date(Number(nanos / 1_000_000n));
  if (nanos === 0n || Number.isNaN(date.getTime())) return '--:--:--.---';
  const [hours, minutes, seconds] = utc
    ? [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()]
    : [date.getHours(), date.getMinutes(), date.getSeconds()];
  const two = (number: number): string => String(number).padStart(2, '0');
  return `${two(hours)}:${two(minutes)}:${two(seconds)}.${String(date.getUTCMilliseconds()).padStart(3, '0')}`;
}

/** Whether a stream wants colours: a terminal that is not dumb, unless NO_COLOR is set (no-color.org). */
export function useColors(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>> = process.env,
): boolean {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
}
