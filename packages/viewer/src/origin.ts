import { type Attributes, attributesAt } from './any-value.ts';
import { messageAt, messagesAt, text } from './field.ts';
import type { Message } from './otlp-schema.ts';

/** What produced the telemetry. */
export interface Resource {
  readonly attributes: Attributes;
  readonly schemaUrl: string;
}

/** The instrumentation scope: the logger, tracer or meter by name. */
export interface Scope {
  readonly name: string;
  readonly version: string;
  readonly attributes: Attributes;
  readonly schemaUrl: string;
}

/** Where a log record, a span or a data point comes from. Items of one request share these objects. */
export interface Origin {
  /** `service.name` of the resource; `unknown_service` when it names none. */
  readonly service: string;
  readonly resource: Resource;
  readonly scope: Scope;
}

/** Walks a request's two outer layers, which all signals have: resource, then scope. */
export function eachScope(
  request: Message,
  resourceField: string,
  scopeField: string,
  visit: (scopeMessage: Message, origin: Origin) => void,
): void {
  for (const ofResource of messagesAt(request, resourceField)) {
    const attributes = attributesAt(messageAt(ofResource, 'resource') ?? {}, 'attributes');
    const resource: Resource = { attributes, schemaUrl: text(ofResource, 'schemaUrl') };
    const name = attributes['service.name'];
    const service = typeof name === 'string' && name !== '' ? name : 'unknown_service';
    for (const ofScope of messagesAt(ofResource, scopeField)) {
      visit(ofScope, { service, resource, scope: scopeOf(ofScope) });
    }
  }
}

function scopeOf(ofScope: Message): Scope {
  const scope = messageAt(ofScope, 'scope') ?? {};
  return {
    name: text(scope, 'name'),
    version: text(scope, 'version'),
    attributes: attributesAt(scope, 'attributes'),
    schemaUrl: text(ofScope, 'schemaUrl'),
  };
}
