/**
 * The first line of an example's expected output that its real output does not have, in order. `…` stands for any text
 * within a line; lines between the expected ones do not matter; blank expected lines say nothing.
 *
 * @param {string} expected
 * @param {string} actual
 * @returns {{ number: number, line: string } | undefined}
 */
export function firstMissingLine(expected, actual) {
  const lines = actual.split(/\r?\n/);
  let next = 0;
  for (const [index, line] of expected.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const pattern = new RegExp(`^${line.trimEnd().split('…').map(literal).join('.*')}$`);
    while (next < lines.length && !pattern.test(lines[next]?.trimEnd() ?? '')) next += 1;
    if (next === lines.length) return { number: index + 1, line };
    next += 1;
  }
  return undefined;
}

/** @param {string} text */
function literal(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
