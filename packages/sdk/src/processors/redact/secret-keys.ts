import { Remembered } from './remembered.ts';
import type { Rule } from './rule.ts';

/**
 * Keys whose values are secret wherever they stand, as {@link fold} writes them. Chosen so that an ordinary word
 * (`author`, `tokens`, `sessions`) is not among them: tokens may be counted.
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
  'signature',
  'clientassertion',
  'samlresponse',
  'csrf',
  'xsrf',
  'sessionkey',
  'sshkey',
  'hmackey',
  'authkey',
  'functionskey',
  'basicauth',
  'xauth',
  'connstring',
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
  'signingkeys',
  'apikeys',
  'accesskeys',
  'privatekeys',
  'secretkeys',
  'encryptionkeys',
  'sessionkey',
  'sshkey',
  'hmackey',
  'authkey',
  'functionskey',
  'credentials',
  'connectionstring',
  'samlresponse',
  'clientassertion',
  'token',
  'tokens',
] as const;

/** Keys hold a secret wherever these stand in them, and … */
const STEMS = ['password', 'passwd', 'privatekey'] as const;
/** … where they begin with these: `passwordHash`, `user_password_confirm`, `cookieHeader`, `authorization_code`; but not … */
const BEGINNINGS = ['authorization', 'cookie'] as const;
/** … if their end says that they hold something about it: `password_changed_at`, `cookieDomain`. */
const ABOUT = [
  ...[
    'edat',
    'esat',
    'setat',
    'sentat',
    'age',
    'date',
    'time',
    'timestamp',
    'days',
    'seconds',
    'ms',
    'length',
    'size',
    'count',
    'attempts',
    'tries',
  ],
  ...['policy', 'policies', 'rule', 'rules', 'required', 'requirements', 'enabled', 'disabled', 'changed', 'updated'],
  ...[
    'expired',
    'expires',
    'expiry',
    'expiration',
    'expiresin',
    'locked',
    'protected',
    'provided',
    'present',
    'accepted',
  ],
  ...['strength', 'score', 'label', 'placeholder', 'type', 'id', 'status', 'state', 'valid', 'visible'],
  ...[
    'visibility',
    'match',
    'mismatch',
    'error',
    'errors',
    'failed',
    'failures',
    'message',
    'less',
    'consent',
    'banner',
  ],
  ...[
    'manager',
    'service',
    'server',
    'provider',
    'form',
    'page',
    'url',
    'uri',
    'link',
    'endpoint',
    'path',
    'file',
    'name',
  ],
  ...['domain', 'samesite', 'secure', 'httponly', 'option', 'options', 'config', 'settings', 'preferences', 'notice'],
  ...[
    'parser',
    'jar',
    'cutter',
    'algorithm',
    'algo',
    'scheme',
    'method',
    'mode',
    'encoder',
    'roles',
    'scopes',
    'store',
  ],
] as const;

/** `tokenValue`, `authHeader`, `secret_base64`, `api_key_v2`, `password2`: a form of the same. */
const FORM = /(?:value|header|string|plain|plaintext|raw|base64|b64|hex|pem|hash|v?\d{1,3})$/;

/** What texts are measured in: `max_tokens`, `prompt_tokens`, `usage.total_tokens`. */
const COUNTED_TOKENS =
  /(?:^|max|min|num|total|prompt|completion|input|output|cached?|used|usage|remaining|reasoning|context|generated|candidates?|thoughts?|text|audio|image|prediction|budget|eos|bos|stop|special|response|new|ids?|of|n)tokens$/;

/** `db_pass`, `smtpPass`, `DB_PASS`; but not `bypass`. */
const PASS_ENDING = /[_\-.\s](?:pass|PASS|Pass)$|[a-z0-9]Pass$/;

/** Keys that end so let nobody in: they say where a list goes on, that a request ends, or are a folder. */
const HARMLESS = [
  'nexttoken',
  'pagetoken',
  'continuationtoken',
  'synctoken',
  'cancellationtoken',
  'canceltoken',
  'eostoken',
  'bostoken',
  'padtoken',
  'oldpwd',
] as const;

/** Says which rule makes what stands under a key secret. */
export class SecretKeys {
  readonly #named: ReadonlyMap<string, Rule>;
  readonly #wellKnown: Rule | undefined;
  readonly #remembered = new Remembered<Rule | null>();
  readonly #longest: number;
  readonly #shortest: number;

  /** `named`: the keys of the user, with their rules; of two rules for one key the first stands. */
  constructor(named: Iterable<readonly [key: string, rule: Rule]>, wellKnown: Rule | undefined) {
    const byKey = new Map<string, Rule>();
    for (const [key, rule] of named) if (!byKey.has(fold(key))) byKey.set(fold(key), rule);
    this.#named = byKey;
    this.#longest = Math.max(SHORTEST_BOUND, ...[...byKey.keys()].map((key) => 2 * key.length));
    this.#wellKnown = wellKnown;
    this.#shortest = byKey.size === 0 ? SHORTEST_KNOWN : 1;
  }

  /** The rule for a key in a text; remembered, since it takes longer than a look-up. */
  ruleOf(key: string): Rule | undefined {
    if (key.length < this.#shortest) return undefined;
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
    const plain = given.includes('%') ? decoded(endOf(given, MOST_ENCODED * this.#longest)) : given;
    const key = endOf(plain, this.#longest);
    if (this.#named.size === 0 && !ANY_STEM.test(key)) return undefined;
    const whole = fold(key);
    const part = fold(lastPart(key));
    return (
      this.#named.get(whole) ??
      this.#named.get(part) ??
      (this.#wellKnown !== undefined &&
      (isWellKnown(part) ||
        (whole !== part && !isHarmless(part) && isWellKnown(whole)) ||
        PASS_ENDING.test(key.slice(-LONGEST_ENDING)))
        ? this.#wellKnown
        : undefined)
    );
  }
}

const LONGEST_ENDING = 16;
/** `pwd`, `jwt`, … */
const SHORTEST_KNOWN = 3;
/** Of a longer key the end is looked at: it says what the key is. Longer for longer names of the user. */
const SHORTEST_BOUND = 64;
/** All known keys have one of these, or letters that are not ASCII. The glance spares most keys all of the rest. */
const ANY_STEM =
  /pass|pwd|secret|token|key|auth|cred|cookie|ses|jwt|bearer|conn|sig|card|cv[cv]|ssn|social|iban|otp|mfa|saml|assertion|srf|[^\0-\x7f]/i;

function isWellKnown(folded: string): boolean {
  if (WELL_KNOWN.has(folded)) return true;
  const plain = folded.replace(FORM, '');
  if (isHarmless(plain)) return false;
  if (endsAs(plain, WELL_KNOWN_ENDINGS)) return true;
  // But `auth0` is somebody's name.
  if (plain !== folded && WELL_KNOWN.has(plain) && !DIGIT_LAST.test(folded)) return true;
  for (const stem of STEMS) {
    const at = folded.lastIndexOf(stem);
    if (at >= 0) return !endsAs(folded.slice(at + stem.length), ABOUT);
  }
  return BEGINNINGS.some((stem) => folded.startsWith(stem)) && !endsAs(folded, ABOUT);
}

const DIGIT_LAST = /\d$/;

const isHarmless = (folded: string): boolean => endsAs(folded, HARMLESS) || COUNTED_TOKENS.test(folded);

function endsAs(folded: string, endings: readonly string[]): boolean {
  for (const ending of endings) if (folded.endsWith(ending)) return true;
  return false;
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
/** Letters in another form: wide, small, in circles, ligatures, of mathematics. Of other signs some have very long forms. */
const OTHER_FORMS = /(?:[\u2070-\u209c\u2100-\u214f\u2460-\u24ff\ufb00-\ufb06\uff00-\uffef]|\ud835[\udc00-\udfff])+/g;

/** `api_key`, `apiKey`, `API-KEY`, `"Api Key"` and `--api-key` are one key; so are letters of full width and ASCII's. */
export function fold(key: string): string {
  const end = key.length > LONGEST_FOLDED ? key.slice(-LONGEST_FOLDED) : key;
  return NOT_ASCII.test(end)
    ? end
        .replace(OTHER_FORMS, (letters) => letters.normalize('NFKC'))
        .normalize('NFC')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}]/gu, '')
    : end.toLowerCase().replace(/[^a-z0-9]/g, '');
}

const endOf = (key: string, length: number): string => (key.length > length ? key.slice(-length) : key);

/** A character of three bytes is nine when it is encoded. */
const MOST_ENCODED = 9;
const ENCODED = /(?:%[\da-f]{2})+/gi;
/** What is left of a character whose beginning was cut off. */
const REST = /^(?:%[89ab][\da-f])+/i;

/** As a query or a form writes it. */
function decoded(key: string): string {
  return key.replace(ENCODED, (bytes) => {
    try {
      return decodeURIComponent(bytes.replace(REST, ''));
    } catch {
      return bytes;
    }
  });
}
