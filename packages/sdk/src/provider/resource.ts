import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { basename } from 'node:path';
import process from 'node:process';
import { flat, type Step } from '../pipeline/pipe.ts';
import type { Resource, Stage } from '../pipeline/stage.ts';
import { checkOptions } from './check-options.ts';
import { ConfigError, given } from './config-error.ts';
import type { Environment } from './environment.ts';

/** The version of this SDK: `telemetry.sdk.version`, and the User-Agent of what it sends. */
export const sdkVersion: string = '0.1.0';

/** The service that writes the records. Each field is a non-empty string. */
export interface ServiceOptions {
  /** `service.name`. Default `OTEL_SERVICE_NAME`, then `OTEL_RESOURCE_ATTRIBUTES`, then `unknown_service:node`. */
  readonly name?: string | undefined;
  /** `service.version`: of the application, in any format. */
  readonly version?: string | undefined;
  /** `service.namespace`: the group of services within which the name is unique. */
  readonly namespace?: string | undefined;
  /** `service.instance.id`: unlike that of any other running instance of the service. Default a random UUID. */
  readonly instanceId?: string | undefined;
}

/** A value that an attribute of the resource can have. */
export type ResourceValue = string | number | boolean | readonly (string | number | boolean)[];

/** What the resource is built from. */
export interface ResourceOptions {
  readonly service?: ServiceOptions | undefined;
  /** More attributes, under their full names: `{ 'deployment.environment.name': 'staging' }`. They override what is detected. */
  readonly attributes?: Readonly<Record<string, ResourceValue | undefined>> | undefined;
  readonly environment: Pick<Environment, 'serviceName' | 'resourceAttributes'>;
}

/** What is detected. A parameter, so that a test can be another machine. */
export interface DetectedFacts {
  readonly pid: number;
  /** Of Node.js, without a `v`. */
  readonly runtimeVersion: string;
  /** Of the file that is executed, without its folder. */
  readonly executableName: string;
  /** Undefined if the system does not tell. */
  readonly hostName: string | undefined;
  /** As Node.js names it: `x64`. */
  readonly arch: string;
  /** As Node.js names it: `win32`. */
  readonly platform: string;
  readonly instanceId: string;
}

/**
 * The resource of every record: who writes them, where. Made once at startup; frozen.
 *
 * The stronger source wins, attribute by attribute: `service`, `attributes`, `OTEL_SERVICE_NAME`,
 * `OTEL_RESOURCE_ATTRIBUTES`, what is detected. Names follow the OTel semantic conventions. The command line is left out
 * on purpose: it often holds secrets.
 *
 * Synchronous; reads no file and asks no network. Throws a ConfigError that names the option when a value in code is not
 * a string, number, boolean, or an array of these; `undefined` is the same as left out.
 */
export function buildResource(options: ResourceOptions, facts: DetectedFacts = detect()): OtelResource {
  const { serviceName, resourceAttributes } = options.environment;
  const attributes = new Map<string, ResourceValue>([
    ...detectedAttributes(facts),
    ...Object.entries(resourceAttributes ?? {}),
    ...(serviceName === undefined ? [] : [['service.name', serviceName] as const]),
    ...checkedAttributes(options.attributes),
    ...serviceAttributes(options.service),
  ]);
  // The semantic conventions demand a name: the one empty value that does not stand.
  if (!attributes.get('service.name')) attributes.set('service.name', `unknown_service:${facts.executableName}`);
  return otelResource(Object.fromEntries(attributes));
}

/** A resource with the methods of `@opentelemetry/resources`, for a stock exporter that calls them. */
export interface OtelResource extends Resource {
  readonly attributes: Readonly<Record<string, ResourceValue>>;
  getRawAttributes(): [string, ResourceValue][];
  /** Of two values of one attribute the other's stands. OTel resource SDK specification, "Merge". */
  merge(other: { readonly attributes: object } | null): OtelResource;
}

function otelResource(attributes: Readonly<Record<string, ResourceValue>>): OtelResource {
  return Object.freeze({
    attributes: Object.freeze(attributes),
    getRawAttributes: () => Object.entries(attributes),
    merge: (other: { readonly attributes: object } | null) => otelResource({ ...attributes, ...other?.attributes }),
  });
}

/** The resource without what a `redact()` among the steps finds secret. */
export function redactedResource(resource: OtelResource, steps: readonly Step[]): OtelResource {
  const redactions = steps.flatMap((step) => flat(step as Stage) as readonly Partial<Redaction>[]);
  return redactions.reduce((clean, { redactResource }) => {
    if (redactResource === undefined) return clean;
    return otelResource({ ...redactResource(clean.attributes) } as Record<string, ResourceValue>);
  }, resource);
}

/** A `redact()`, as far as it concerns the resource. */
interface Redaction {
  redactResource(attributes: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
}

function detect(): DetectedFacts {
  return {
    pid: process.pid,
    runtimeVersion: process.versions.node,
    executableName: basename(process.execPath),
    hostName: hostNameIfKnown(),
    arch: process.arch,
    platform: process.platform,
    // Without its cache: 128 numbers are drawn ahead otherwise, for the one that is needed.
    instanceId: randomUUID({ disableEntropyCache: true }),
  };
}

function hostNameIfKnown(): string | undefined {
  try {
    return hostname() || undefined;
  } catch {
    return undefined; // a sandbox may forbid the system call
  }
}

function detectedAttributes(facts: DetectedFacts): (readonly [string, ResourceValue])[] {
  const { hostName } = facts;
  return [
    ['service.instance.id', facts.instanceId],
    ['telemetry.sdk.name', 'logspan'],
    ['telemetry.sdk.language', 'nodejs'],
    ['telemetry.sdk.version', sdkVersion],
    ['process.pid', facts.pid],
    ['process.runtime.name', 'nodejs'],
    ['process.runtime.version', facts.runtimeVersion],
    ['process.executable.name', facts.executableName],
    ...(hostName === undefined ? [] : [['host.name', hostName] as const]),
    ['host.arch', CONVENTIONAL_ARCH.get(facts.arch) ?? facts.arch],
    ['os.type', CONVENTIONAL_OS.get(facts.platform) ?? facts.platform],
  ];
}

/** Where the semantic conventions and Node.js use different words. */
const CONVENTIONAL_ARCH: ReadonlyMap<string, string> = new Map([
  ['x64', 'amd64'],
  ['arm', 'arm32'],
  ['ia32', 'x86'],
  ['ppc', 'ppc32'],
]);
const CONVENTIONAL_OS: ReadonlyMap<string, string> = new Map([
  ['win32', 'windows'],
  ['sunos', 'solaris'],
  ['os390', 'zos'],
]);

const SERVICE_ATTRIBUTES: ReadonlyMap<string, string> = new Map([
  ['name', 'service.name'],
  ['version', 'service.version'],
  ['namespace', 'service.namespace'],
  ['instanceId', 'service.instance.id'],
]);

function* serviceAttributes(service: ServiceOptions = {}): Generator<readonly [string, string]> {
  checkOptions('service', service, [...SERVICE_ATTRIBUTES.keys()]);
  for (const [option, attribute] of SERVICE_ATTRIBUTES) {
    const value: unknown = service[option as keyof ServiceOptions];
    if (value === undefined) continue;
    if (typeof value !== 'string' || value === '') {
      throw new ConfigError(`service.${option}`, `must be a non-empty string, not ${given(value)}`);
    }
    yield [attribute, value];
  }
}

function* checkedAttributes(attributes: unknown = {}): Generator<readonly [string, ResourceValue]> {
  if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes)) {
    throw new ConfigError('attributes', `must be an object, not ${given(attributes)}`);
  }
  for (const [key, value] of Object.entries(attributes)) {
    const option = `attributes[${JSON.stringify(key)}]`;
    if (key === '') throw new ConfigError(option, 'must have a name');
    if (value === undefined) continue;
    if (Array.isArray(value)) {
      // Array.from also visits holes, which map would skip
      const copy = Array.from(value, (element, index) => checkedPrimitive(`${option}[${index}]`, element));
      yield [key, Object.freeze(copy)];
    } else {
      yield [key, checkedPrimitive(option, value)];
    }
  }
}

function checkedPrimitive(option: string, value: unknown): string | number | boolean {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  throw new ConfigError(option, `must be a string, number, boolean or an array of these, not ${given(value)}`);
}
