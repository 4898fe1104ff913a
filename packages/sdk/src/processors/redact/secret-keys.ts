import { Remembered } from './remembered.ts';
import type { Rule } from './rule.ts';

/**
 * Keys whose values are secret wherever they stand, as {@link fold} writes them. Chosen so that an ordinary word
 * (`author`, `tokens`, `sessions`) is not among them.
 */
const WELL_KNOWN: ReadonlySet<string> = new Set([
  'password',
  'passwd',
  'passphrase',
  'passcode',
  'pass',
  'pwd',
  'secret',
  'secrets',
  'token',
  'accesstoken',
  'refreshtoken',
  'idtoken',
  'authtoken',
  'sessiontoken',
  'csrftoken',
  'xsrftoken',
  'bearertoken',
  'bearer',
  'jwt',
  'apikey',
  'apikeys',
  'xapikey',
  'apitoken',
  'apisecret',
  'accesskey',
  'accesskeyid',
  'secretkey',
  'secretaccesskey',
  'privatekey',
  'signingkey',
  'encryptionkey',
  'masterkey',
  'accountkey',
  'sharedaccesskey',
  'sharedaccesssignature',
  'clientsecret',
  'authorization',
  'proxyauthorization',
  'xauthtoken',
  'auth',
  'authentication',
  'credentials',
  'credential',
  'cookie',
  'cookies',
  'setcookie',
  'sessionid',
  'phpsessid',
  'jsessionid',
  'connectsid',
  'connectionstring',
  'xamzsignature',
  'xamzcredential',
  'xgoogsignature',
  'sig',
  'creditcard',
  'creditcardnumber',
  'cardnumber',
  'cvv',
  'cvc',
  'ssn',
  'socialsecuritynumber',
  'iban',
  'otp',
  'mfacode',
]);

/** Compound names end in these: `db_password`, `stripeApiKey`, `oauth_client_secret`, `slack_token`. */
const WELL_KNOWN_ENDINGS = [
  'password',
  'passwords',
  'passwordconfirmation',
  'passwd',
  'passphrase',
  'passcode',
  'pwd',
  'secret',
  'apikey',
  'accesskey',
  'accesskeyid',
  'privatekey',
  'secretkey',
  'signingkey',
  'encryptionkey',
  'secretaccesskey',
  'clientcredentials',
  'connectionstring',
  'token',
] as const;

/** `db_pass`, `smtpPass`, `DB_PASS`; but not `bypass`. */
const PASS_ENDING = /[_\-.\s](?:pass|PASS|Pass)$|[a-z0-9]Pass$/;

/** They let nobody in: they say where a list goes on, or are a folder. */
const HARMLESS: ReadonlySet<string> = new Set([
  'nexttoken',
  'pagetoken',
  'nextpagetoken',
  'continuationtoken',
  'synctoken',
  'oldpwd',
]);

/** Says which rule makes what stands under a key secret. */
export class SecretKeys {
  readonly #named: ReadonlyMap<string, Rule>;
  readonly #wellKnown: Rule | undefined;
  readonly #remembered = new Remembered<Rule | null>();

  /** `named`: the keys of the user, with their rules; of two rules for one key the first stands. */
  constructor(named: Iterable<readonly [key: string, rule: Rule]>, wellKnown: Rule | undefined) {
    const byKey = new Map<string, Rule>();
    for (const [key, rule] of named) if (!byKey.has(fold(key))) byKey.set(fold(key), rule);
    this.#named = byKey;
    this.#wellKnown = wellKnown;
  }

  /** The rule for a key in a text; remembered, since it takes longer than a look-up. */
  ruleOf(key: string): Rule | undefined {
    let rule = this.#remembered.get(key);
    if (rule === undefined) {
      rule = this.decide(key) ?? null;
      this.#remembered.set(key, rule);
    }
    return rule ?? undefined;
  }

  /**
   * The same, without a memory of keys: for what may be a value. A key counts as a whole, and by its last part: of a path,
   * a namespace, a form field such as `user[pin]`.
   */
  decide(given: string): Rule | undefined {
    const key = given.includes('%') ? decoded(given) : given;
    const whole = fold(key);
    const part = fold(lastPart(key));
    return (
      this.#named.get(whole) ??
      this.#named.get(part) ??
      (this.#wellKnown !== undefined &&
      (isWellKnown(whole) || isWellKnown(part) || PASS_ENDING.test(key.slice(-LONGEST_ENDING)))
        ? this.#wellKnown
        : undefined)
    );
  }
}

const LONGEST_ENDING = 16;

function isWellKnown(folded: string): boolean {
  if (HARMLESS.has(folded)) return false;
  if (WELL_KNOWN.has(folded)) return true;
  // `password2`, `token1`; but `auth0` is somebody's name.
  const ending = folded.replace(/\d{1,3}$/, '');
  return !HARMLESS.has(ending) && WELL_KNOWN_ENDINGS.some((known) => ending.endsWith(known));
}

function lastPart(key: string): string {
  let end = key.length;
  while (end > 0 && key[end - 1] === ']') end--;
  let start = end;
  while (start > 0 && !'.:/[]'.includes(key[start - 1] as string)) start--;
  return key.slice(start, end);
}

/** Of a longer key the end counts: it says what the key is. */
const LONGEST_FOLDED = 1_024;
const NOT_ASCII = /[^\0-\x7f]/;

/** `api_key`, `apiKey`, `API-KEY`, `"Api Key"` and `--api-key` are one key; so are letters of full width and ASCII's. */
export function fold(key: string): string {
  const end = key.length > LONGEST_FOLDED ? key.slice(-LONGEST_FOLDED) : key;
  return NOT_ASCII.test(end)
    ? end
        .normalize('NFKC')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}]/gu, '')
    : end.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** As a query or a form writes it. */
function decoded(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
