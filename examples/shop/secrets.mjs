// Secrets that the shop is given, new ones in every run, and the search for them in everything that arrives.
import { randomBytes, randomInt } from 'node:crypto';

export function makeSecrets() {
  const random = () => randomBytes(9).toString('hex');
  const digits = (count) => Array.from({ length: count }, () => randomInt(10)).join('');
  return {
    password: `pw-${random()}`,
    token: `tok-${random()}`,
    authorization: `Bearer ${random()}`,
    /** All cards start with these digits; the endings say how the gateway answers. */
    cardPrefix: `4${digits(11)}`,
  };
}

/** Searches bytes for secrets: `add` every body that arrives, uncompressed. */
export function secretSearch(secrets) {
  const needles = Object.entries(secrets).map(([name, text]) => [name, Buffer.from(text)]);
  const found = { bytes: 0, hits: 0, names: new Set() };
  return {
    found,
    add(body) {
      const haystack = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
      found.bytes += haystack.length;
      for (const [name, needle] of needles) {
        for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + 1)) {
          found.hits++;
          found.names.add(name);
        }
      }
    },
  };
}
