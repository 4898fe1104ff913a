import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { adversaries, counted, openings, units } from '../../../../../test/secrets/adversaries.ts';
import { DETECTORS, type DetectorName } from './detector.ts';
import { mayHoldNumber } from './payment-numbers.ts';
import { type RedactOptions, type Rules, rulesOf } from './rules.ts';
import { findMark, scan, TextScanner } from './text-scanner.ts';

const clock = () => 0;
const scannerOf = (options: RedactOptions = {}) =>
  new TextScanner(rulesOf({ replacement: '#', ...options }, clock), () => undefined);
const clean = (text: string, options?: RedactOptions, isCut = false) => scannerOf(options).clean(text, isCut);
const b64 = (text: string) => Buffer.from(text).toString('base64');
const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U';
const GITHUB = `ghp_${'a1B2c3D4e5F6'.repeat(3)}`;
const PEM = '-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nabc+/=\n-----END RSA PRIVATE KEY-----';

describe.each<[DetectorName, [text: string, becomes: string][], string[]]>([
  [
    'jwt',
    [
      [JWT, '#'],
      [`a ${JWT}, b`, 'a #, b'],
      [`prefix_${JWT}`, 'prefix_#'],
      ['eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0NSJ9.', '#'],
      ['eyJhbGciOiJub25lIn0.eyJzdWIi', '#'],
      ['eyJhbGciOiJSU0EifQ.a1.b2.c3.d4 x', '# x'],
    ],
    ['eyJ', 'eyJhbGciOiJub25lIn0', 'eyJabc.def', 'MyJob.of.today', 'keyJson.parse.now'],
  ],
  [
    'bearer',
    [
      ['Bearer abc', 'Bearer #'],
      ['sent bearer  x.y_z-1, then', 'sent bearer  #, then'],
      ['BEARER\tabc)', 'BEARER\t#)'],
      ['Bearer "abc"', 'Bearer "#"'],
      ['?a=Bearer+abc ?a=Bearer%20abc', '?a=Bearer+# ?a=Bearer%20#'],
    ],
    [
      'Bearer realm="x", error="invalid_token"',
      'Bearer error="x"',
      'a bearer token is missing',
      'bearer authentication failed',
      'Bearer',
      'the bearer of',
    ],
  ],
  [
    'basic',
    [
      [`Basic ${b64('user:pass')}`, 'Basic #'],
      [`basic ${b64('u:p')} x`, 'basic # x'],
      [`Basic ${b64('user:päss')}`, 'Basic #'],
      [`Basic ${Buffer.from('user:päss', 'latin1').toString('base64')}`, 'Basic #'],
      [`Basic ${b64('user:pass').slice(0, -2)}`, 'Basic #'],
      [`Basic ${b64(`user:${'pass'.repeat(999)}`)}, x`, 'Basic #, x'],
    ],
    [
      'Basic dashboard',
      'basic authentication',
      'Basic information: x',
      'a Basic Subscription',
      'Basic usage of the thing',
      'a basic example',
      'basic auth',
      'BASIC dGhpbmdz',
    ],
  ],
  [
    'aws',
    [
      ['AKIAIOSFODNN7EXAMPLE', '#'],
      ['id ASIAIOSFODNN7EXAMPLE.', 'id #.'],
      ['cut: AKIAIOSF', 'cut: #'],
    ],
    ['AKIA is a prefix', 'ASIA and EUROPE', 'AKIAlower case here'],
  ],
  [
    'github',
    [
      [GITHUB, '#'],
      [`url/${GITHUB}/x`, 'url/#/x'],
      [`github_pat_11ABCDEFG0abcdefghij_klmnopqrstuvwxyz x`, '# x'],
      ['gho_1234', '#'],
      [`x${GITHUB}abcdef`, 'x#'],
    ],
    ['the highs_and_lows_of_life here', 'ghp_ is a prefix', 'push_to_github_patterns'],
  ],
  [
    'slack',
    [
      ['xoxb-123456789012-abcdefghij', '#'],
      ['token xapp-1-A0123-456-abc, x', 'token #, x'],
      ['https://hooks.slack.com/services/T00/B00/XXXX now', 'https://hooks.slack.com/# now'],
    ],
    ['xoxo, love', 'a fox-box', 'xox'],
  ],
  [
    'private_key',
    [
      [`key: ${PEM} rest`, 'key: # rest'],
      [PEM.slice(0, 60), '#'],
      [JSON.stringify(PEM), '"#"'],
      ['-----BEGIN PGP PRIVATE KEY BLOCK-----\nabc', '#'],
    ],
    ['-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----', '-----BEGIN PUBLIC KEY-----\nMII'],
  ],
  [
    'card',
    [
      ['4111111111111111', '#'],
      ['paid with 4111 1111 1111 1111 12/28', 'paid with # 12/28'],
      ['4111-1111-1111-1111-123', '#-123'],
      ['3782 822463 10005.', '#.'],
      ['3056 930902 5904', '#'],
      ['4111_1111_1111_1111', '#'],
      ['4111\u00a01111\u00a01111\u00a01111', '#'],
      ['\x1b[33m4111111111111111\x1b[39m', '\x1b[33m#\x1b[39m'],
      ['"a\\n4111111111111111\\n"', '"a\\n#\\n"'],
      ['4111111111111111n', '#n'],
      ['card-4111111111111111, order-7-4111111111111111', 'card-#, order-7-#'],
      ['2223003122003222 3530111333300000 6759649826438453', '# # #'],
      ['6200000000000005 2200000000000004 6011000990139424', '# # #'],
      ['5555555555554444,378282246310005', '#,#'],
      ['6011000990139424 and 4222 2222 22222', '# and #'],
      ['2026-11-22 4111111111111111', '2026-11-22 #'],
    ],
    [
      '4111111111111112',
      '1764000000000000000',
      '1764000000007',
      'took 0.4111111111111111 ms',
      '41111111111111111111111',
      '2026-11-22T10:20:30.123Z',
      '2026-11-22-10-30-45',
      '0000000000000000',
      // The check digits of these are right.
      '3000000000000000007',
      '5105105105105100005',
      '9792000000000003',
      '2019 2020 2021 2022 2023 2024',
      '3056.930902.5904',
      'x4111111111111111',
      '4111111111111111f',
      'deadbeef-4111-111111111111',
      '4111111111111111-beef',
      'id4111111111111111',
      // Of a barcode.
      '4901234567894',
    ],
  ],
  [
    'iban',
    [
      ['DE89370400440532013000', '#'],
      ['to GB82 WEST 1234 5698 7654 32, thanks', 'to #, thanks'],
      ['NO93-8601-1117-947', '#'],
      ['MT84MALT011000012345MTLCAST001S paid', '# paid'],
    ],
    [
      'DE89370400440532013001',
      'XX89370400440532013000',
      'DE8937040044053201300',
      'DE893704004405320130001',
      'SHA256HASH1234567890',
    ],
  ],
  [
    'email',
    [
      ['ann.lee+x@mail.example.com', '#'],
      ['to <ann@example.co.uk>.', 'to <#>.'],
      ["'o'hara@example.ie'", "'#'"],
      ['write to ann@example.com.', 'write to #.'],
    ],
    ['package@1.2.3', '@scope/name', 'a @ b', 'user@localhost', 'x@example.c'],
  ],
  [
    'url_credentials',
    [
      ['https://user:pass@host/x', 'https://#@host/x'],
      ['postgres://u:p@ss/w:rd@db:5432/x', 'postgres://#@db:5432/x'],
      ['redis://:secret@cache', 'redis://#@cache'],
      [`https://${GITHUB}@github.com`, 'https://#@github.com'],
      ['see "amqp://a:b@h" and "http://c:d@h"', 'see "amqp://#@h" and "http://#@h"'],
      ['smtp://ann@example.com:hunter2@smtp.example.com', 'smtp://#@smtp.example.com'],
      ['postgres://ann:12/hunter2@db/shop', 'postgres://#@db/shop'],
      ['https://ann:12/hunter2@db/shop', 'https://#@db/shop'],
      ["postgres://ann:a'hunter2@db/shop", 'postgres://#@db/shop'],
      ['"postgres://ann:a\'hunter2@db/shop","ann@example.com"', '"postgres://#@db/shop","ann@example.com"'],
      ['(postgres://ann:x@y\'z@db), "ann@example.com"', '(postgres://#@db), "ann@example.com"'],
      ['postgres://ann:a?b#c@db/shop?x=a@b', 'postgres://#@db/shop?x=a@b'],
      ['"https:\\/\\/ann:hunter2@db\\/x"', '"https:\\/\\/#@db\\/x"'],
      ['<url>http://ann:x@h</url><m>a@b</m>', '<url>http://#@h</url><m>a@b</m>'],
      ['?to=https%3A%2F%2Fann%3Aabc%40h', '?to=https%3A%2F%2F#%40h'],
      ['mongodb://u:p%40@h1,h2/db?x=y@z', 'mongodb://#@h1,h2/db?x=y@z'],
    ],
    [
      'https://host/@user',
      'https://host:8080/@user',
      'http://h:80/p/@scope/x',
      'http://[::1]:8080/@x',
      'https://h/a:b/@me',
      'ssh://git@github.com:org/repo.git',
      'postgres://db:5432/x?mail=a@b',
      '"http://h:x", "ann@example.com"',
      'ssh://git@github.com',
      'https://h/a?mail=b@c',
      'a@b',
    ],
  ],
  [
    'url_query',
    [
      ['/cb?token=abc&x=1', '/cb?token=#&x=1'],
      ['https://h/p?a=1&api_key=k%20k&b=2#top', 'https://h/p?a=1&api_key=#&b=2#top'],
      ['?Access%54oken=abc', '?Access%54oken=#'],
      ['/x?user[password]=abc', '/x?user[password]=#'],
      ['?to=%2Fx%3Fa%3D1%26token%3Dabc%26b%3D1&c=1', '?to=%2Fx%3Fa%3D1%26token%3D#%26b%3D1&c=1'],
      ['?to=%252Fx%253Ftoken%253Dabc%2526b%253D1&c=1', '?to=%252Fx%253Ftoken%253D#%2526b%253D1&c=1'],
      ['user=bob&password=a&b&c=1', 'user=bob&password=#&c=1'],
    ],
    ['?to=%2Fx%3Fpage%3D2', '/x?page=2&sort=name', 'token=abc', '/x?nextToken=abc'],
  ],
  [
    'pairs',
    [
      ['password=hunter2', 'password=#'],
      ['user=bob,password=hun,ter2,host=x', 'user=bob,password=#,host=x'],
      ['name=x;password=a;b', 'name=x;password=#'],
      ['"password":"hunt\\"er 2","n":1', '"password":"#","n":1'],
      ['{"a":"{\\"password\\":\\"hunt\\\\\\"er2\\",\\"n\\":1}"}', '{"a":"{\\"password\\":\\"#\\",\\"n\\":1}"}'],
      ["{ password: 'hunter 2', n: 1 }", "{ password: '#', n: 1 }"],
      ['{"secrets":{"a":["x]"],"b":{}},"n":1}', '{"secrets":#,"n":1}'],
      ['{"password":12345}', '{"password":#}'],
      ['password: hunter2 for bob', 'password: # for bob'],
      ["'token' => 'abc', 'n' => 1", "'token' => '#', 'n' => 1"],
      ['DB_PASS := "x y"', 'DB_PASS := "#"'],
      ['api key: abc', 'api key: #'],
      ['social security number: 123-45-6789', 'social security number: #'],
      ['Authorization: Digest username="a", response="b"\r\nAccept: x', 'Authorization: #\r\nAccept: x'],
      ['curl -H "Cookie: a=b; c=d" https://h', 'curl -H "Cookie: #" https://h'],
      ['authorization=Bearer abc, x', 'authorization=#, x'],
      ['token="not closed', 'token="#'],
      ['{"password":"cut of', '{"password":"#'],
      ['secret: {"never": "closed', 'secret: #'],
      ['(token=abc)', '(token=#)'],
      ['--password=abc', '--password=#'],
      ['aws_secret_access_key = wJalrXUtnFEMI/K7MDENG', 'aws_secret_access_key = #'],
      ['password=abc\\npwd=d', 'password=#\\npwd=#'],
      ['Host          : db\nPassword      : abc', 'Host          : db\nPassword      : #'],
      ['password\u00a0:\u00a0abc', 'password\u00a0:\u00a0#'],
      ['password：abc', 'password：#'],
      ['password:\n  abc\nhost: db', 'password:\n  #\nhost: db'],
      ['password: |-\r\n  correct horse\r\nhost: db', 'password: |-\r\n  #\r\nhost: db'],
      ['secrets:\n  - abc\n  - d e\nhost: db', 'secrets:\n  #\nhost: db'],
      ['{"password":\n"abc"}', '{"password":\n"#"}'],
      ["{ 'password': 'abc' }", "{ 'password': '#' }"],
      ["cookies: [ 'a]', `b]`, 'it\\'s' ], n: 1", 'cookies: #, n: 1'],
      ["secret: { note: it's, deep: { b: '}' } }, n: 1", 'secret: #, n: 1'],
      ["password: 'ab\\n' +\n    'cd', n: 1", "password: '#', n: 1"],
      ['Password="a""b"', 'Password="#"'],
      [JSON.stringify({ raw: 'Cookie: a="1"; b=2', n: 1 }), '{"raw":"Cookie: #","n":1}'],
      [
        JSON.stringify({ raw: 'GET /\r\nCookie: a="1"; b=2\r\nHost: h', n: 1 }),
        '{"raw":"GET /\\r\\nCookie: #\\r\\nHost: h","n":1}',
      ],
      [
        JSON.stringify({ json: JSON.stringify({ raw: 'GET /\nCookie: a="1"; b=2\nHost: h' }) }),
        '{"json":"{\\"raw\\":\\"GET /\\\\nCookie: #\\\\nHost: h\\"}"}',
      ],
      ['"a\\u0026pwd=1"', '"a\\u0026pwd=#"'],
      ['C:\\new\\token=abc', 'C:\\new\\token=#'],
      ['Authorization: Digest a="b",\r\n response="c"\r\nHost: h', 'Authorization: #\r\nHost: h'],
      ['cookie=a=1; b=2 path=/', 'cookie=# path=/'],
      ['password=a"b password=it\'s password=a<b', 'password=# password=# password=#'],
      ['password=DOMAIN\\nancy', 'password=#'],
      ['password=a;b;c', 'password=#'],
      ['<p>password=abc<br>and</p>', '<p>password=#<br>and</p>'],
      [
        inspect({ password: 'abc', cookies: ["a]'", 'b'], n: 1 }, { colors: true }),
        "{ password: \u001b[32m'#'\u001b[39m, cookies: #, n: \u001b[33m1\u001b[39m }",
      ],
      [
        inspect(inspect({ password: 'abc', cookies: ['a]', 'b'], n: 1 }, { colors: true })),
        '"{ password: \\x1B[32m\'#\'\\x1B[39m, cookies: #, n: \\x1B[33m1\\x1B[39m }"',
      ],
      ['\u001b[1;35mpwd\u001b[39m: "abc"', '\u001b[1;35mpwd\u001b[39m: "#"'],
      ['pass: 1234567, pass: 12x', 'pass: #, pass: #'],
      ['Command failed: mysql -u root --password abc shop', 'Command failed: mysql -u root --password # shop'],
      ['mysql -pabc shop', 'mysql -p# shop'],
      ['mysql -p-abc shop', 'mysql -p# shop'],
      ["password=''abc&b=1", "password='#&b=1"],
      ['mysql -h db \\\n  -p "a b" shop', 'mysql -h db \\\n  -p "#" shop'],
      ['docker login -u ann -p abc', 'docker login -u ann -p #'],
      ["curl https://h -u 'ann:a b' -b a=b", "curl https://h -u '#' -b #"],
      ['curl --user ann:abc https://h', 'curl --user # https://h'],
      ['["mysql","-pabc","--token","a b"]', '["mysql","-p#","--token","#"]'],
      ['{"args":"[\\"--token\\",\\"abc\\"]"}', '{"args":"[\\"--token\\",\\"#\\"]"}'],
      ["[ 'redis-cli', '-a', 'abc' ]", "[ 'redis-cli', '-a', '#' ]"],
      ['java -password abc', 'java -password #'],
      ['<Password>abc</Password>', '<Password>#</Password>'],
      ['<wsse:Password Type="x">a b</wsse:Password>', '<wsse:Password Type="x">#</wsse:Password>'],
      ['<password><![CDATA[a<b]]></password>', '<password><![CDATA[#]]></password>'],
      ['<password>\n  abc</password>', '<password>\n  #</password>'],
      ['<password>abc', '<password>#'],
      ['to=pwd%3Dabc%26b%3D2&c=3', 'to=pwd%3D#%26b%3D2&c=3'],
      ['q=%7B%22pwd%22%3A%22abc%22%7D', 'q=%7B%22pwd%22%3A%22#%22%7D'],
      ['otp: 123456, sig=abc', 'otp: #, sig=#'],
      ['passphrase: none shall pass', 'passphrase: #'],
      ['so password:\n  hunter2-x it is', 'so password:\n  # it is'],
      ['password:\n  Hunter2-x: no', 'password:\n  # no'],
      ['password: Path `password` (`hunter 2`) is shorter than', 'password: Path `password` (`#`) is shorter than'],
      ['password: Path `password` (`abc`, length 3) is', 'password: Path `password` (`#`, length 3) is'],
      ['password: Path `password` is invalid (a b).', 'password: Path `password` is invalid (#'],
      [
        'pwd: Cast to string failed for value "abc" (type string)',
        'pwd: Cast to string failed for value "#" (type string)',
      ],
      ['pwd: Validator failed for path `pwd` with value `abc`', 'pwd: Validator failed for path `pwd` with value `#`'],
      ['curl --user=ann:abc https://h', 'curl --user=# https://h'],
      [`token=$${'A'.repeat(63)}SECRETsecret123`, 'token=#'],
      [`token=$${'A'.repeat(200)}SECRETsecret123 b`, 'token=# b'],
      [`auth=process.env.${'A'.repeat(200)}/x1`, 'auth=#'],
      [`token=no${'!'.repeat(200)}x1`, 'token=#'],
      [`PWD=/${'a/'.repeat(99)}x!1`, 'PWD=#'],
      [`tool --password A_${'A'.repeat(200)}x1 b`, 'tool --password # b'],
      [`tool --password -${'a'.repeat(200)}1 b`, 'tool --password # b'],
      ['tool --password -xK9f run', 'tool --password # run'],
      ['<password>abc<', '<password>#<'],
      [
        '[{"name":"a","value":"b"},{"name":"Cookie","value":"c d"}]',
        '[{"name":"a","value":"b"},{"name":"Cookie","value":"#"}]',
      ],
      ['{"value":"a b","msg":"x","path":"password"}', '{"value":"#","msg":"x","path":"password"}'],
      [
        inspect([{ name: 'password', value: 'abc' }], { colors: true }),
        "[ { name: \u001b[32m'password'\u001b[39m, value: \u001b[32m'#'\u001b[39m } ]",
      ],
      ['<add key="password" value="abc"/>', '<add key="password" value="#"/>'],
      ['<property name="password" x>a b</property>', '<property name="password" x>#</property>'],
      ['["Accept","*/*","X-Api-Key","a b","Host","h"]', '["Accept","*/*","X-Api-Key","#","Host","h"]'],
      ['"[\\"password\\",\\"abc\\"]"', '"[\\"password\\",\\"#\\"]"'],
      ['["password",12345]', '["password",#]'],
      [
        inspect([['password', 'abc']], { colors: true }),
        "[ [ \u001b[32m'password'\u001b[39m, \u001b[32m'#'\u001b[39m ] ]",
      ],
      ['q=%5B%22pwd%22%2C%22abc%22%5D', 'q=%5B%22pwd%22%2C%22#%22%5D'],
    ],
    [
      'status: ok, count=3',
      'at 10:20:30 on localhost:8080',
      'password: ',
      'token=""',
      'token: null, x',
      'https://host/path',
      'a == b',
      'author: ann',
      'node:internal/modules:12:3',
      'Tests: pass: 12, fail: 0',
      'pass: true, auth=false, {"auth":true}',
      'sig=SIGTERM, sig: 15',
      'auth: 12ms, token: 5, cookies: 12 set, Pass: 3 of 4',
      'tokens: 15000',
      'token: none, pwd: (missing), otp: invalid.',
      'jwt: expired',
      'token: expected string, got number',
      'password: must be at least 8 characters',
      'authorization: not allowed for /x',
      'Cookie: disabled',
      'passphrase: none',
      'credentials: same-origin',
      'password=%DB_PASSWORD% token: process.env.TOKEN',
      'PWD=/home/ann',
      'at Object.secret:12:5',
      'Invalid token:\n    at parse (parser.js:1:2)',
      'Enter password:\nLast login: today',
      'secret:\n  name: a',
      'password:\n\n\n',
      'password=<none>',
      'the --password flag is deprecated, use --token <token> or --token TOKEN',
      'docker run -p 80:80 --user 1000:1000 x; mkdir -p a',
      'mysql shop\nmkdir -p abc',
      'curl -u ann https://h',
      'a--token b, x/-p y, --, -, --token',
      'Usage: <token> is required, Promise<Token> x, <token></token>, <password/>',
      '<p>Pass the <token> to <code>x</code></p>',
      '100% of%20it %zz %',
      "var cookie = require('cookie'), tokens = lex.run();",
      '{"cookie":"~1.0.2","csrf":"3.1.0-rc.1"}',
      ".arguments('<user> <password>');",
      'First pass: estimate size',
      '{"name":"colour","value":"red"},{"name":"password"}',
      '<property name="colour">red</property><input name="password"></input>',
      'a["token"] = b, ["email","password"], ["password",null]',
      'SyntaxError: Unexpected token: punc (})',
      'password: reset link sent',
      'ii  xauth:amd64 1:1.1',
      'password: Path `password` is required.',
      'Reset your password:\nClick the link below',
      'Invalid token:\n2026-11-23T10:20:30Z next',
      'auth:\n  oauth2: x',
      'tool --password -v --token --dry-run -p80 --secret -Dname=x',
      'curl --user=ann https://h',
    ],
  ],
])('%s', (name, secrets, harmless) => {
  test.each(secrets)('%j becomes %j', (text, becomes) => {
    expect(clean(text, { detect: [name] })).toBe(becomes);
  });
  test.each(secrets.map(([text]) => [text]))('%j stays if it is not looked for', (text) => {
    expect(clean(text, { detect: false })).toBe(text);
  });
  test.each(harmless.map((text) => [text]))('%j stays', (text) => {
    expect(clean(text, { detect: [name] })).toBe(text);
  });
});

test('what is not looked for stays, what is found is replaced once, whoever finds it', () => {
  const text = `Authorization: Bearer ${JWT}\ntoken=${GITHUB}&card=4111111111111111 https://u:${GITHUB}@h`;
  expect(clean(text)).toBe('Authorization: #\ntoken=#&card=# https://#@h');
  expect(clean(text, { detect: ['jwt'] })).toBe(text.replace(JWT, '#'));
});

test('an e-mail address is looked for only if it is named', () => {
  expect(clean('ann@example.com')).toBe('ann@example.com');
  expect(clean('ann@example.com', { rules: [{ detect: ['email'] }] })).toBe('#');
});

test.each([
  ['4111 1111 11', '#'],
  ['to DE89 3704 0044 05', 'to #'],
  ['4111 1111 1', '#'],
  ['postgres://ann:hunt', 'postgres://#'],
  ['postgres://ann:hunt/er', 'postgres://#'],
  ['smtp://ann@example.com:hunt', 'smtp://#'],
  ['https://Kq7wZ3mX9pL2vB5n', 'https://#'],
])('the rest of what was cut is secret: %j', (text, becomes) => {
  expect(clean(text)).toBe(text);
  expect(clean(text, {}, true)).toBe(becomes);
});

test.each([
  'took 250000',
  'card 4111 1111',
  'at http://localhost:8080',
  'to postgres://db:5432',
  'see https://shop.example/a/b',
  'status: 200',
  'see https://shop.example.com',
  'see https://localhost',
])('the end of what was cut stays if it is no secret: %j', (text) => {
  expect(clean(text, {}, true)).toBe(text);
});

test.each(['ann@shop.c', 'ann@shop.example.c', 'ann@shop', 'ann@'])(
  'the rest of an address that was cut: %j',
  (text) => {
    expect(clean(text, { detect: ['email'] })).toBe(text);
    expect(clean(text, { detect: ['email'] }, true)).toBe('#');
  },
);

test('keys are those of the options, in texts too', () => {
  expect(clean('pin=12, password=34', { keys: ['PIN'], wellKnown: false })).toBe('pin=#, password=34');
  expect(clean('loyalty number: 12 and no more', { keys: ['loyaltyNumber'] })).toBe('loyalty number: # and no more');
});

const anySecret = fc.constantFrom(
  JWT,
  GITHUB,
  PEM,
  'AKIAIOSFODNN7EXAMPLE',
  '4111111111111111',
  'DE89370400440532013000',
  'xoxb-123456789012-abcdefghij',
  `Basic ${b64('user:pass')}`,
  'https://user:pass-1@host/',
  'password="pass-1"',
  '?token=pass-1',
);
const words = fc.array(
  fc.constantFrom(...'the order, was; paid (for) by: ann; at=10 <b> 12 x/y.'.split(' '), '\n', '…'),
);

test('a secret is found between any words, however often, and nothing else is changed', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(words, anySecret), { maxLength: 4 }), words, (parts, last) => {
      const text = [...parts.map(([before, secret]) => `${before.join(' ')} ${secret}`), last.join(' ')].join(' ');
      const result = clean(text);
      for (const [, secret] of parts) expect(result).not.toContain(secret);
      expect(result).not.toMatch(/pass-1|dXNlcjpwYXNz/);
      if (parts.length === 0) expect(result).toBe(text);
    }),
    { numRuns: 300 },
  );
});

const KEYS = [
  'password',
  'db_password',
  'apiKey',
  'X-Api-Key',
  'access_token',
  'passwordHash',
  'user.password',
  'auth_key',
];
const PLANTED = 'Zq7hunter2Zq';
/** A planted secret behind what could end it too early. */
const anyValue = fc
  .tuple(
    fc.constantFrom('', 'a', '$'),
    fc.constantFrom('', ...'"\'\\<>;,&=:@/?#$%+(){}[]|é\n `~\t-'.split(''), '\\n', '""', "''", '%20'),
    fc.constantFrom('', 'b'),
  )
  .map((parts) => parts.join('') + PLANTED);
/** The same for what has neither quotes nor an encoding. */
const bareValue = fc
  .tuple(
    fc.constantFrom('', 'a'),
    fc.constantFrom('', ...'<!@$*~^%+=/:?#([{;-._é\'"'.split('')),
    fc.constantFrom('', 'b'),
  )
  .map((parts) => parts.join('') + PLANTED)
  .filter((value) => !/^["'`{[<(-]/.test(value));

const inObject = (key: string, value: string) => ({ host: 'db', [key]: value, n: 1, deep: [{ [key]: value }] });
const escapedXml = (value: string) => value.replace(/[&<>"]/g, (unit) => `&#${unit.charCodeAt(0)};`);

test.each<[string, fc.Arbitrary<string>, (key: string, value: string) => string]>([
  ['JSON', anyValue, (k, v) => JSON.stringify(inObject(k, v))],
  ['JSON over several lines', anyValue, (k, v) => JSON.stringify(inObject(k, v), null, 2)],
  ['JSON in JSON', anyValue, (k, v) => JSON.stringify({ b: JSON.stringify(inObject(k, v)) })],
  ['JSON thrice', anyValue, (k, v) => JSON.stringify(JSON.stringify(JSON.stringify(inObject(k, v))))],
  ['inspect', anyValue, (k, v) => inspect(inObject(k, v))],
  ['inspect in colours', anyValue, (k, v) => inspect(inObject(k, v), { colors: true })],
  ['inspect twice', anyValue, (k, v) => inspect(inspect(inObject(k, v)))],
  ['inspect in JSON', anyValue, (k, v) => JSON.stringify({ m: inspect(inObject(k, v), { colors: true }) })],
  ['an inspected Map', anyValue, (k, v) => inspect(new Map([[k, v]]))],
  ['a query', anyValue, (k, v) => `GET /x?a=1&${encodeURIComponent(k)}=${encodeURIComponent(v)}&b=2 HTTP/1.1`],
  ['a form', anyValue, (k, v) => new URLSearchParams({ a: '1', [k]: v, b: '2' }).toString()],
  [
    'a query in a query',
    anyValue,
    (k, v) => `/in?to=${encodeURIComponent(`https://h/?a=1&${k}=${encodeURIComponent(v)}&b=2`)}&c=3`,
  ],
  ['JSON in a query', anyValue, (k, v) => `q=${encodeURIComponent(JSON.stringify(inObject(k, v)))}`],
  ['an XML element', anyValue, (k, v) => `<r><a>1</a><${k}>${escapedXml(v)}</${k}></r>`],
  ['an XML attribute', anyValue, (k, v) => `<r ${k}="${escapedXml(v)}" b="1"/>`],
  ['YAML', anyValue, (k, v) => `a: 1\n  ${k}: ${JSON.stringify(v)}\nb: 2`],
  ['YAML without quotes', bareValue, (k, v) => `a: 1\n  ${k}:   ${v}\nb: 2`],
  ['an environment', bareValue, (k, v) => `A=1\n${k}=${v}\nB=2`],
  ['a table', bareValue, (k, v) => `Host${' '.repeat(20)}: db\n${k.padEnd(24)}: ${v}\n`],
  ['a command', bareValue, (k, v) => `Command failed: tool -v --${k} ${v} run\nexit 1`],
  ['arguments', anyValue, (k, v) => inspect(['tool', `--${k}`, v, 'run'])],
  ['arguments in JSON', anyValue, (k, v) => JSON.stringify({ argv: ['tool', `--${k}`, v] })],
  ['mysql', bareValue, (_, v) => `Command failed: mysql -u root -p${v} shop`],
  ['curl', bareValue, (_, v) => `curl -s -u ann:${v} https://h`],
  ['an address', anyValue, (_, v) => `connect postgres://ann:${encodeURIComponent(v)}@db:5432/shop`],
  ['a connection string', bareValue, (_, v) => `Server=db;User Id=a;Password=${v};Encrypt=yes`],
  [
    'headers',
    bareValue,
    (_, v) => `GET / HTTP/1.1\r\nCookie: a=1; sid=${v}\r\nAuthorization: Token ${v}\r\nX-Api-Key: ${v}\r\n\r\n`,
  ],
  [
    'headers in JSON',
    bareValue,
    (_, v) => JSON.stringify({ raw: `Set-Cookie: a="1"; sid=${v}\r\nAuthorization: Digest a="b", c="${v}"\r\n` }),
  ],
  ['a stack', bareValue, (k, v) => `Error: login with ${k}=${v} failed\n    at f (/a/b.js:1:2)`],
])('whatever a secret is made of, none survives in %s', (_, value, make) => {
  fc.assert(
    fc.property(fc.constantFrom(...KEYS), value, (key, secret) => {
      expect(clean(make(key, secret))).not.toContain('hunter2');
    }),
    { numRuns: 200 },
  );
});

test('the glance for numbers misses none', () => {
  const number = fc.constantFrom(
    '4111111111111111',
    '3782 822463 10005',
    '4222 2222 22222',
    'NO9386011117947',
    'GB82 WEST 1234 5698 7654 32',
  );
  const lower = fc.string({ unit: fc.constantFrom('a', 'z', '_', '/', ' '), maxLength: 40 });
  fc.assert(
    fc.property(lower, number, lower, (before, secret, after) => {
      expect(mayHoldNumber(`${before}${secret}${after}`)).toBe(true);
    }),
  );
});

describe('work grows with the length of the text alone', () => {
  const rules = new Map<readonly DetectorName[], Rules>();
  /** Looks at characters of a text, in all, per character. */
  const work = (source: string, detect: readonly DetectorName[], isCut: boolean): number => {
    const probe = counted(source);
    if (!rules.has(detect)) rules.set(detect, rulesOf({ detect: [...detect] }, clock));
    scan(probe.text, rules.get(detect) as Rules, isCut, [], (_, from) => {
      const at = findMark(source, from);
      probe.step((at < 0 ? source.length : at) - from);
      return at;
    });
    return probe.steps() / source.length;
  };

  /**
   * Undefined if four times the text is no more than five times the work, and a character is looked at some hundred times
   * at most; else how often it is. What reaches far but not for ever shows only in long texts that it is no more: they are
   * asked in doubt.
   */
  const excess = (
    make: (length: number) => string,
    detect: readonly DetectorName[] = DETECTORS,
    isCut = true,
  ): readonly number[] | undefined => {
    let looks: number[] = [];
    for (const length of [512, 8_192, 65_536]) {
      looks = [length, 4 * length].map((n) => work(make(n), detect, isCut));
      const [short, long] = looks as [number, number];
      if (long <= short * 1.25 + 2 && long < 1_500) return undefined;
      if (length > 512 && long > short * 2) break;
    }
    return looks;
  };
  const repeated =
    (opening: string, unit: string, end: string) =>
    (length: number): string =>
      opening + unit.repeat(Math.ceil(length / unit.length)).slice(0, length) + end;

  const subsets = DETECTORS.flatMap((one) => [[one], DETECTORS.filter((other) => other !== one)]);

  test.each(adversaries)('%s, whatever is looked for', (_, make) => {
    for (const detect of [DETECTORS, ...subsets]) expect([detect, excess(make, detect)]).toEqual([detect, undefined]);
  });

  test('all openings before all units', () => {
    const found: unknown[] = [];
    for (const opening of openings) {
      for (const unit of units) {
        for (const end of ['', ' .']) {
          const looks = excess(repeated(opening, unit, end));
          if (looks !== undefined) found.push([opening, unit, end, looks]);
        }
      }
    }
    expect(found).toEqual([]);
  });

  test('any other texts', () => {
    const some = (maxLength: number) =>
      fc.array(fc.constantFrom(...units), { minLength: 1, maxLength }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(
        fc.option(some(3), { nil: '' }),
        some(5),
        fc.subarray([...DETECTORS]),
        fc.boolean(),
        (a, b, d, isCut) => {
          expect(excess(repeated(a, b, isCut ? '' : ' .'), d.length === 0 ? DETECTORS : d, isCut)).toBeUndefined();
        },
      ),
      { numRuns: 1_500 },
    );
  });
});
