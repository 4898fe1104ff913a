import { readFileSync } from 'node:fs';
import process from 'node:process';
import { describe, expect, test } from '@jest/globals';
import { ConfigError } from './config-error.ts';
import { buildResource, type DetectedFacts, type ResourceOptions, sdkVersion } from './resource.ts';

const facts: DetectedFacts = {
  pid: 42,
  runtimeVersion: '20.19.0',
  executableName: 'node',
  hostName: 'box',
  arch: 'x64',
  platform: 'linux',
  instanceId: '5f2d1a4e-0000-4000-8000-000000000000',
};

function attributes(
  options: Omit<ResourceOptions, 'environment'> & Partial<ResourceOptions> = {},
  of: Partial<DetectedFacts> = {},
): Readonly<Record<string, unknown>> {
  const environment = { serviceName: undefined, resourceAttributes: undefined };
  return buildResource({ environment, ...options }, { ...facts, ...of }).attributes;
}

test('with nothing configured it holds what is detected, under the conventional names', () => {
  expect(attributes()).toEqual({
    'service.name': 'unknown_service:node',
    'service.instance.id': '5f2d1a4e-0000-4000-8000-000000000000',
    'telemetry.sdk.name': 'logspan',
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.version': sdkVersion,
    'process.pid': 42,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': '20.19.0',
    'process.executable.name': 'node',
    'host.name': 'box',
    'host.arch': 'amd64',
    'os.type': 'linux',
  });
});

test('the version is that of the package', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(sdkVersion).toBe(manifest.version);
});

test.each([
  ['x64', 'amd64'],
  ['arm', 'arm32'],
  ['arm64', 'arm64'],
  ['ia32', 'x86'],
  ['ppc', 'ppc32'],
  ['ppc64', 'ppc64'],
  ['s390x', 's390x'],
  ['riscv64', 'riscv64'],
])('arch %s is host.arch %s', (arch, expected) => {
  expect(attributes({}, { arch })['host.arch']).toBe(expected);
});

test.each([
  ['win32', 'windows'],
  ['darwin', 'darwin'],
  ['linux', 'linux'],
  ['sunos', 'solaris'],
  ['os390', 'zos'],
  ['freebsd', 'freebsd'],
])('platform %s is os.type %s', (platform, expected) => {
  expect(attributes({}, { platform })['os.type']).toBe(expected);
});

test('a host that does not tell its name has none', () => {
  expect(attributes({}, { hostName: undefined })).not.toHaveProperty(['host.name']);
});

describe('service.name', () => {
  const environment = { serviceName: 'from-name', resourceAttributes: { 'service.name': 'from-attributes' } };

  test.each([
    [
      'service',
      { service: { name: 'from-service' }, attributes: { 'service.name': 'x' }, environment },
      'from-service',
    ],
    ['attributes', { attributes: { 'service.name': 'from-code' }, environment }, 'from-code'],
    ['OTEL_SERVICE_NAME', { service: { name: undefined }, environment }, 'from-name'],
    ['OTEL_RESOURCE_ATTRIBUTES', { environment: { ...environment, serviceName: undefined } }, 'from-attributes'],
    [
      'the executable, when what is configured is empty',
      { environment: { serviceName: undefined, resourceAttributes: { 'service.name': '' } } },
      'unknown_service:node',
    ],
  ])('comes from %s', (_source, options, expected) => {
    expect(attributes(options)['service.name']).toBe(expected);
  });

  test('names the executable as the semantic conventions ask', () => {
    expect(attributes({}, { executableName: 'node.exe' })['service.name']).toBe('unknown_service:node.exe');
  });
});

test('every field of service has its attribute', () => {
  expect(
    attributes({ service: { name: 'checkout', version: '1.4.2', namespace: 'shop', instanceId: 'pod-1' } }),
  ).toMatchObject({
    'service.name': 'checkout',
    'service.version': '1.4.2',
    'service.namespace': 'shop',
    'service.instance.id': 'pod-1',
  });
});

test('attributes in code stand above the environment, and that above what is detected', () => {
  const environment = {
    serviceName: undefined,
    resourceAttributes: { 'host.name': 'env', 'deployment.environment.name': 'env', 'service.instance.id': 'env' },
  };
  expect(attributes({ attributes: { 'host.name': 'code' }, environment })).toMatchObject({
    'host.name': 'code',
    'deployment.environment.name': 'env',
    'service.instance.id': 'env',
  });
});

test('primitives and arrays of them are taken, undefined is left out', () => {
  const result = attributes({
    attributes: { s: '', n: 0, b: false, list: ['a', 1, true], empty: [], gone: undefined },
  });
  expect(result).toMatchObject({ s: '', n: 0, b: false, list: ['a', 1, true], empty: [] });
  expect(result).not.toHaveProperty('gone');
});

test('__proto__ is an attribute like any other', () => {
  const result = attributes({ attributes: JSON.parse('{"__proto__":"x"}') });
  expect(Object.entries(result)).toContainEqual(['__proto__', 'x']);
  expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
});

test('later changes of what was passed do not reach it', () => {
  const list = ['a'];
  const options = { list };
  const resource = buildResource({
    attributes: options,
    environment: { serviceName: undefined, resourceAttributes: undefined },
  });
  list.push('b');
  options.list = [];
  expect(resource.attributes.list).toEqual(['a']);
  for (const held of [resource, resource.attributes, resource.attributes.list]) {
    expect(Object.isFrozen(held)).toBe(true);
  }
});

describe('a mistake in code is a ConfigError that names the option', () => {
  const sparse = ['a', 'b'];
  delete sparse[0];
  const invalid: readonly (readonly [string, unknown, string])[] = [
    ['attributes["when"]', { attributes: { when: new Date(0) } }, 'not an object'],
    ['attributes["a.b"]', { attributes: { 'a.b': null } }, 'not null'],
    ['attributes["big"]', { attributes: { big: 1n } }, 'not a bigint'],
    ['attributes["fn"]', { attributes: { fn: () => 1 } }, 'not a function'],
    ['attributes["list"][1]', { attributes: { list: ['a', {}] } }, 'not an object'],
    ['attributes["list"][0]', { attributes: { list: sparse } }, 'not undefined'],
    ['attributes["list"][0]', { attributes: { list: [['a']] } }, 'not an array'],
    ['attributes[""]', { attributes: { '': 'x' } }, 'must have a name'],
    ['attributes', { attributes: ['a'] }, 'not an array'],
    ['attributes', { attributes: null }, 'not null'],
    ['service', { service: 'checkout' }, 'not "checkout"'],
    ['service.name', { service: { name: '' } }, 'not ""'],
    ['service.version', { service: { version: 2 } }, 'not 2'],
    ['service.nmae', { service: { nmae: 'checkout' } }, 'name, version, namespace, instanceId'],
    ['service.constructor', { service: { constructor: 'x' } }, 'is not an option'],
  ];

  test.each(invalid)('%s', (option, options, said) => {
    const build = () => attributes(options as ResourceOptions);
    expect(build).toThrow(ConfigError);
    expect(build).toThrow(expect.objectContaining({ option, message: expect.stringContaining(said) }));
  });
});

describe('without injected facts', () => {
  const environment = { serviceName: undefined, resourceAttributes: undefined };

  test('it describes this process', () => {
    const found = buildResource({ environment }).attributes;
    expect(found['process.pid']).toBe(process.pid);
    expect(found['process.runtime.version']).toBe(process.versions.node);
    expect(process.execPath.endsWith(String(found['process.executable.name']))).toBe(true);
    expect(found['process.executable.name']).not.toMatch(/[\\/]/);
  });

  test('every instance has its own UUID', () => {
    const first = buildResource({ environment }).attributes['service.instance.id'];
    expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(buildResource({ environment }).attributes['service.instance.id']).not.toBe(first);
  });

  test('no argument of the command line is in it', () => {
    const before = process.argv;
    process.argv = [...before, '--password=hunter2'];
    try {
      expect(JSON.stringify(buildResource({ environment }))).not.toContain('hunter2');
    } finally {
      process.argv = before;
    }
  });
});
