// Eight log statements in a loop: what a disabled call costs is the time of this loop less that of the same loop without
// them. The loops are made from text, so that both loggers get the same code but for the order of their arguments.

const STATEMENTS = 8;
const CONSTANT = { cache: 'sessions', hit: false, size: 3 };
const CACHES = Array.from({ length: 64 }, (_, i) => `cache-${i}`);

function loop(fresh, attributesFirst, withCalls) {
  const statements = [];
  for (let n = 0; withCalls && n < STATEMENTS; n++) {
    const attributes = fresh ? `{ cache: CACHES[(i + ${n}) & 63], hit: (i & 1) === 0, size: i }` : 'CONSTANT';
    const name = `'cache_lookup_${n}'`;
    const call = attributesFirst ? `logger.debug(${attributes}, ${name})` : `logger.debug(${name}, ${attributes})`;
    // What a call answers goes into the sink, so that the call cannot be left out for being of no use.
    statements.push(`sink += ${call} === undefined ? 1 : 2;`);
  }
  return new Function(
    'CONSTANT',
    'CACHES',
    `return (logger, rounds) => {
      let sink = 0;
      for (let i = 0; i < rounds; i++) { sink ^= i; ${statements.join('\n')} }
      return sink;
    }`,
  )(CONSTANT, CACHES);
}

/**
 * The contestant for a logger whose minimum level is above debug. `written()` tells how many records came out of it,
 * `enable()` lowers the level, for the check that the statements would write if they were let.
 */
export function disabledCalls(logger, fresh, { attributesFirst = false, written, enable }) {
  const calls = loop(fresh, attributesFirst, true);
  const empty = loop(fresh, attributesFirst, false);
  let sink = 0;
  return {
    async run(times) {
      sink ^= calls(logger, Math.ceil(times / STATEMENTS));
      return { sink };
    },
    async floor(times) {
      sink ^= empty(logger, Math.ceil(times / STATEMENTS));
      return { sink };
    },
    async check(times) {
      calls(logger, times / STATEMENTS);
      const disabled = await written();
      enable();
      calls(logger, times / STATEMENTS);
      return { disabled, enabled: (await written()) - disabled };
    },
  };
}
