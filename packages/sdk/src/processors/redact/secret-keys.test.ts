import { describe, expect, test } from '@jest/globals';
import { SecretKeys } from './secret-keys.ts';

const rule = {
  name: 'well-known keys',
  action: { name: 'replace', text: () => '#', value: () => '#' },
  order: 0,
} as const;
const known = new SecretKeys([], rule);
const words = (text: string): [string][] => text.split(/\s+/).map((word) => [word]);

describe('secret', () => {
  test.each(
    words(
      `password db_password password2 password_confirm passwordRepeat passwordHash password_plain passwordNew user_password_hash
      dbPasswordPlain rawPassword passwd_new passwords new-passwords passwordConfirmation
      authorization authorizationHeader authorization_code http.request.header.authorization basicAuth authHeader x-auth
      cookie cookieHeader cookieString cookies Set-Cookie privateKeyPem private_key_base64 privateKeys
      credentials userCredentials awsCredentials client_credentials
      accessTokens api_tokens refresh_tokens tokenValue token_hash csrf _csrf xsrf csrfToken
      apiKeys accessKeys api_key_v2 secretValue sessionKey hmacKey sshKey auth_key x-functions-key webhookSecretKey
      signature SAMLResponse client_assertion connString jwtSecret DB_PASS wsse:Password user[password] page_access_token`,
    ),
  )('%s', (key) => {
    expect(known.ruleOf(key)).toBe(rule);
    expect(known.decide(key)).toBe(rule);
  });
});

describe('not secret', () => {
  test.each(
    words(
      `primary_key foreign_key cache_key public_key partition_key sort_key key keys keyboard hotkeys monkey translation_keys
      author authority authors auth0 oauth authenticated authorized authorizationUrl authorization_endpoint
      cookie_consent cookieDomain cookiesEnabled cookie_name cookieMaxAge cookiePath cookiecutter
      password_changed_at passwordLastChanged password_length passwordPolicy password_required passwordless
      password_reset_url passwordExpiresAt passwordStrength private_key_path privateKeyId
      passenger passport compass bypass pass_count passed passing_score
      tokens this.tokens usage.tokens tokenizer max_tokens prompt_tokens completionTokens usage.total_tokens maxOutputTokens input_tokens_id
      nextToken nextContinuationToken next_page_token cancelToken syncToken OLDPWD
      secretary session sessions signatures design code status id`,
    ),
  )('%s', (key) => {
    expect(known.ruleOf(key)).toBeUndefined();
    expect(known.decide(key)).toBeUndefined();
  });
});

test('letters in other forms are the same letters', () => {
  for (const key of ['ｐａｓｓｗｏｒｄ', '𝐩𝐚𝐬𝐬𝐰𝐨𝐫𝐝', 'ⓟⓐⓢⓢⓦⓞⓡⓓ', 'authoriﬁed-ｔｏｋｅｎ'])
    expect(known.decide(key)).toBe(rule);
  const own = new SecretKeys([['réf', rule]], undefined);
  expect(own.decide('REF'.replace('E', 'E\u0301'))).toBe(rule);
});

test('of a very long key the end counts, whatever is in it', () => {
  expect(known.decide(`${'\ufdfa'.repeat(2_000)}_password`)).toBe(rule);
  const long = 'a'.repeat(100);
  const own = new SecretKeys([[long, rule]], undefined);
  expect(own.decide(long.split('').join('_'))).toBe(rule);
  expect(own.decide(`b${long}`)).toBeUndefined();
});

test('a name of the user counts in any spelling, as a whole and as the last part, and goes before the known ones', () => {
  const own = { ...rule, name: 'own', order: -1 };
  const keys = new SecretKeys(
    [
      ['pin', own],
      ['user.pass_phrase', own],
      ['cookieName', own],
    ],
    undefined,
  );
  for (const key of ['PIN', 'p-i-n', 'card.pin', 'form[pin]', 'form%5Bpin%5D', 'userPassPhrase', 'cookie_name']) {
    expect(keys.decide(key)).toBe(own);
  }
  for (const key of ['pinned', 'spin', 'password', 'pass_phrase']) expect(keys.decide(key)).toBeUndefined();
});
