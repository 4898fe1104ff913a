import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { through } from '../../../../../test/pipeline/recorder.ts';
import { ConfigError } from '../../provider/config-error.ts';
import { securityMonitor } from '../security-monitor.ts';
import { loadSigmaRules } from './load-sigma-rules.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'logspan-sigma-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The base rule in front, the correlation behind it, as they are published. */
const CARDS = `# Rules of the shop
---
title: Declined Card
id: 6f1c2a8e-52c1-4b7c-9f6c-6a2f6d0b7f10
name: card_declined
status: experimental
description: The bank declined a card
references:
    - https://shop.example/payments
author: Payments
date: 2026-01-12
logsource:
    category: application
    product: shop
detection:
    selection:
        EventName: 'payment_declined'
        reason|contains:
            - 'stolen'
            - 'cvc'
        amount_cents: 100
    condition: selection
falsepositives:
    - A customer with a new card
level: low
---
title: Card Testing From One Address
id: 2b9d94a5-0a39-4c0d-8d0c-9a2a4a0f9a11
status: experimental
correlation:
    type: value_count
    rules:
        - card_declined # by its name
    group-by:
        - client.address
    timespan: 10m
    condition:
        field: card.fingerprint
        gte: 3
tags:
    - attack.t1110.004
level: high
---
# Nothing but a comment
---
title: Declined Over And Over
name: declined_over_and_over
correlation:
    type: event_count
    rules: [6f1c2a8e-52c1-4b7c-9f6c-6a2f6d0b7f10]
    group-by: [client.address]
    timespan: 90m
    condition:
        gt: 4
`;

const declined = (card: string, more: object = {}) => ({
  eventName: 'payment_declined',
  attributes: {
    ...{ reason: 'Wrong CVC', amount_cents: 100, 'client.address': '192.0.2.1', 'card.fingerprint': card },
    ...more,
  },
});

describe('rules in YAML', () => {
  test('several documents of a text, as they are published, raise their alerts', async () => {
    const rules = await loadSigmaRules({ text: CARDS });
    expect(rules.map(({ id, type, window }) => [id, type, window])).toEqual([
      ['2b9d94a5-0a39-4c0d-8d0c-9a2a4a0f9a11', 'value_count', '10m'],
      ['declined_over_and_over', 'event_count', '90m'],
    ]);
    const { emit, end } = through(securityMonitor({ rules }));
    for (const card of ['a', 'b', 'b', 'c', 'a']) emit(declined(card));
    for (const more of [{ amount_cents: 99 }, { reason: 'no money' }]) emit(declined('d', more));
    const alerts = end.records.filter(({ writtenByStage }) => writtenByStage);
    expect(alerts.map(({ severityText, attributes }) => [severityText, attributes])).toEqual([
      [
        'ERROR',
        expect.objectContaining({
          count: 3,
          'client.address': '192.0.2.1',
          'security_rule.name': 'Card Testing From One Address',
          'security_rule.uuid': '2b9d94a5-0a39-4c0d-8d0c-9a2a4a0f9a11',
        }),
      ],
      ['WARN', expect.objectContaining({ alert_type: 'declined_over_and_over', count: 5 })],
    ]);
  });

  test('come from files and folders, which may refer to each other', async () => {
    const [base = '', ...correlations] = CARDS.split('---\ntitle: Card');
    mkdirSync(join(folder, 'rules', 'base'), { recursive: true });
    writeFileSync(join(folder, 'rules', 'base', 'card.yaml'), base);
    writeFileSync(join(folder, 'rules', 'correlations.yml'), `title: Card${correlations[0]}`);
    writeFileSync(join(folder, 'rules', 'README.md'), 'none');
    const expected = await loadSigmaRules({ text: CARDS });
    expect(await loadSigmaRules(join(folder, 'rules'))).toEqual(expected);
    expect(await loadSigmaRules(pathToFileURL(join(folder, 'rules')))).toEqual(expected);
    expect(
      await loadSigmaRules([
        join(folder, 'rules', 'correlations.yml'),
        pathToFileURL(join(folder, 'rules', 'base', 'card.yaml')),
      ]),
    ).toEqual(expected);
  });

  test('texts stay texts, whatever they look like', async () => {
    const [rule] = await loadSigmaRules({
      text: `
name: base
detection:
  selection: { EventName: login_failed, country: NO, agreed: yes, since: 2026-01-01, active: true, code: 010 }
  condition: selection
---
name: r
correlation: { type: event_count, rules: [base], timespan: 1m, condition: { gte: 1 } }
`,
    });
    expect(rule?.match).toEqual([
      {
        event: ['login_failed'],
        attributes: { country: ['NO'], agreed: ['yes'], since: ['2026-01-01'], active: [true], code: [10] },
        ignoreCase: true,
      },
    ]);
  });
});

describe('a mistake is a ConfigError that names the file and the line', () => {
  const failing = async (source: unknown) => {
    const error: unknown = await loadSigmaRules(source as string).catch((fault: unknown) => fault);
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  };

  test.each([
    [CARDS.replace('value_count', 'temporal'), 'loadSigmaRules[0](27).correlation.type: "temporal" is not supported'],
    [CARDS.replace('timespan: 10m', 'timespan: 1w'), 'loadSigmaRules[0](27).correlation.timespan: "1w" was given'],
    [
      CARDS.replace('gt: 4', 'eq: 4'),
      'loadSigmaRules[0](46).correlation.condition.eq: this condition is not supported',
    ],
    [
      CARDS.replace('    timespan: 90m', '    timespan: 90m\n    aliases: {}'),
      'loadSigmaRules[0](46).correlation.aliases: this part',
    ],
    [CARDS.replace('contains:', 're:'), 'loadSigmaRules[0](3).detection.selection.reason|re: the modifier "re"'],
    [CARDS.replace('- card_declined', '- card_lost'), 'loadSigmaRules[0](27).correlation.rules[0]: "card_lost" is the'],
    [`${CARDS}  x: [`, 'loadSigmaRules[0](55): is not YAML: BAD_'],
    ['a: 1\na: 2', 'loadSigmaRules[0](2): is not YAML: DUPLICATE_KEY'],
    ['a: !ruby/object 1', 'loadSigmaRules[0](1): is not YAML: TAG_RESOLVE_FAILED'],
    ['- a', 'loadSigmaRules[0](1): must be a map of fields, not an array'],
    [
      `a: &a [${'x,'.repeat(20)}]\nb: &b [${'*a,'.repeat(20)}]\nc: &c [${'*b,'.repeat(20)}]\nd: [${'*c,'.repeat(20)}]`,
      'loadSigmaRules[0](1): is not YAML: too many aliases',
    ],
    ['', 'loadSigmaRules: needs a correlation, because no rule'],
    ['# nothing yet\n---\n', 'loadSigmaRules: needs a correlation, because no rule'],
    [
      'title: x\nname: x\ndetection: { selection: { a: 1 }, condition: selection }',
      'loadSigmaRules: needs a correlation, because no rule',
    ],
  ])('%#', async (text, message) => {
    expect(await failing({ text })).toContain(message);
  });

  test('and so is a file that is not there, and what is no source', async () => {
    const file = join(folder, 'broken.yml');
    writeFileSync(file, '\n\nfilter: {}\n');
    expect(await failing(file)).toBe(`${file}(3).filter: filter is not supported`);
    expect(await failing(join(folder, 'none.yml'))).toBe(`${join(folder, 'none.yml')}: cannot be read: ENOENT`);
    mkdirSync(join(folder, 'empty'));
    expect(await failing(join(folder, 'empty'))).toContain('has no .yml or .yaml file');
    expect(await failing([])).toContain('loadSigmaRules: needs a correlation');
    for (const source of [7, null, '', {}, new URL('https://shop.example/rules.yml')])
      expect(await failing(source)).toContain('loadSigmaRules[0]: must be a file, a folder or { text }');
    expect(await failing(CARDS)).toContain('or { text }, not lines of text');
  });

  test('the package yaml may be given, and is asked for if it is not there', async () => {
    const yaml = await import('yaml');
    expect(await loadSigmaRules({ text: CARDS }, { yaml })).toHaveLength(2);
    jest.unstable_mockModule('yaml', () => {
      throw new Error('not found');
    });
    jest.resetModules();
    expect(await failing({ text: CARDS })).toBe('loadSigmaRules: needs the package yaml: npm install yaml');
  });
});
