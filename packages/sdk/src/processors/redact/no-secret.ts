/** What is said of a secret, or stands for none. */
const STATES: ReadonlySet<string> = new Set(
  (
    'true false null undefined none nil nan n/a no not missing absent empty unset unknown invalid incorrect wrong mismatch ' +
    'required requires optional expected unexpected must should cannot is was has failed failure denied rejected refused ' +
    'expired revoked unsupported disabled enabled forbidden unauthorized redacted masked hidden omitted ' +
    'string number boolean object any unknown never'
  ).split(' '),
);
/** What else is said of a few. */
const SAID_OF: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['credentials', new Set(['include', 'omit', 'same-origin'])],
  ['credential', new Set(['include', 'omit', 'same-origin'])],
  ['password', new Set(['reset', 'changed', 'updated', 'recovery', 'saved', 'verified', 'matches'])],
  ['xauth', new Set(['all', 'amd64', 'arm64', 'armhf', 'i386', 'ppc64el', 'riscv64', 's390x'])],
  ['auth', new Set(['on', 'off', 'yes', 'basic', 'ok'])],
]);
/** These stand before counts and times as well: `pass: 12, fail: 0`, `auth: 12ms`, `cookies: 3`. */
const COUNTED: ReadonlySet<string> = new Set(
  'pass sig otp auth authentication token tokens cookie cookies credential credentials secrets bearer jwt'.split(' '),
);
const LONGEST = 24;
/** This much of a value tells whether it is none: what is as long or longer is one. */
export const LONGEST_JUDGED = 128;
const COUNT = /^\d{1,3}(?:\.\d+)?(?:%|[nuµm]?s|min|h|d|[km]?b)?$/i;
const MANY = /^\d{1,9}$/;
const SIGNAL = /^SIG[A-Z]{2,6}\d{0,2}$/;
const PATH = /^\/[\w.@-]+(?:\/[\w.@-]+)+\/?$/;
/** A variable that holds the secret somewhere else. */
const REFERENCE = /^(?:process\.env\.\w+|\$[A-Z_]{3,}|\$\{{1,2}[\w.]*\}*|%[A-Z_]{3,}%)$/;
/** `parse('…')`, in code. */
const CALL = /^[A-Za-z_$][\w$]*(?:\.[\w$]+)*\(["'`{)]/;
/** `"cookie": "^1.0.2"`, in a list of packages. */
const VERSION = /^[\^~=v]{0,2}\d{1,4}\.\d{1,4}\.\d{1,5}(?:-[a-z]{1,8}\.\d{1,3})?$/;
/** Line and column of a place in code. */
const PLACE = /^\d+:\d+\)?$/;

/**
 * True if a value without quotes under a secret key is rather something said of it than the secret: `token: missing`,
 * `auth=true`, `pass: 12`, `sig=SIGTERM`, `PWD=/srv/app`. `key` as the text has it, `folded` as keys are compared. No more
 * than {@link LONGEST_JUDGED} characters are given; of so many, only the begin of code is none.
 */
export function isNoSecret(value: string, key: string, folded: string): boolean {
  if (CALL.test(value)) return true;
  if (value.length >= LONGEST_JUDGED) return false;
  const word = value.replace(/^[([<]+|[.,;:!?)\]>]+$/g, '').toLowerCase();
  if (word.length > LONGEST) return REFERENCE.test(value) || (key === 'PWD' && PATH.test(value));
  if (STATES.has(word) || SAID_OF.get(folded)?.has(word) === true) return true;
  if (folded.endsWith('tokens') && MANY.test(word)) return true;
  if (COUNTED.has(folded) && COUNT.test(word)) return true;
  if (folded === 'sig') return SIGNAL.test(value);
  return PLACE.test(value) || REFERENCE.test(value) || (key === 'PWD' && PATH.test(value));
}

/** True if a value in quotes is none: the version of a package. */
export function isVersion(value: string): boolean {
  return value.length <= LONGEST && VERSION.test(value);
}

/** True if it is something said, whatever the key: for flags of commands, in a sentence. */
export function isSaid(word: string): boolean {
  return STATES.has(word) || SENTENCE.has(word);
}

const SENTENCE: ReadonlySet<string> = new Set(
  (
    'a an the and or but as at be by can for from if in into it its of on so than that then this to when where which will ' +
    'with without you your are were may also only flag flags option options argument arguments arg args parameter value ' +
    'instead needs need have given set used does did prompts sets reads passes takes via through'
  ).split(' '),
);
