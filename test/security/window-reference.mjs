// @ts-check
// What the windows of security rules mean, slow and obvious: every store has to come to the same alerts.

/** @typedef {import('../../packages/sdk/src/processors/security-monitor/store.ts').Sighting} Sighting */
/** @typedef {{ suppressed: number, spanMillis: number } | undefined} Alert */

/**
 * Since when the condition has been met with the sighting at this index. Undefined if it is not.
 * @typedef {(sightings: readonly Sighting[], index: number) => number | undefined} Met
 */

/**
 * @param {readonly Sighting[]} sightings
 * @param {number} index
 * @param {number} window
 */
function inWindow(sightings, index, window) {
  const { key, nowMillis } = /** @type {Sighting} */ (sightings[index]);
  return sightings.slice(0, index + 1).filter((other) => other.key === key && nowMillis - other.nowMillis < window);
}

/** @type {(threshold: number, window: number) => Met} */
export const enoughEvents = (threshold, window) => (sightings, index) =>
  inWindow(sightings, index, window).at(-threshold)?.nowMillis;

/** @type {(threshold: number, window: number) => Met} */
export const enoughValues = (threshold, window) => (sightings, index) => {
  const last = new Map(inWindow(sightings, index, window).map(({ value, nowMillis }) => [value, nowMillis]));
  return [...last.values()].sort((a, b) => b - a)[threshold - 1];
};

/**
 * Tries every beginning, the latest first: whether the rest of the sequence follows, and ends with this sighting.
 * @type {(counts: readonly number[], window: number) => Met}
 */
export const inOrder = (counts, window) => (sightings, index) => {
  const sequence = counts.flatMap((count, step) => new Array(count).fill(step));
  const recent = inWindow(sightings, index, window);
  for (let start = recent.length - 1; start >= 0; start--) {
    let done = 0;
    for (const [i, { steps }] of recent.slice(start).entries()) {
      const isLast = start + i === recent.length - 1;
      const isFinal = done === sequence.length - 1;
      if (isLast !== isFinal && (isLast || isFinal)) continue;
      if (steps.includes(sequence[done])) done++;
      else if (i === 0) break;
    }
    if (done === sequence.length) return recent[start]?.nowMillis;
  }
  return undefined;
};

/**
 * Every alert that there should be, by the index of the sighting: O(n²).
 *
 * @param {readonly Sighting[]} sightings
 * @param {Met} met
 * @param {number} cooldown
 * @returns {Alert[]}
 */
export function expectedAlerts(sightings, met, cooldown) {
  /** @type {Map<string, { at: number, suppressed: number }>} */
  const alerts = new Map();
  return sightings.map(({ key, nowMillis }, index) => {
    const since = met(sightings, index);
    const last = alerts.get(key);
    if (since === undefined) return undefined;
    if (last !== undefined && nowMillis - last.at < cooldown) {
      last.suppressed++;
      return undefined;
    }
    alerts.set(key, { at: nowMillis, suppressed: 0 });
    return { suppressed: last?.suppressed ?? 0, spanMillis: nowMillis - since };
  });
}
