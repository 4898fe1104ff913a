import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { enoughEvents, enoughValues, expectedAlerts, inOrder } from '../../../../../test/security/window-reference.mjs';
import { MemoryStore } from './memory-store.ts';
import type { Sighting, Verdict, WindowRule } from './store.ts';

const WINDOW = 100;
const COOLDOWN = 150;

const ruleOf = (rule: Partial<WindowRule>): WindowRule => ({
  id: 'rule',
  type: 'event_count',
  windowMillis: WINDOW,
  cooldownMillis: COOLDOWN,
  threshold: 5,
  steps: [],
  maxKeys: 10_000,
  ...rule,
});

const at = (nowMillis: number, key = 'alice', more: Partial<Sighting> = {}): Sighting => ({
  ...{ key, nowMillis, value: '', steps: [] },
  ...more,
});

const alertOf = (verdict: Verdict | undefined) => verdict?.alert;

/** With a fixed secret, so that what depends on the hash is the same every time. */
const newStore = () => new MemoryStore(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));

/** Any stream: several groups, several at one time, and gaps that are exactly the window, the cooldown, or beside them. */
const streams = (steps: number) =>
  fc
    .array(
      fc.record({
        gap: fc.oneof(
          { weight: 8, arbitrary: fc.nat(30) },
          fc.constantFrom(0, WINDOW - 1, WINDOW, WINDOW + 1, COOLDOWN),
        ),
        key: fc.constantFrom('a', 'b', 'c'),
        value: fc.constantFrom('u', 'v', 'w', 'x'),
        steps: fc.subarray([...new Array(steps).keys()], { minLength: Math.min(1, steps) }),
      }),
      { maxLength: 60 },
    )
    .map((events) => {
      let nowMillis = 1_000;
      return events.map(({ gap, ...event }): Sighting => {
        nowMillis += gap;
        return { ...event, nowMillis };
      });
    });

describe('alerts are those of a slow and obvious reference, for any stream', () => {
  test.each([1, 2, 3, 5])('event_count of %d', (threshold) => {
    fc.assert(
      fc.property(streams(0), (stream) => {
        const store = newStore();
        const alerts = stream.map((sighting) => alertOf(store.observe(ruleOf({ threshold }), sighting)));
        const expected = expectedAlerts(stream, enoughEvents(threshold, WINDOW), COOLDOWN);
        expect(alerts).toEqual(expected.map((alert) => alert && { count: threshold, ...alert }));
      }),
    );
  });

  test.each([1, 2, 3])('value_count of %d', (threshold) => {
    fc.assert(
      fc.property(streams(0), (stream) => {
        const store = newStore();
        const rule = ruleOf({ type: 'value_count', threshold });
        const alerts = stream.map((sighting) => alertOf(store.observe(rule, sighting)));
        const expected = expectedAlerts(stream, enoughValues(threshold, WINDOW), COOLDOWN);
        expect(alerts).toEqual(expected.map((alert) => alert && { count: threshold, ...alert }));
      }),
    );
  });

  test.each([[[1]], [[1, 1]], [[3, 1]], [[2, 1, 2]]])('temporal_ordered of %j', (counts) => {
    fc.assert(
      fc.property(streams(counts.length), (stream) => {
        const store = newStore();
        const threshold = counts.reduce((sum, count) => sum + count);
        const rule = ruleOf({ type: 'temporal_ordered', threshold, steps: counts });
        const alerts = stream.map((sighting) => alertOf(store.observe(rule, sighting)));
        const expected = expectedAlerts(stream, inOrder(counts, WINDOW), COOLDOWN);
        expect(alerts).toEqual(expected.map((alert) => alert && { count: threshold, ...alert }));
      }),
      { numRuns: 300 },
    );
  });

  test('without room there are fewer alerts, never false ones, and no more groups than there may be', () => {
    fc.assert(
      fc.property(streams(0), fc.integer({ min: 1, max: 2 }), (stream, maxKeys) => {
        const store = newStore();
        for (const [index, sighting] of stream.entries()) {
          const alert = alertOf(store.observe(ruleOf({ threshold: 3, maxKeys }), sighting));
          if (alert !== undefined) expect(enoughEvents(3, WINDOW)(stream, index)).toBeDefined();
          expect(store.size).toBeLessThanOrEqual(maxKeys);
        }
      }),
    );
  });
});

test('a record as old as the window is outside of it', () => {
  const fiveWithin = (millis: number) => {
    const store = newStore();
    for (let i = 0; i < 4; i++) store.observe(ruleOf({}), at(0));
    return alertOf(store.observe(ruleOf({}), at(millis)));
  };
  expect(fiveWithin(WINDOW - 1)).toEqual({ count: 5, suppressed: 0, spanMillis: WINDOW - 1 });
  expect(fiveWithin(WINDOW)).toBeUndefined();
});

describe('a storm', () => {
  test('of 20 000 sightings is one alert, and one for each cooldown, with the number of what was suppressed', () => {
    const store = newStore();
    const rule = ruleOf({ windowMillis: 300_000, cooldownMillis: 300_000 });
    const alerts: unknown[] = [];
    for (let i = 0; i < 20_000; i++) {
      const alert = alertOf(store.observe(rule, at(i * 50)));
      if (alert !== undefined) alerts.push([i * 50, alert.suppressed]);
    }
    expect(alerts).toEqual([
      [200, 0],
      [300_200, 5_999],
      [600_200, 5_999],
      [900_200, 5_999],
    ]);
  });
});

describe('who makes up keys does not push a victim out', () => {
  const KEYS = 200_000;
  const rule = ruleOf({ windowMillis: 300_000, cooldownMillis: 300_000 });

  /** The victim's five sightings, as far apart as they can be among the others. */
  function flood(seenEach: number, victim = 'victim') {
    const store = newStore();
    const alerts: number[] = [];
    let overflow = 0;
    let mostGroups = 0;
    let seen = 0;
    let nowMillis = 0;
    const observe = (key: string) => {
      const verdict = store.observe(rule, at(nowMillis, key));
      if (alertOf(verdict)) alerts.push(seen);
      overflow += verdict?.overflow ?? 0;
    };
    for (let i = 0; i < KEYS; i++) {
      nowMillis++;
      if (i % (KEYS / 5) === KEYS / 10) {
        seen++;
        observe(victim);
      }
      for (let n = 0; n < seenEach; n++) observe(`attacker-${i}`);
      mostGroups = Math.max(mostGroups, store.size);
    }
    return { alerts, overflow, mostGroups };
  }

  test.each([1, 2])('200 000 keys, each seen %d time(s): the victim alerts at its fifth, and nobody else', (times) => {
    const { alerts, overflow, mostGroups } = flood(times);
    expect(alerts).toEqual([5]);
    expect(mostGroups).toBe(10_000);
    expect(overflow).toBeGreaterThan(0);
  });

  test('suspects are the last to go: half way to an alert counts for more than any number of others', () => {
    const small = { ...rule, maxKeys: 100 };
    const store = newStore();
    for (let i = 0; i < 3; i++) store.observe(small, at(i, 'victim'));
    // More keys than even the faint table has room for.
    for (let i = 0; i < 20_000; i++) {
      for (let n = 0; n < 2; n++) store.observe(small, at(10 + i, `attacker-${i}`));
    }
    expect(alertOf(store.observe(small, at(30_000, 'victim')))).toBeUndefined();
    expect(alertOf(store.observe(small, at(30_000, 'victim')))).toMatchObject({ count: 5 });
  });

  test('and of a suspect every time is known, not only since when', () => {
    const small = ruleOf({ maxKeys: 100 });
    const store = newStore();
    for (const millis of [0, 90, 90]) store.observe(small, at(millis, 'victim'));
    for (let i = 0; i < 1_000; i++) {
      for (let n = 0; n < 2; n++) store.observe(small, at(95, `attacker-${i}`));
    }
    // The first of the victim's has left the window.
    for (let n = 0; n < 2; n++) expect(alertOf(store.observe(small, at(105, 'victim')))).toBeUndefined();
    expect(alertOf(store.observe(small, at(105, 'victim')))).toEqual({ count: 5, suppressed: 0, spanMillis: 15 });
  });

  test('a group in its cooldown stays, so that it does not alert again', () => {
    const small = { ...rule, windowMillis: 1_000, maxKeys: 100 };
    const store = newStore();
    for (let i = 0; i < 5; i++) store.observe(small, at(i, 'victim'));
    store.observe(small, at(2_000, 'victim'));
    for (let i = 0; i < 20_000; i++) {
      for (let n = 0; n < 2; n++) store.observe(small, at(2_000, `attacker-${i}`));
    }
    for (let i = 0; i < 50; i++) expect(alertOf(store.observe(small, at(2_000, 'victim')))).toBeUndefined();
  });

  test('though the window of its alert is over', () => {
    const small = ruleOf({ maxKeys: 1 });
    const store = newStore();
    const seen = (millis: number) => alertOf(store.observe(small, at(millis, 'victim')));
    for (let i = 0; i < 4; i++) expect(seen(0)).toBeUndefined();
    expect(seen(0)).toBeDefined();
    store.observe(small, at(WINDOW + 10, 'stranger'));
    for (let i = 0; i < 10; i++) expect(seen(COOLDOWN - 1)).toBeUndefined();
    expect(seen(COOLDOWN)).toMatchObject({ count: 5, suppressed: 6 });
  });

  test('what has left the window makes room without a word', () => {
    const small = ruleOf({ maxKeys: 100 });
    const store = newStore();
    for (let i = 0; i < 10_000; i++) expect(store.observe(small, at(i, `key-${i}`))).toBeUndefined();
    expect(store.size).toBe(100);
  });

  test('every sighting of a group without room says so, and no other', () => {
    const small = ruleOf({ maxKeys: 1, windowMillis: 1_000 });
    const store = newStore();
    for (let i = 0; i < 3_000; i++) {
      expect(store.observe(small, at(i, 'first'))?.overflow).toBeUndefined();
      expect(store.observe(small, at(i, `key-${i}`))).toEqual({ overflow: 1 });
    }
  });

  test('a rule that alerts at the first sighting misses none, and says for which there was no room', () => {
    const store = newStore();
    const small = ruleOf({ maxKeys: 10, threshold: 1 });
    const verdicts = Array.from({ length: 1_000 }, (_, i) => store.observe(small, at(0, `key-${i}`)));
    for (const verdict of verdicts) expect(alertOf(verdict)).toBeDefined();
    expect(verdicts.filter((verdict) => verdict?.overflow === 1)).toHaveLength(990);
    expect(store.size).toBe(10);
  });

  test('value_count and temporal_ordered come to their alerts as well', () => {
    const values = ruleOf({ type: 'value_count', threshold: 4, maxKeys: 100, windowMillis: 1e6 });
    const ordered = ruleOf({ type: 'temporal_ordered', threshold: 4, steps: [3, 1], maxKeys: 100, windowMillis: 1e6 });
    for (const one of [values, ordered]) {
      const store = newStore();
      const alerts: unknown[] = [];
      for (let n = 0; n < 6; n++) {
        for (let i = 0; i < 1_000; i++) store.observe(one, at(n, `attacker-${n}-${i}`, { value: 'v', steps: [0] }));
        const verdict = store.observe(one, at(n, 'group', { value: `v${n}`, steps: [n < 3 ? 0 : 1] }));
        if (alertOf(verdict)) alerts.push(n);
      }
      // Which value it was that came first is not remembered without room: one more is needed.
      expect(alerts).toEqual(one === values ? [4] : [3]);
    }
  });

  test('what begins no sequence takes no room', () => {
    const store = newStore();
    const rule = ruleOf({ type: 'temporal_ordered', threshold: 6, steps: [5, 1] });
    for (let i = 0; i < 1_000; i++) store.observe(rule, at(i, `user-${i}`, { steps: [1] }));
    expect(store.size).toBe(0);
  });
});
