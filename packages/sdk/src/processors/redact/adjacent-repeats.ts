import { quantifierAt } from './quantifier.ts';

/** A repeat of so many and more is taken for one without an end. */
const MANY = 100;
/** So many in a row are too many: with the place where it begins, the work is that of the fourth power of the length. */
const MOST_IN_A_ROW = 3;

/** Sets are compared by these characters: all of Latin 1, and a few of others. */
const SAMPLE: readonly string[] = [
  ...Array.from({ length: 256 }, (_, unit) => String.fromCharCode(unit)),
  ...'ıſжאあ中\u2028',
];

const ESCAPE = /\\(?:u\{[^}]*\}|u[\da-f]{4}|x[\da-f]{2}|c[a-z]|p\{[^}]*\}|k<[^>]*>|[1-9]\d*|[\s\S])/iy;
const SET = /\[(?:\\.|[^\]\\])*\]/y;
const GROUP = /\((?:\?(?:<?[=!]|<[^>]*>|[^:]*:))?/y;

/** For each character of the sample, how many open repeats in a row can match it, and all between them. */
type Row = readonly number[];
const NONE: Row = SAMPLE.map(() => 0);

/** True if a pattern has open repeats in a row that can match the same characters: `\w*\w*\w*x`, `.*=.*=.*=`. */
export function repeatsInARow({ source, flags }: RegExp): boolean {
  const groups: { readonly before: Row; readonly characters: Set<string> }[] = [];
  let row = NONE;
  for (let i = 0; i < source.length; ) {
    const part = partAt(source, i);
    i += part.length;
    if (part[0] === '(') {
      groups.push({ before: row, characters: new Set() });
      continue;
    }
    if (part === '|') {
      row = groups.at(-1)?.before ?? NONE;
      continue;
    }
    if (part === '^' || part === '$' || part === '\\b' || part === '\\B') continue;
    const quantifier = quantifierAt(source, i);
    i += quantifier?.length ?? 0;
    const group = part === ')' ? groups.pop() : undefined;
    const characters = group?.characters ?? charactersOf(part, flags);
    for (const character of characters) groups.at(-1)?.characters.add(character);
    // What is in a group that is not repeated has been seen, and what may be missing divides nothing.
    if (group !== undefined && quantifier === undefined) continue;
    row = group?.before ?? row;
    const isOpen = (quantifier?.most ?? 1) >= MANY;
    if (!isOpen && quantifier?.least === 0) continue;
    row = row.map((repeats, k) => (characters.has(SAMPLE[k] as string) ? repeats + (isOpen ? 1 : 0) : 0));
    if (Math.max(...row) >= MOST_IN_A_ROW) return true;
  }
  return false;
}

function partAt(source: string, at: number): string {
  const character = source[at] as string;
  const shape = character === '\\' ? ESCAPE : character === '[' ? SET : character === '(' ? GROUP : undefined;
  if (shape === undefined) return character;
  shape.lastIndex = at;
  return shape.exec(source)?.[0] ?? character;
}

/** What matches one character, of the sample; all of it for what cannot be told alone. */
function charactersOf(part: string, flags: string): ReadonlySet<string> {
  try {
    const one = new RegExp(`^(?:${part})$`, flags.replace(/[gmy]/g, ''));
    return new Set(SAMPLE.filter((character) => one.test(character)));
  } catch {
    return new Set(SAMPLE);
  }
}
