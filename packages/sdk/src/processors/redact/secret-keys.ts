/**
 * Keys whose values are secret wherever they stand, as {@link fold} writes them. Chosen so that an ordinary word
 * (`author`, `tokens`, `sessions`) is not among them.
 */
const WELL_KNOWN = [
  'password',
  'passwd',
  'passphrase',
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
  'jwt',
  'apikey',
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
  'connectionstring',
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
] as const;

/** Compound names end in these: `db_password`, `stripeApiKey`, `oauth_client_secret`, `slack_token`. */
const WELL_KNOWN_ENDINGS = [
  'password',
  'passwords',
  'passwordconfirmation',
  'passwd',
  'passphrase',
  'secret',
  'apikey',
  'privatekey',
  'secretkey',
  'secretaccesskey',
  'token',
];

/** Tokens that let nobody in: they say where a list goes on. */
const HARMLESS = ['nexttoken', 'pagetoken', 'nextpagetoken', 'continuationtoken', 'synctoken'];

const MOST_REMEMBERED = 4_096;
/** Longer keys are folded too, but not remembered: a memory of them could grow without end. */
const LONGEST_REMEMBERED = 256;

/** Knows which keys are secret. A key seen before costs a look-up. */
export class SecretKeys {
  readonly #exact: ReadonlySet<string>;
  readonly #endings: readonly string[];
  readonly #remembered = new Map<string, boolean>();

  constructor(keys: readonly string[], wellKnown: boolean) {
    this.#exact = new Set([...keys.map(fold), ...(wellKnown ? WELL_KNOWN : [])]);
    this.#endings = wellKnown ? WELL_KNOWN_ENDINGS : [];
  }

  has(key: string): boolean {
    const remembered = this.#remembered.get(key);
    if (remembered !== undefined) return remembered;
    const answer =
      this.#matches(fold(key)) || (key.includes('.') && this.#matches(fold(key.slice(key.lastIndexOf('.') + 1))));
    if (key.length <= LONGEST_REMEMBERED && this.#remembered.size < MOST_REMEMBERED) this.#remembered.set(key, answer);
    return answer;
  }

  #matches(folded: string): boolean {
    return (
      this.#exact.has(folded) || (this.#endings.some((ending) => folded.endsWith(ending)) && !HARMLESS.includes(folded))
    );
  }
}

/** `api_key`, `apiKey`, `API-KEY` and `Api Key` are one key; `user[password]`, of a form, ends in `password`. */
function fold(key: string): string {
  return key.replace(/[_\-\s[\]]/g, '').toLowerCase();
}
