import { severityText } from '@logspan/logger/internal';
import { isSpanContextValid } from '@opentelemetry/api';
import type { LogRecord } from '../../pipeline/stage.ts';
import { exceptionLines, isShownAsException } from './pretty-exception.ts';
import { prettyKey, prettyValue } from './pretty-value.ts';
import { printable } from './printable.ts';
import { cells, type Paint, WrappedText } from './wrapped-text.ts';

export interface PrettyFormatOptions {
  /** Whether to colour with ANSI codes (SGR). */
  readonly colors: boolean;
  /** The width to wrap at, asked for each record, as a window may be resized. Undefined: lines are never wrapped. */
  readonly columns?: () => number | undefined;
}

/** The scope names are aligned up to this many cells; a longer one moves only its own line. */
const WIDEST_SCOPE = 20;

/**
 * Makes a formatter for people: `time level scope event attributes trace`, in columns, then an exception line by line.
 * No line end at the end.
 *
 * Whatever the record contains, it starts one line: every further line begins with `    | `, and control, bidi and line
 * separator characters and lone surrogates are written as `\xNN` or `\u{…}`. The only control characters are our line
 * ends and, with `colors`, our colour codes. Nothing is cut but long bytes. Throws for a value that is deeper than 64 or
 * cyclic.
 */
export function prettyFormat({ colors, columns }: PrettyFormatOptions): (record: LogRecord) => string {
  const paint = colors ? color : () => asIs;
  const dim = paint('2');
  const bold = paint('1');
  let scopeWidth = 0;

  return (record) => {
    const { attributes, eventName, body, spanContext } = record;
    const number = record.severityNumber ?? 0;
    const level = printable((record.severityText || severityText(number)).toUpperCase());
    const scope = printable(record.instrumentationScope.name);
    const width = cells(scope);
    scopeWidth = Math.max(scopeWidth, Math.min(width, WIDEST_SCOPE));

    const out = new WrappedText(columns?.());
    out.put(localTime(record.hrTime), dim).put(' ');
    out.put(level, paint(levelColor(number))).put(' '.repeat(Math.max(0, 5 - level.length)));
    if (scopeWidth > 0)
      out
        .put(' ')
        .put(scope, dim)
        .put(' '.repeat(Math.max(0, scopeWidth - width)));

    const title = eventName ? printable(eventName) : text(body);
    if (title !== '') out.put(' ').put(title, bold);
    if (eventName && body !== eventName && text(body) !== '') out.put(' ').put(text(body));

    for (const key of Object.keys(attributes)) {
      if (isShownAsException(key, attributes) || attributes[key] === undefined) continue;
      const name = `${prettyKey(key)}=`;
      const value = prettyValue(attributes[key]);
      out
        .word(name + value)
        .put(name, dim)
        .put(value);
    }
    if (spanContext !== undefined && isSpanContextValid(spanContext)) {
      const trace = `trace=${spanContext.traceId.slice(0, 8)}`;
      out.word(trace).put(trace, dim);
    }
    for (const line of exceptionLines(attributes)) out.line().put(printable(line));
    return out.toString();
  };
}

/** A message as it is; a structured body like an attribute. */
function text(body: unknown): string {
  if (body === undefined || body === null) return '';
  return typeof body === 'string' ? printable(body) : prettyValue(body);
}

function localTime([seconds, nanos]: LogRecord['hrTime']): string {
  const time = new Date(seconds * 1000 + Math.floor(nanos / 1e6));
  const two = (value: number) => String(value).padStart(2, '0');
  const millis = String(time.getMilliseconds()).padStart(3, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${millis}`;
}

/** Grey, cyan, green, yellow, red, and bold red for fatal; none without a severity. */
function levelColor(severityNumber: number): string {
  return ['90', '36', '32', '33', '31', '1;31'][(severityNumber - 1) >> 2] ?? '';
}

function color(code: string): Paint {
  return (text) => (code === '' || text === '' ? text : `\x1b[${code}m${text}\x1b[0m`);
}

function asIs(text: string): string {
  return text;
}
