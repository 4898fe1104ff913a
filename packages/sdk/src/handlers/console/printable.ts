/**
 * What must not reach a terminal or a log file as it is: C0, DEL and C1 controls (all of `Cc`, so ESC, CSI, OSC, CR and
 * LF too), lone surrogates (`Cs`), the line separators U+2028/2029, and all bidi controls, the invisible marks among them.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029]/u;
const EACH_UNPRINTABLE = new RegExp(UNPRINTABLE, 'gu');

/**
 * The text with everything that could start a line, move the cursor, colour, reorder or end the text written out as
 * `\xNN` or `\u{…}`. The result is one line. Text without such characters, nearly all text, costs one regex test.
 */
export function printable(text: string): string {
  return UNPRINTABLE.test(text) ? text.replace(EACH_UNPRINTABLE, escaped) : text;
}

function escaped(character: string): string {
  const code = character.codePointAt(0) as number;
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}
