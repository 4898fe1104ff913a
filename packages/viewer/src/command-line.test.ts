import { expect, test } from '@jest/globals';
import { parseCommandLine } from './command-line.ts';

test('nothing asked', () => {
  expect(parseCommandLine([])).toEqual({ json: false, quiet: false, help: false });
});

test('everything asked', () => {
  expect(parseCommandLine(['--port', '0', '--host=::1', '--json', '--quiet', '--help'])).toEqual({
    port: 0,
    host: '::1',
    json: true,
    quiet: true,
    help: true,
  });
});

test.each([
  [['--prot', '1'], "Unknown option '--prot'. Allowed: --port, --host, --json, --quiet, --help"],
  [['extra'], "Unexpected argument 'extra'"],
  [['--port'], "'--port <value>' argument missing"],
  [['--port', 'x'], '--port: expected a whole number from 0 to 65535'],
  [['--port='], '--port: expected'],
  [['--port=65536'], '--port: expected'],
  [['--json=1'], "'--json' does not take an argument"],
])('%j is told to be wrong', (args, message) => {
  expect(() => parseCommandLine(args)).toThrow(message);
});
