/**
 * JSON leaves these as they are, but some line readers take U+2028/2029 and NEL for line ends, and terminals obey C1
 * controls and bidi controls. JSON.stringify itself escapes C0 and lone surrogates.
 */
const ESCAPED_TOO = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
const EACH_ESCAPED_TOO = new RegExp(ESCAPED_TOO, 'g');

/** JSON text that no reader takes for two lines and no terminal obeys. It parses to the same value. */
export function oneLine(json: string): string {
  // All these characters can only be inside a string here, where the escape means the same.
  return ESCAPED_TOO.test(json) ? json.replace(EACH_ESCAPED_TOO, escaped) : json;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
