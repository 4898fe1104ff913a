import { isAlphanumeric, isLetter, isQuote, isSpace } from './character.ts';
import { isNoSecret, isSaid, LONGEST_JUDGED } from './no-secret.ts';
import type { Hit, Rule } from './rule.ts';
import type { SecretKeys } from './secret-keys.ts';
import { gapEnd } from './terminal-colour.ts';
import { quotesEnd, wordEnd } from './value-end.ts';

const BACKSLASH = 92;
const DASH = 45;
const LONGEST_FLAG = 64;
/** No colon stands further behind the beginning of `user:password`. */
const LONGEST_USER = 256;

interface Flags {
  /** Of one letter. */
  readonly secrets: string;
  /** These hold a user as well, and only with a password a secret: `curl -u ann:…`. */
  readonly accounts: string;
}

const NONE: Flags = { secrets: '', accounts: '' };
/** Which flags take a secret, by the command before them. */
const COMMANDS: readonly (readonly [names: string, secrets: string, accounts: string])[] = [
  ['mysql mysqldump mysqladmin mysqlimport mysqlsh mariadb mariadb-dump mariadb-admin sshpass 7z 7za', 'p', ''],
  ['mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat mongotop cqlsh login', 'p', ''],
  ['sqlcmd bcp isql mosquitto_pub mosquitto_sub zip unzip zipcloak', 'P', ''],
  ['redis-cli', 'a', ''],
  ['ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldappasswd', 'w', ''],
  ['curl', 'b', 'uU'],
  ['smbclient rpcclient', '', 'U'],
  ['http https xh', '', 'a'],
];
const FLAGS: ReadonlyMap<string, Flags> = new Map(
  COMMANDS.flatMap(([names, secrets, accounts]) =>
    names.split(' ').map((name) => [name, { secrets, accounts }] as const),
  ),
);
const LETTERS: ReadonlySet<string> = new Set(COMMANDS.flatMap(([, secrets, accounts]) => [...secrets, ...accounts]));
const COMMAND = new RegExp(`(?<![\\w-])(${[...FLAGS.keys()].join('|')})(?=[\\s"'\`\\\\])|\\n`, 'g');
const ACCOUNT = /^(?:proxy-)?user$/;
/** `-v`, `-n5`, `--verbose`, `-Dname=…`; not a password that begins with a dash. */
const FLAG = /^-(?:-?[a-z][a-z-]{0,47}|[A-Za-z]\d{0,9}|-|[A-Z][\w.]{0,47}=.*)?(?:[=\s"'`\\].*)?$/s;
/** `--token TOKEN` says how it is used. */
const PLACEHOLDER = /^(?:[A-Z]+_[A-Z_]+|TOKEN|PASSWORD|PASS|SECRET|KEY|STRING|VALUE)$/;

/** Finds the values of flags in the commands that a text holds: `--password …`, `mysql -p…`, `curl -u ann:…`. */
export class CommandFlags {
  readonly #text: string;
  readonly #keys: SecretKeys;
  readonly #known: Rule | undefined;
  /** Up to here commands have been read, and the last one has these flags. */
  #read = 0;
  #flags = NONE;

  constructor(text: string, keys: SecretKeys) {
    this.#text = text;
    this.#keys = keys;
    this.#known = keys.ruleOf('password');
  }

  /** The value of the flag that begins with the dash at `at`. */
  valueAt(at: number): Hit | undefined {
    const text = this.#text;
    const first = text.charCodeAt(at + 1);
    const before = text.charCodeAt(at - 1);
    if (isAlphanumeric(before) || !(first === DASH ? isLetter(text.charCodeAt(at + 2)) : isLetter(first)))
      return undefined;
    // . / - _ : part of a name.
    if (before === 46 || before === 47 || before === DASH || before === 95) return undefined;
    const from = first === DASH ? at + 2 : at + 1;
    let end = from;
    while (end - from < LONGEST_FLAG && (isAlphanumeric(text.charCodeAt(end)) || '-_.'.includes(text[end] ?? ' ')))
      end++;
    if (first !== DASH) {
      const value = this.#ofLetter(at);
      if (value !== undefined || end - from < 3) return value;
    }
    const name = text.slice(from, end);
    const isAccount = this.#known !== undefined && ACCOUNT.test(name) && this.#flagsAt(at).accounts.includes('u');
    const rule = isAccount ? this.#known : this.#keys.ruleOf(name);
    const start = isAccount && text[end] === '=' ? end + 1 : rule && argumentAfter(text, end, before);
    return rule === undefined || start === undefined ? undefined : argument(text, start, rule, isAccount);
  }

  /** `-p …` or `-p…`, if a command before it takes a secret so. */
  #ofLetter(at: number): Hit | undefined {
    const text = this.#text;
    const flag = text[at + 1] as string;
    if (this.#known === undefined || !LETTERS.has(flag)) return undefined;
    const { secrets, accounts } = this.#flagsAt(at);
    const isAccount = accounts.includes(flag);
    if (!isAccount && !secrets.includes(flag)) return undefined;
    const before = text.charCodeAt(at - 1);
    const next = text.charCodeAt(at + 2);
    const isApart = isSpace(next) || next === BACKSLASH || (isQuote(next) && next === before);
    const start = isApart ? argumentAfter(text, at + 2, before) : at + 2;
    return start === undefined ? undefined : argument(text, start, this.#known, isAccount);
  }

  #flagsAt(at: number): Flags {
    COMMAND.lastIndex = 0;
    const part = this.#text.slice(this.#read, at);
    for (let match = COMMAND.exec(part); match !== null; match = COMMAND.exec(part)) {
      // A backslash before the line's end: the command goes on.
      if (match[1] === undefined && part[match.index - 1] === '\\') continue;
      this.#flags = FLAGS.get(match[1] ?? '') ?? NONE;
    }
    this.#read = at;
    return this.#flags;
  }
}

/** Where the argument after a flag begins: behind blanks, or as the next text of a list, `'--password', '…'`. */
function argumentAfter(text: string, end: number, before: number): number | undefined {
  let start = end;
  if (isQuote(before)) {
    while (text.charCodeAt(start) === BACKSLASH) start++;
    if (text.charCodeAt(start) !== before) return undefined;
    start++;
    if (text[start] === ',') start++;
    while (isSpace(text.charCodeAt(start))) start++;
    start = gapEnd(text, start);
    return text[start] === '\\' || isQuote(text.charCodeAt(start)) ? start : undefined;
  }
  const after = gapEnd(text, end);
  return after > end ? after : undefined;
}

function argument(text: string, start: number, rule: Rule, isAccount: boolean): Hit | undefined {
  let open = start;
  while (text.charCodeAt(open) === BACKSLASH) open++;
  const quote = text.charCodeAt(open);
  let from = start;
  let end: number;
  if (isQuote(quote)) {
    from = open + 1;
    end = quotesEnd(text, from, quote, open - start);
  } else {
    // Another flag, unless it is a part of this one.
    const isApart = isSpace(text.charCodeAt(start - 1));
    if ((isApart && FLAG.test(text.slice(start, start + LONGEST_FLAG))) || '<[|('.includes(text[start] ?? '<'))
      return undefined;
    if (isAccount && !hasPassword(text, start, start + LONGEST_USER)) return undefined;
    end = wordEnd(text, start, false, start + LONGEST_JUDGED);
    const word = text.slice(start, Math.min(end, start + LONGEST_JUDGED));
    if (isNoSecret(word, '', '')) return undefined;
    if (word.length < LONGEST_JUDGED) {
      const said = word.toLowerCase().replace(/[.,;:!?)]+$/, '');
      if (isSaid(said) || PLACEHOLDER.test(word)) return undefined;
    } else end = wordEnd(text, end);
  }
  if (end === from || (isAccount && !hasPassword(text, from, end))) return undefined;
  return { start: from, end, rule };
}

function hasPassword(text: string, from: number, end: number): boolean {
  for (let i = from + 1; i < end - 1; i++) if (text[i] === ':' || text[i] === '%') return true;
  return false;
}
