import type { Value } from './any-value.ts';
import { clip, escapeText } from './terminal-text.ts';

/** How much of one value is shown, in characters; of a nested one, all parts together. */
const MAX_LENGTH = 4096;
const MAX_DEPTH = 8;

/** Text that needs no quotes: it cannot be taken for a number, a literal, or the next attribute. */
const BARE = /^(?!(?:true|false|null)$)[A-Za-z_/.][\w.:/@+-]*$/;

/** An attribute's value as safe, bounded text on one line: `ada`, `"two words"`, `42`, `{id: 7, tags: [a, b]}`. */
export function valueText(value: Value): string {
  const budget = { left: MAX_LENGTH };
  return render(value, budget, 0);
}

/** A key or a name: quoted only when it would not be recognised as one word. */
export function wordText(word: string): string {
  const clipped = clip(word, 256);
  return /^[^\s"=\p{C}]+$/u.test(clipped) ? clipped : quote(clipped);
}

function render(value: Value, budget: { left: number }, depth: number): string {
  if (budget.left <= 0) return '…';
  if (typeof value === 'string')
    return spend(BARE.test(value) ? clip(value, budget.left) : quote(clip(value, budget.left)), budget);
  if (typeof value !== 'object' || value === null) return spend(String(value), budget);
  if (value instanceof Uint8Array) return spend(`<${value.length} bytes>`, budget);
  const isList = Array.isArray(value);
  if (depth === MAX_DEPTH) return isList ? '[…]' : '{…}';
  const parts: string[] = [];
  for (const [key, item] of Object.entries(value)) {
    if (budget.left <= 0) {
      parts.push('…');
      break;
    }
    parts.push(
      isList ? render(item, budget, depth + 1) : `${spend(wordText(key), budget)}: ${render(item, budget, depth + 1)}`,
    );
  }
  return isList ? `[${parts.join(', ')}]` : `{${parts.join(', ')}}`;
}

function spend(text: string, budget: { left: number }): string {
  budget.left -= text.length + 2;
  return text;
}

function quote(text: string): string {
  return `"${escapeText(text.replace(/["\\]/g, '\\$&'))}"`;
}
