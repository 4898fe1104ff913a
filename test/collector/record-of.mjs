// @ts-check
// One record for each number: whoever knows the number knows every field, so nothing about the load has to be stored.

/** The attribute that holds the number. */
const ID = 'record.id';

/**
 * The number of a record that arrived, NaN if it has none.
 * @param {import('./received.mjs').Received} record
 */
export const idOf = ({ attributes }) => Number(attributes[ID]);

const LEVELS = /** @type {const} */ (['trace', 'debug', 'info', 'warn', 'error', 'fatal']);
const TEXTS = [
  'plain',
  '',
  'Grüße aus Köln',
  'שלום עולם',
  'مرحبا',
  '日本語のログ',
  'ne\u0301e, née',
  '👩‍🚀 family 👨‍👩‍👧‍👦',
  'quote " backslash \\ tab \t line \n return \r nul \u0000 bell \u0007',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as an attacker would write it
  '<script>&amp;</script> ${jndi:x} %s %d',
  '\u2028\u2029\ufeff\uffff',
];

/**
 * What is written for a number, and thereby what has to arrive.
 *
 * @param {number} id
 */
export function recordOf(id) {
  const random = mix(id);
  const text = TEXTS[random % TEXTS.length];
  const isEvent = id % 5 !== 0;
  const first = isEvent ? `load.event_${id % 37}` : `message ${id}: ${text}`;
  /** @type {Record<string, unknown>} */
  const attributes = {
    [ID]: id,
    small: (random % 2001) - 1000,
    large: -Number.MAX_SAFE_INTEGER + random,
    ratio: id + 0.5,
    tiny: random * 1e-300,
    huge: 1e300 * (1 + (id % 7)),
    yes: id % 2 === 0,
    text,
    bytes: Uint8Array.of(id & 255, (id >> 8) & 255, 0, 255),
    words: [text, `word ${id}`, ''],
    mixed: [id, 0.25, true, null, 'end', [id, [text]], { in: id }],
    none: [],
    empty: {},
    nested: { id, a: { b: { c: { d: [text, id / 8 + 0.01, { e: false }] } } }, nothing: null },
  };
  attributes[`key ${TEXTS[(id + 1) % TEXTS.length]}`] = id;
  if (id % 1000 === 999) attributes.long = `${text}-`.repeat(500);
  return {
    // One logger for each thousand.
    scope: `load.${Math.floor(id / 1000)}`,
    level: LEVELS[random % LEVELS.length] ?? 'info',
    severityNumber: 1 + 4 * (random % LEVELS.length),
    first,
    eventName: isEvent ? first : '',
    body: first,
    attributes,
    // Every third record is written outside of any trace.
    spanContext: id % 3 === 0 ? undefined : { traceId: hex(random, 32), spanId: hex(random, 16), traceFlags: id % 2 },
  };
}

/**
 * A 32-bit hash (the last step of MurmurHash3).
 * @param {number} id
 */
function mix(id) {
  let hash = id + 0x9e3779b9;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * @param {number} seed
 * @param {number} length
 */
function hex(seed, length) {
  return (seed + 1).toString(16).padStart(8, '0').repeat(4).slice(-length);
}
