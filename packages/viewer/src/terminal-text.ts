/*
 * Text from the network on its way to a terminal. What could move the cursor, start a line, or change the order or
 * the visibility of what is read is shown as an escape: controls (C0, DEL, C1), format characters (bidi controls, zero
 * width, tags), line and paragraph separators, lone surrogates. U+2065 is kept free
 * for one more of them and shows as nothing already. Joiners stay, scripts and emoji need them.
 */
const UNSAFE = /(?!\u200c|\u200d)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u2065]/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** The text as one line that a terminal only prints: `\n`, `\x1b`, `\u202e`, `\u{e0041}` in place of the unsafe. */
export function escapeText(text: string): string {
  return text.replace(UNSAFE, (char) => SHORT[char] ?? escapeCode(char.codePointAt(0) ?? 0));
}

function escapeCode(code: number): string {
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\u{${hex}}`;
}

/** At most `length` UTF-16 units of a text, not cut inside a character; `…` tells that there was more. */
export function clip(text: string, length: number): string {
  if (text.length <= length) return text;
  const splits = /[\ud800-\udbff]/.test(text.charAt(length - 1));
  return `${text.slice(0, splits ? length - 1 : length)}…`;
}

/** A piece of a line and the colour it is printed in. */
export interface Piece {
  readonly text: string;
  readonly style?: Style;
}

export type Style = keyof typeof STYLES;

const STYLES = {
  dim: [2, 22],
  bold: [1, 22],
  red: [31, 39],
  redBold: ['1;31', '22;39'],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  cyan: [36, 39],
} as const;

/** One line from escaped pieces, cut to `columns` (with `…`). `colors` adds ANSI styles, which take no columns. */
export function paint(pieces: readonly Piece[], columns: number, colors: boolean): string {
  return fit(pieces, columns)
    .map(({ text, style }) => {
      if (!colors || style === undefined || text === '') return text;
      const [on, off] = STYLES[style];
      return `\x1b[${on}m${text}\x1b[${off}m`;
    })
    .join('');
}

function fit(pieces: readonly Piece[], columns: number): readonly Piece[] {
  if (columns === Infinity || widthOf(pieces) <= columns) return pieces;
  const kept: Piece[] = [];
  let left = columns - 1;
  for (const piece of pieces) {
    const width = textWidth(piece.text);
    if (width > left) {
      kept.push({ ...piece, text: `${prefix(piece.text, left)}…` });
      break;
    }
    kept.push(piece);
    left -= width;
  }
  return kept;
}

export function widthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((width, { text }) => width + textWidth(text), 0);
}

function prefix(text: string, columns: number): string {
  let width = 0;
  let end = 0;
  for (const char of text) {
    width += charWidth(char);
    if (width > columns) break;
    end += char.length;
  }
  return text.slice(0, end);
}

/** Columns that a text takes. Emoji sequences are counted by their parts: too wide is safe, too narrow would wrap. */
export function textWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}

const ZERO_WIDTH = /[\p{Mn}\p{Me}\u200c\u200d]/u;
const WIDE =
  /[\p{Extended_Pictographic}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Regional_Indicator}\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]/u;

function charWidth(char: string): 0 | 1 | 2 {
  if (char < '\u0300') return 1;
  return ZERO_WIDTH.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
}
