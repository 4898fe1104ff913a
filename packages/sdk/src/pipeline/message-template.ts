import type { LogRecord } from './stage.ts';

/** The attribute that keeps the template of a rendered body, so that back ends can group by it. OTel has no name for it. */
export const MESSAGE_TEMPLATE = 'logspan.message.template';

/** Longer text is no template. */
const LONGEST_TEMPLATE = 8_192;
/** Characters of one value in the text, and of the whole text. */
const LONGEST_VALUE = 1_024;
const LONGEST_TEXT = 32_768;
/** Characters between the braces of a hole. */
const LONGEST_NAME = 128;
const hasOwn = Object.prototype.hasOwnProperty;

/**
 * Renders a body that is a template, `user {username} logged in`, from the attributes, and keeps the template as
 * {@link MESSAGE_TEMPLATE}. A body of which no hole can be filled is no template, and stays as it is: JSON in a message
 * comes through untouched. So does one whose template cannot be kept, because the record is full or cuts long values.
 */
export function renderMessage(record: LogRecord): void {
  const template: unknown = record.body;
  if (typeof template !== 'string' || !template.includes('{')) return;
  const { attributes } = record;
  const text = fill(template, attributes);
  if (text === undefined || isRendered(record)) return;
  record.setAttribute(MESSAGE_TEMPLATE, template);
  // Otherwise nobody could render it again after another redaction.
  if (record.attributes[MESSAGE_TEMPLATE] === template) record.body = text;
}

/**
 * Renders the body of a record again, from the template that it keeps: for whoever takes values out of a record whose body
 * shows them already, as a `redact` on a route does. Only if {@link isRendered} was true before that.
 */
export function renderAgain(record: LogRecord): void {
  const template = record.attributes[MESSAGE_TEMPLATE];
  record.body =
    typeof template === 'string'
      ? (fill(template, record.attributes) ?? template)
      : (record.eventName ?? '[withheld: its template was redacted]');
}

/** True if the body is what its template renders to. That an attribute is there is not enough: anyone can set it. */
export function isRendered({ attributes, body }: LogRecord): boolean {
  const template = attributes[MESSAGE_TEMPLATE];
  return typeof template === 'string' && template !== body && fill(template, attributes) === body;
}

/**
 * The text of a template, or undefined if none of its holes can be filled. A hole without a value stays as it is. By
 * hand, in one pass: a regular expression with a function costs three times as much.
 */
function fill(template: string, attributes: Readonly<Record<string, unknown>>): string | undefined {
  if (template.length > LONGEST_TEMPLATE) return undefined;
  let text = '';
  let filled = false;
  let room = LONGEST_TEXT - template.length;
  let from = 0;
  let close = -1;
  for (let open = template.indexOf('{'); open >= 0; open = template.indexOf('{', from)) {
    text += literal(template.slice(from, open));
    from = open + 1;
    if (close < from) close = template.indexOf('}', from);
    // No hole is left.
    if (close < 0) close = template.length;
    const name = close - from > LONGEST_NAME ? '{' : template.slice(from, close);
    if (name === '' || name.includes('{')) {
      text += '{';
      if (template[from] === '{') from++;
      continue;
    }
    const value = close === template.length || name === MESSAGE_TEMPLATE ? undefined : valueAt(name, attributes);
    if (value === undefined) {
      text += template.slice(open, close + 1);
    } else {
      filled = true;
      const shown = shortText(value, Math.min(LONGEST_VALUE, room));
      room = Math.max(0, room - shown.length);
      text += shown;
    }
    from = close + 1;
  }
  return filled ? text + literal(template.slice(from)) : undefined;
}

/** What stands between the holes. */
function literal(text: string): string {
  return text.includes('}}') ? text.replaceAll('}}', '}') : text;
}

/** The attribute of that name, or what a dotted name reaches inside of one: `{user.name}`. Own properties only. */
function valueAt(name: string, attributes: Readonly<Record<string, unknown>>): unknown {
  if (hasOwn.call(attributes, name)) return attributes[name];
  let value: unknown = attributes;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !hasOwn.call(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

/** A value as short text: strings as they are, objects and lists like JSON, byte arrays by their length. */
function shortText(value: unknown, most: number): string {
  return typeof value === 'string' ? cut(value, most) : cut(like(value, most), most);
}

/** Writes no more than is shown, whatever the size of the value; each level of nesting costs a character at least. */
function like(value: unknown, most: number): string {
  if (typeof value === 'string') return JSON.stringify(cut(value, most));
  if (typeof value !== 'object' || value === null) return String(value);
  if (ArrayBuffer.isView(value)) return `<${value.byteLength} bytes>`;
  const isList = Array.isArray(value);
  let text = isList ? '[' : '{';
  const first = text.length;
  for (const key in value) {
    if (!hasOwn.call(value, key)) continue;
    if (text.length > most) break;
    if (text.length > first) text += ',';
    if (!isList) text += `${JSON.stringify(cut(key, most))}:`;
    text += like((value as Record<string, unknown>)[key], most - text.length);
  }
  return text + (isList ? ']' : '}');
}

function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = Math.max(0, most - 1);
  // Not between the two halves of one character.
  const half = end > 0 && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800;
  return `${text.slice(0, half ? end - 1 : end)}…`;
}
