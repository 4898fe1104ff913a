import { isBlank, isDigit } from './character.ts';

const ESCAPE = 27;
const BACKSLASH = 92;
const OPEN = 91;
const SEMICOLON = 59;
const M = 109;
/** `ESC [ 38;2;255;255;255 m` */
const LONGEST = 20;
/** ESC as texts write it that were escaped: `\u001b`, `\x1b`, `\033`, `\e`. */
const WRITTEN = ['u001b', 'u001B', 'x1b', 'x1B', '033', 'e'];

const isNumber = (unit: number): boolean => isDigit(unit) || unit === SEMICOLON;
/** Space, tab and no-break space. */
const isGap = (unit: number): boolean => isBlank(unit) || unit === 0xa0;

/** Where the colour of a terminal ends that begins at `at`; `at` if none does. */
export function colourEnd(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  if (unit !== ESCAPE && unit !== BACKSLASH) return at;
  let end = at + 1;
  if (unit === BACKSLASH) {
    const written = WRITTEN.find((form) => text.startsWith(form, end));
    if (written === undefined) return at;
    end += written.length;
  }
  if (text.charCodeAt(end) !== OPEN) return at;
  end++;
  while (end - at < LONGEST && isNumber(text.charCodeAt(end))) end++;
  return text.charCodeAt(end) === M ? end + 1 : at;
}

/** Where the colour of a terminal begins that ends before `end`; `end` if none does. */
export function colourStart(text: string, end: number): number {
  if (text.charCodeAt(end - 1) !== M) return end;
  let start = end - 1;
  while (end - start < LONGEST && isNumber(text.charCodeAt(start - 1))) start--;
  if (text.charCodeAt(start - 1) !== OPEN) return end;
  start--;
  if (text.charCodeAt(start - 1) === ESCAPE) return start - 1;
  for (const { length } of WRITTEN) {
    const from = start - length - 1;
    if (text.charCodeAt(from) === BACKSLASH && colourEnd(text, from) === end) return from;
  }
  return end;
}

/** Past blanks and colours. */
export function gapEnd(text: string, from: number): number {
  let end = from;
  for (;;) {
    while (isGap(text.charCodeAt(end))) end++;
    const after = colourEnd(text, end);
    if (after === end) return end;
    end = after;
  }
}

/** The same, backwards. */
export function gapStart(text: string, from: number): number {
  let start = from;
  for (;;) {
    while (isGap(text.charCodeAt(start - 1))) start--;
    const before = colourStart(text, start);
    if (before === start) return start;
    start = before;
  }
}
