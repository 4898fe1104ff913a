/** Texts that make bad patterns slow: what a secret begins with, again and again, and never ends as one. */
export const adversaries: readonly (readonly [name: string, make: (length: number) => string])[] = (
  [
    ['letters', 'a'],
    ['JWT headers', 'eyJ'],
    ['JWT parts', 'eyJabcdefgh.'],
    ['JWT headers with dots', 'eyJ.eyJ.'],
    ['at signs', '@'],
    ['addresses without an end', 'a@'],
    ['addresses of one letter', 'a@a.a'],
    ['colons and slashes', '://'],
    ['users without a host', '://u:p'],
    ['users with ports', 'h://a:1/@'],
    ['users in quotes', '"://u:p@h'],
    ['users without a host in quotes', '://u:"p'],
    ['users with queries', '://u:p?'],
    ['equals signs', '='],
    ['empty pairs', 'token='],
    ['pairs with nothing but blanks', 'token: \t'],
    ['quotes', '"'],
    ['backslashes and quotes', '\\"'],
    ['keys in quotes', '"token":"'],
    ['open brackets', 'secret:[{"'],
    ['open brackets and apostrophes', "secret:[ '"],
    ['keys and blanks', 'token          :'],
    ['keys with values below', 'token:\n'],
    ['keys with lists below', 'token:\n- '],
    ['colours', '\x1b[32m'],
    ['colours and keys', 'token\x1b[32m:\x1b[39m'],
    ['colours as text', 'a\\u001b[32m:'],
    ['quotes that go on', "token='' +\n"],
    ['said of secrets', 'token:true,'],
    ['cookies', 'cookie=a; b'],
    ['dashes', '-'],
    ['flags', ' --token'],
    ['flags of a command', 'curl -u '],
    ['flags in quotes', '"-p","'],
    ['commands', 'mysql '],
    ['elements', '<token>'],
    ['elements without an end', '<token a'],
    ['elements of data', '<token><![CDATA['],
    ['encoded', '%3D'],
    ['encoded percents', '%25'],
    ['encoded pairs', '%3Ftoken%3D'],
    ['line ends in JSON', '\\nCookie: '],
    ['words and spaces', 'a b: '],
    ['commas', 'pwd=,'],
    ['ampersands', 'pwd=&a'],
    ['bearers', 'bearer '],
    ['basics', 'basic aaaa'],
    ['basics in one', 'basic'],
    ['basics without blanks', 'Basic+AA'],
    ['key ids', 'AKIA'],
    ['keys without an end', 'pwd:'],
    ['queries without an end', '?pwd='],
    ['webhooks', '://hooks.slack.com/x'],
    ['tokens of GitHub', 'ghp_'],
    ['tokens of Slack', 'xox-'],
    ['tokens of Slack in a row', 'xoxb-a'],
    ['private keys', '-----BEGIN RSA PRIVATE KEY'],
    ['certificates', '-----BEGIN CERTIFICATE-----'],
    ['digits', '4'],
    ['groups of digits', '4444 '],
    ['groups of digits and dots', '41.1'],
    ['IBANs', 'DE89 '],
    ['IBANs in a row', 'GB82WEST'],
    ['blanks', ' '],
    ['percents', '%41='],
    ['names and values', 'name="a" value:'],
    ['values without names', 'value:"'],
    ['values of open lists', 'value:["name'],
    ['backslashes and values', `${'\\'.repeat(200)}value:`],
    ['names of elements', '<a name="password">'],
    ['names of no elements', 'name="password">'],
    ['lists of texts', '["a",'],
    ['lists of texts in one another', '["a",["b",'],
    ['lists in quotes of two kinds', `["','["','`],
    ['lists of keys', '["token","'],
    ['escaped lists', '[\\"a\\",'],
    ['headers in quotes', '"Cookie:a'],
    ['headers in apostrophes', "'Authorization:a"],
    ['encoded headers in quotes', '%22Cookie%3Aa'],
    ['headers in quotes that are said of', '"passphrase:no a'],
    ['long references', `token=$${'A'.repeat(66)}`],
    ['long places', `token=process.env.${'A'.repeat(66)}`],
    ['long paths', `"PWD=/${'a/'.repeat(32)}`],
    ['calls in code', "token=f('a"],
    ['users without a password', '!curl -uaa!-ua'],
    ['commands in one', 'curl !-ua!-ua!-ua!-ua!-ua!-ua'],
    ['passwords that are said of', `mysql !-pno${'!'.repeat(64)}`],
    ['everything', 'a@b://=:"eyJ AKIA ghp_ xoxb- 4111 bearer \\{'],
  ] as const
).map(([name, part]) => [name, (length: number) => part.repeat(Math.ceil(length / part.length)).slice(0, length)]);

/**
 * Texts to put together, so that what nobody has thought of comes up as well: what opens secrets, what ends them, what
 * stands between, and what looks like it.
 */
export const units: readonly string[] = [
  ...'aAJI1x4-_=:@%<>/\\"\'`!$()[]{}|&,;?#+. \t\n\r~^é\x1b\uff1a\uff1d\u00a0',
  ...[
    '==',
    '=>',
    ':=',
    '""',
    "''",
    '\\n',
    '\\"',
    '\\\\\\"',
    '\\\\\\\\\\\\\\\\',
    "' +\n",
    '://',
    'http://',
    'http:\\/\\/',
    'u:p@',
  ],
  ...[
    '\x1b[32m',
    '\\u001b[3m',
    'token',
    '"token"',
    '\\"token\\"',
    'token=',
    'token: ',
    'token:\n',
    'token:\n- ',
    'token: |\n',
  ],
  ...[
    '"Cookie:',
    'Cookie: ',
    '; a=',
    'Authorization:',
    'passphrase: no ',
    'password="',
    'PWD=/',
    'a b: ',
    'First pass: ',
  ],
  ...['token=no', 'token=$A', 'token=process.env.', 'token=f(', 'token={', 'token=[', 'otp=1', 'sig=SIG', 'AWS4-HMAC '],
  ...[
    'name="password"',
    '"name":"a"',
    '"value":"',
    'value:',
    '<property name="password">',
    '["a",',
    '["token","',
    '["',
  ],
  ...[
    'Path `a` (',
    'Cast to a failed for value ',
    '<password>',
    '<password ',
    '</password>',
    '<a>',
    '<![CDATA[',
    ']]>',
  ],
  ...[
    '%3D',
    '%25',
    '%2525',
    '%22',
    '%20',
    '%5B',
    '%253D',
    '%zz',
    'curl ',
    'mysql ',
    '!-ua',
    '-u ',
    '-p',
    '--password ',
  ],
  ...[
    '--user=',
    '-H "',
    '"-p"',
    '?token=',
    '&token=',
    'hooks.slack.com/',
    'eyJ',
    'eyJabcdefgh.',
    'AKIA',
    'ghp_',
    'xoxb-',
  ],
  ...[
    '-----BEGIN ',
    '-----BEGIN RSA PRIVATE KEY-----',
    '-----END',
    'Bearer ',
    'Bearer+',
    'Basic ',
    'Basic+AA',
    '4111 ',
    'DE89',
  ],
  ...['a@a.a', 'A'.repeat(66), '!'.repeat(130), 'a/'.repeat(70)],
];

/** What opens more than it closes, before what is repeated. */
export const openings: readonly string[] = [
  ...[
    '',
    'curl ',
    'http ',
    'mysql -p',
    '"Cookie: ',
    'token=',
    'token: "',
    '\\"token\\":\\"',
    'password={',
    'token:\n- ',
  ],
  ...[
    '<password>',
    '<password ',
    '["token",',
    '{"value":"',
    'http://a:',
    '"http://',
    '%22',
    'Basic+',
    'eyJ',
    '\x1b[',
    '\\\\\\',
  ],
];

/**
 * A text that counts how often it is looked at: each access to a character as one, and each search as far as it went.
 * Work can so be compared without a clock.
 */
export function counted(text: string): { text: string; steps(): number; step(by: number): void } {
  let steps = 0;
  const step = (by: number): void => {
    steps += by;
  };
  /** What is no method is a character, and what is neither must not be used. */
  const characters = new Proxy(Object.create(null), {
    get(_, key) {
      steps++;
      if (typeof key === 'string' && /^-?\d+$/.test(key)) return text[Number(key)];
      throw new Error(`a scanner must not use ${String(key)} of a text`);
    },
  });
  const methods = {
    __proto__: characters,
    length: text.length,
    charCodeAt: (at: number) => {
      steps++;
      return text.charCodeAt(at);
    },
    startsWith: (part: string, at = 0) => {
      steps += part.length;
      return text.startsWith(part, at);
    },
    slice: (from: number, to = text.length) => {
      const part = text.slice(from, to);
      steps += part.length + 1;
      return part;
    },
    indexOf: (part: string, from = 0) => {
      const found = text.indexOf(part, from);
      steps += (found < 0 ? text.length : found) - from + 1;
      return found;
    },
    lastIndexOf: (part: string, from = text.length) => {
      const found = text.lastIndexOf(part, from);
      steps += from - Math.max(found, 0) + 1;
      return found;
    },
  };
  return { text: methods as unknown as string, steps: () => steps, step };
}
