import { type Attributes, attributesAt } from './any-value.ts';
import { hexId, int32, messageAt, messagesAt, text, uint64 } from './field.ts';
import { eachScope, type Origin } from './origin.ts';
import type { Message } from './otlp-schema.ts';

/** A span that arrived. Texts and ids that the sender left out are '', numbers 0. OTel trace data model. */
export interface Span extends Origin {
  readonly traceId: string;
  readonly spanId: string;
  /** '' for a root span. */
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly flags: number;
  readonly name: string;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly startTimeUnixNano: bigint;
  readonly endTimeUnixNano: bigint;
  readonly attributes: Attributes;
  readonly droppedAttributesCount: number;
  readonly events: readonly SpanEvent[];
  readonly droppedEventsCount: number;
  readonly links: readonly SpanLink[];
  readonly droppedLinksCount: number;
  /** code: 0 unset, 1 ok, 2 error. */
  readonly status: { readonly code: number; readonly message: string };
}

export interface SpanEvent {
  readonly timeUnixNano: bigint;
  readonly name: string;
  readonly attributes: Attributes;
  readonly droppedAttributesCount: number;
}

export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
  readonly flags: number;
  readonly attributes: Attributes;
  readonly droppedAttributesCount: number;
}

export function readSpans(request: Message): Span[] {
  const spans: Span[] = [];
  eachScope(request, 'resourceSpans', 'scopeSpans', (ofScope, { service, resource, scope }) => {
    for (const span of messagesAt(ofScope, 'spans')) {
      const status = messageAt(span, 'status') ?? {};
      spans.push({
        traceId: hexId(span, 'traceId', 16),
        spanId: hexId(span, 'spanId', 8),
        parentSpanId: hexId(span, 'parentSpanId', 8),
        traceState: text(span, 'traceState'),
        flags: int32(span, 'flags'),
        service,
        name: text(span, 'name'),
        kind: int32(span, 'kind'),
        startTimeUnixNano: uint64(span, 'startTimeUnixNano'),
        endTimeUnixNano: uint64(span, 'endTimeUnixNano'),
        attributes: attributesAt(span, 'attributes'),
        droppedAttributesCount: int32(span, 'droppedAttributesCount'),
        events: messagesAt(span, 'events').map(readEvent),
        droppedEventsCount: int32(span, 'droppedEventsCount'),
        links: messagesAt(span, 'links').map(readLink),
        droppedLinksCount: int32(span, 'droppedLinksCount'),
        status: { code: int32(status, 'code'), message: text(status, 'message') },
        resource,
        scope,
      });
    }
  });
  return spans;
}

function readEvent(event: Message): SpanEvent {
  return {
    timeUnixNano: uint64(event, 'timeUnixNano'),
    name: text(event, 'name'),
    attributes: attributesAt(event, 'attributes'),
    droppedAttributesCount: int32(event, 'droppedAttributesCount'),
  };
}

function readLink(link: Message): SpanLink {
  return {
    traceId: hexId(link, 'traceId', 16),
    spanId: hexId(link, 'spanId', 8),
    traceState: text(link, 'traceState'),
    flags: int32(link, 'flags'),
    attributes: attributesAt(link, 'attributes'),
    droppedAttributesCount: int32(link, 'droppedAttributesCount'),
  };
}
