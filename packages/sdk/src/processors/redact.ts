import { type AttributeValue, STREAM, setOwn, settleAttributes } from '@logspan/logger/internal';
import { type Context, diag } from '@opentelemetry/api';
import { plainValue, valueLengthLimit } from '../pipeline/copy-record.ts';
import { removeAttribute } from '../pipeline/edit-attributes.ts';
import { factory } from '../pipeline/factory.ts';
import { isRendered, renderAgain } from '../pipeline/message-template.ts';
import {
  forwardTo,
  type InstrumentationScope,
  type LogRecord,
  type LogRecordProcessor,
  type Resource,
  type Stage,
  type StageAccount,
  stage,
} from '../pipeline/stage.ts';
import { splitStreamNumbers, streamNumbersOf } from '../pipeline/stream-numbers.ts';
import { Remembered } from './redact/remembered.ts';
import { type RedactOptions, type Rules, rulesOf } from './redact/rules.ts';
import { type Shape, Walk } from './redact/walk.ts';

export type { RedactAction } from './redact/action.ts';
export { DEFAULT_DETECTORS, type DetectorName } from './redact/detector.ts';
export type { RedactOptions, RedactRule } from './redact/rules.ts';

/** One secret that {@link RedactStage.explain} found. It never holds the secret. */
export interface Redaction {
  /** Where: `attributes.user.password`, `body`, `eventName`, `instrumentationScope.attributes.token`. */
  readonly path: string;
  /**
   * Why: the name of a rule, `keys`, `well-known keys`, or of a detector; `logspan.redact.failed` if the record could not
   * be walked to its end and would be withheld.
   */
  readonly rule: string;
  readonly action: 'replace' | 'remove' | 'mask' | 'pseudonym';
}

/** What can be explained: a record, or what a log call would be given. */
export type ExplainableRecord = Partial<
  Pick<LogRecord, 'attributes' | 'body' | 'eventName' | 'severityText' | 'instrumentationScope'>
>;

/** The stage that {@link redact} makes. */
export interface RedactStage extends Stage {
  /** What would be taken out of a record, and why. For tests and the REPL: not fast. Changes and counts nothing, never throws. */
  explain(record: ExplainableRecord): readonly Redaction[];
  /**
   * @internal The attributes of a resource without their secrets, for whoever makes the resource; what was taken out is told
   * on OTel's diag, by name. By what it says who writes, `service.name` and its like, records are found: these are searched as
   * texts, but no key of yours, such as `name`, makes them secret.
   */
  redactResource(attributes: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
}

/** The account of a redaction: how often each rule was applied, beside how many secrets there were. */
export interface RedactAccount extends StageAccount {
  readonly redactedBy: Readonly<Record<string, number>>;
}

/** What nearly all records have for a severity text. */
const SEVERITY_TEXTS: ReadonlySet<string> = new Set(['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']);
const WITHHELD = '[withheld: could not be redacted]';
const FAILED = 'logspan.redact.failed';
/** What `register()` itself says of the process. */
const IDENTITY =
  /^(?:service\.(?:name|version|namespace|instance\.id)|telemetry\.sdk\..*|process\.(?:pid|runtime\.(?:name|version)|executable\.name)|host\.(?:name|arch)|os\.type)$/;

/**
 * Takes secrets out of records: what stands under a secret key, at any depth of the attributes and of the body, and what
 * looks like a secret in any text: in attributes, body, event name, messages and stacks of errors, keys, and in name and
 * attributes of the scope. A key counts as a whole (`api_key`, `apiKey` and `X-Api-Key` are one) and by its last part
 * (`http.request.header.authorization`).
 *
 * Stands last before anything is held or leaves. What leaves is a copy that was read once: the caller's objects are never
 * changed, and what they answer later does not matter. Fails closed: if a record cannot be walked to its end, all its
 * attributes and its body go, and `logspan.redact.failed` says so; if not even that is possible, the record is lost and
 * counted as `failed`. Numbers are replaced under a secret key, but not looked into. Costs a shallow copy, a look-up for
 * each key, and one search through each text.
 *
 * @throws ConfigError naming the option, what was given and what is allowed.
 */
export function redact(options: RedactOptions = {}, now: () => number = () => performance.now()): RedactStage {
  const rules = rulesOf(options, now);
  const wrap = stage('redact', 'redact', (next): LogRecordProcessor => {
    const redactor = new Redactor(new Walk(ofOnePipeline(rules)));
    return forwardTo(next, {
      onEmit(record, context) {
        redactor.redact(record, context);
        next.onEmit(record, context);
      },
      account: (): RedactAccount => redactor.account(),
    });
  });
  return Object.assign(wrap, {
    explain(record: ExplainableRecord): readonly Redaction[] {
      const walk = new Walk(ofOnePipeline(rules));
      const found: Redaction[] = [];
      walk.onHit = (path, { name, action }) => void found.push({ path, rule: name, action: action.name });
      walk.begin(false);
      try {
        const { eventName, severityText, body, attributes, instrumentationScope } = record;
        if (eventName !== undefined) walk.text(eventName, 'eventName');
        if (severityText !== undefined) walk.text(severityText, 'severityText');
        if (body !== eventName) walk.value(plainValue(body), 'body');
        if (attributes !== undefined) walk.attributes(settleAttributes(attributes).attributes);
        if (instrumentationScope !== undefined) cleanScope(instrumentationScope, walk);
      } catch {
        found.push(
          { path: 'attributes', rule: FAILED, action: 'remove' },
          { path: 'body', rule: FAILED, action: 'replace' },
        );
      }
      return found;
    },
    redactResource(attributes: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
      const walk = new Walk(ofOnePipeline(rules));
      const found: string[] = [];
      try {
        const clean = cleanResource(attributes, walk, found);
        if (found.length > 0) tellOf('what looks like a secret was taken out of the resource', found);
        return clean;
      } catch {
        return { 'service.name': 'unknown_service', [FAILED]: true };
      }
    },
  });
}

factory(redact);

/** The attributes of a resource, redacted; adds to `found` what was secret. May throw. */
function cleanResource(
  attributes: Readonly<Record<string, unknown>>,
  walk: Walk,
  found: string[],
): Record<string, AttributeValue> {
  const identity: Record<string, unknown> = {};
  const others: Record<string, unknown> = {};
  for (const key of Object.keys(attributes)) setOwn(IDENTITY.test(key) ? identity : others, key, attributes[key]);
  walk.begin(false);
  walk.onHit = (path, rule) => void found.push(`${path} (${rule.name})`);
  try {
    const clean: Record<string, AttributeValue> = {};
    for (const key of Object.keys(identity)) {
      const value = identity[key] as AttributeValue;
      clean[key] = typeof value === 'string' ? walk.text(value, `resource.${key}`) : value;
    }
    return Object.assign(clean, walk.attributes(others, 'resource'));
  } finally {
    walk.onHit = undefined;
  }
}

function tellOf(what: string, found: readonly string[]): void {
  try {
    diag.warn(`logspan: redact: ${what}: ${found.join(', ')}`);
  } catch {
    // A diag logger that throws must not cost the record.
  }
}

/** A pattern remembers what was slow: what one pipeline is sent must not withhold the texts of another. */
function ofOnePipeline(rules: Rules): Rules {
  return { ...rules, patterns: rules.patterns.map((pattern) => pattern.fresh()) };
}

/** Redacts the records of one pipeline. */
class Redactor {
  readonly #walk: Walk;
  /** Scopes live as long as their loggers: nothing is held here. */
  readonly #scopes = new WeakMap<InstrumentationScope, InstrumentationScope>();
  #lastScope: InstrumentationScope | undefined;
  #lastClean: InstrumentationScope | undefined;
  /** Event names without a secret, of which there are few, with the shape of their attributes. */
  readonly #names = new Remembered<Shape>();
  readonly #nameless: Shape = [];
  #resource: Resource | undefined;
  #redacted = 0;

  constructor(walk: Walk) {
    this.#walk = walk;
  }

  account(): RedactAccount {
    return { redacted: this.#redacted, redactedBy: Object.fromEntries(this.#walk.counts) };
  }

  /** Throws if the record could not even be emptied. */
  redact(record: LogRecord, context?: Context): void {
    const walk = this.#walk;
    if (record.resource !== this.#resource) this.#lookAt(record.resource);
    walk.begin(record.droppedAttributesCount > 0, valueLengthLimit(record));
    try {
      // A message that shows attributes is rendered again, from those that are left.
      const rendered = record.body !== record.eventName && isRendered(record);
      this.#scope(record);
      const shape = this.#fields(record);
      if (!rendered) this.#body(record);
      replaceAttributes(record, this.#attributes(record, context, shape));
      if (rendered) {
        renderAgain(record);
        this.#body(record);
      }
    } catch {
      this.#redacted++;
      this.#withhold(record, context);
    }
    this.#redacted += walk.replaced;
  }

  #scope(record: LogRecord): void {
    const scope = record.instrumentationScope;
    // Only what comes from outside the types: a record of somebody's own.
    if (scope === undefined) return;
    if (scope !== this.#lastScope) {
      let clean = this.#scopes.get(scope);
      if (clean === undefined) {
        clean = cleanScope(scope, this.#walk);
        this.#scopes.set(scope, clean);
        this.#scopes.set(clean, clean);
      }
      this.#lastScope = scope;
      this.#lastClean = clean;
    }
    if (this.#lastClean !== scope) setField(record, 'instrumentationScope', this.#lastClean);
  }

  /** Answers with the shape that the attributes probably have. */
  #fields(record: LogRecord): Shape {
    const walk = this.#walk;
    const { eventName, severityText } = record;
    let shape = eventName === undefined ? this.#nameless : this.#names.get(eventName);
    if (shape === undefined) {
      shape = [];
      this.#name(record, eventName as string, shape);
    }
    if (severityText !== undefined && !SEVERITY_TEXTS.has(severityText)) {
      const clean = walk.text(severityText);
      if (clean !== severityText) setField(record, 'severityText', clean);
    }
    return shape;
  }

  #name(record: LogRecord, eventName: string, shape: Shape): void {
    const clean = this.#walk.text(eventName);
    if (clean === eventName) this.#names.set(eventName, shape);
    else {
      // An event has its name for a body.
      if (record.body === eventName) setField(record, 'body', clean);
      setField(record, 'eventName', clean);
    }
  }

  #body(record: LogRecord): void {
    const { body, eventName } = record;
    if (body === eventName || body === undefined) return;
    const clean = this.#walk.value(body, 'body');
    if (!Object.is(clean, body)) setField(record, 'body', clean);
  }

  /** What makes a record an event of a stream stays what it is, and no other record has it. */
  #attributes(record: LogRecord, context: Context | undefined, shape: Shape): Record<string, AttributeValue> {
    const { attributes } = record;
    // Of ours only an event has them; into one of a stock SDK anybody may have written them.
    if (attributes[STREAM.sequence] === undefined) return this.#walk.attributes(attributes, 'attributes', shape);
    const { others } = splitStreamNumbers(attributes);
    return { ...this.#streamNumbers(record, context), ...this.#walk.attributes(others, 'attributes', shape) };
  }

  /**
   * Stream and producer are searched as texts, since people have named them, but no key of yours, such as `name`, makes them
   * secret; by the others consumers count.
   */
  #streamNumbers(record: LogRecord, context: Context | undefined): Record<string, AttributeValue> {
    const numbers: Record<string, AttributeValue> = {};
    for (const key of Object.keys(streamNumbersOf(record, context) ?? {})) {
      const value = record.attributes[key];
      const isText = typeof value === 'string' && key !== STREAM.epoch;
      numbers[key] = isText ? this.#walk.text(value, `attributes.${key}`) : (value as AttributeValue);
    }
    return numbers;
  }

  /** The resource of a stock SDK is in places that no stage reaches: all that is left is to say so. */
  #lookAt(resource: Resource | undefined): void {
    this.#resource = resource;
    const found: string[] = [];
    try {
      cleanResource(resource?.attributes ?? {}, this.#walk, found);
    } catch {
      // A resource that cannot be read must not cost the record.
    }
    if (found.length > 0) {
      tellOf('what looks like a secret is in the resource, which leaves with every record as it is', found);
    }
  }

  #withhold(record: LogRecord, context: Context | undefined): void {
    const walk = this.#walk;
    walk.begin(false);
    let eventName: string | undefined;
    try {
      if (record.eventName !== undefined) eventName = walk.text(record.eventName);
    } catch {
      // The name goes as well.
    }
    setField(record, 'eventName', eventName);
    setField(record, 'severityText', undefined);
    setField(record, 'body', eventName ?? WITHHELD);
    if (record.instrumentationScope !== undefined && record.instrumentationScope !== this.#lastClean) {
      setField(record, 'instrumentationScope', { name: '' });
    }
    // What was too long above must not count against the numbers.
    walk.begin(false);
    replaceAttributes(record, { ...this.#streamNumbers(record, context), [FAILED]: true });
  }
}

/** A scope with attributes is always a copy: theirs may change after they were judged. */
function cleanScope(scope: InstrumentationScope, walk: Walk): InstrumentationScope {
  const at = 'instrumentationScope';
  const { name, version, schemaUrl, attributes } = scope;
  const clean = {
    name: walk.text(name, `${at}.name`),
    ...(version === undefined ? {} : { version: walk.text(version, `${at}.version`) }),
    ...(schemaUrl === undefined ? {} : { schemaUrl: walk.text(schemaUrl, `${at}.schemaUrl`) }),
    ...(attributes === undefined ? {} : { attributes: Object.freeze(walk.attributes(attributes, `${at}.attributes`)) }),
  };
  const isClean = clean.name === name && clean.version === version && clean.schemaUrl === schemaUrl;
  return isClean && attributes === undefined ? scope : Object.freeze(clean);
}

/** Sets a field, read-only by its type or not, and makes sure of it. */
function setField(record: LogRecord, field: keyof LogRecord, value: unknown): void {
  const fields = record as unknown as Record<string, unknown>;
  if (Object.is(fields[field], value)) return;
  fields[field] = value;
  if (!Object.is(fields[field], value)) throw new TypeError(`${field} cannot be replaced`);
}

/** Replaces all attributes: at once in our records, one by one in those of a stock SDK. Throws if one of them stays. */
function replaceAttributes(record: LogRecord, clean: Record<string, AttributeValue>): void {
  const own = record as LogRecord & { replaceAttributes?(attributes: Record<string, AttributeValue>): void };
  if (own.replaceAttributes !== undefined) {
    own.replaceAttributes(clean);
    return;
  }
  for (const key of Object.keys(record.attributes)) {
    if (!Object.hasOwn(clean, key)) removeAttribute(record, key);
  }
  for (const key of Object.keys(clean)) {
    const value = clean[key];
    if (Object.hasOwn(record.attributes, key) && Object.is(record.attributes[key], value)) continue;
    record.setAttribute(key, value);
    // A stock SDK keeps a copy, or refuses in silence what it finds odd, and the secret would stay. Its attributes are its own.
    if (!Object.is(record.attributes[key], value)) setOwn(record.attributes as Record<string, unknown>, key, value);
  }
  const left = record.attributes;
  for (const key of Object.keys(left)) {
    if (!Object.hasOwn(clean, key) || !Object.is(left[key], clean[key]))
      throw new TypeError('an attribute cannot be replaced');
  }
}
