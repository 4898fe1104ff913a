import { expect, test } from '@jest/globals';
import { decodeLogs } from './decode.ts';
import { jsonLine } from './json-line.ts';

function decode(logRecord: object) {
  const request = { resourceLogs: [{ scopeLogs: [{ logRecords: [logRecord] }] }] };
  return decodeLogs(Buffer.from(JSON.stringify(request)), 'json')[0] as ReturnType<typeof decodeLogs>[number];
}

test('is JSON with every value of a record', () => {
  const attributes = [
    { key: 'big', value: { intValue: '9007199254740993' } },
    { key: 'bytes', value: { bytesValue: 'AAEC' } },
    { key: 'nan', value: { doubleValue: 'NaN' } },
    { key: 'list', value: { arrayValue: { values: [{ intValue: 1 }, {}] } } },
  ];
  expect(JSON.parse(jsonLine(decode({ timeUnixNano: '18446744073709551615', attributes })))).toMatchObject({
    timeUnixNano: '18446744073709551615',
    service: 'unknown_service',
    attributes: { big: '9007199254740993', bytes: 'AAEC', nan: 'NaN', list: [1, null] },
  });
});

test('is one line without a raw control character, and still says the same', () => {
  const body = 'a\nb\x1b[2J\x7f\x9b\u2028\u202e\ud83d \u{e0041}🎉';
  const line = jsonLine(decode({ body: { stringValue: body } }));
  expect(line).toMatch(/^[\x20-\x7e🎉]*$/u);
  expect(JSON.parse(line).body).toBe(body);
});
