import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { type Encoding, encodeProtobuf, type Message, messageOf, type Signal } from './otlp-schema.ts';
import { type Refusal, rpcCode } from './refusal.ts';

/** An export request that was read, uncompressed and found well-formed. */
export interface ExportRequest {
  readonly signal: Signal;
  readonly encoding: Encoding;
  readonly headers: IncomingHttpHeaders;
  /** How many log records, spans or data points it holds. */
  readonly items: number;
  /** The uncompressed body: decodeLogs(request.body, request.encoding) gives its records. */
  readonly body: Uint8Array;
  /** The size of the body as it was sent. */
  readonly wireBytes: number;
  /** 1 for the first well-formed request that this receiver read, 2 for the next. */
  readonly sequence: number;
}

/**
 * How a test wants one request answered. `'hang'` never answers, `'reset'` ends the connection with a TCP reset;
 * undefined is the normal answer.
 */
export type Reply = ScriptedReply | 'hang' | 'reset' | undefined;

/** Each field falls back to what the OTLP/HTTP specification wants in its place. */
export interface ScriptedReply {
  /** Default 200. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is. Default: an Export*ServiceResponse for 2xx, a google.rpc.Status for the rest. */
  readonly body?: string | Uint8Array;
  /** Makes the default body of a 2xx say that so many items were rejected, and why. */
  readonly partialSuccess?: { readonly rejected: number; readonly message: string };
  /** Wait so long, in milliseconds, before the answer or the reset. */
  readonly delayMillis?: number;
  /** Instead of an answer: never one, or a TCP reset. */
  readonly end?: 'hang' | 'reset';
  /** Whether the items count as received, and listeners see them, before the reply. Default: only when it is a 2xx. */
  readonly accept?: boolean;
}

/** Decides the answer to one request. Called once per well-formed request, before its items are accepted. */
export type ReplyHandler = (request: ExportRequest) => Reply | Promise<Reply>;

const CONTENT_TYPES = { json: 'application/json', protobuf: 'application/x-protobuf' } as const;
const REJECTED = { logs: 'rejectedLogRecords', traces: 'rejectedSpans', metrics: 'rejectedDataPoints' } as const;

/** The encoding that a Content-Type names, or undefined. */
export function encodingOf(contentType: string | undefined): Encoding | undefined {
  const type = contentType?.split(';')[0]?.trim().toLowerCase();
  return type === CONTENT_TYPES.json ? 'json' : type === CONTENT_TYPES.protobuf ? 'protobuf' : undefined;
}

/** Answers an export request in its own encoding. OTLP specification, "OTLP/HTTP Response". */
export function sendReply(response: ServerResponse, request: ExportRequest, reply: ScriptedReply): void {
  const { status = 200, headers = {}, partialSuccess: partial } = reply;
  const { signal, encoding } = request;
  const success = partial === undefined ? {} : successOf(partial, REJECTED[signal]);
  const body =
    reply.body ??
    (isSuccess(status)
      ? encode(encoding, messageOf(signal, 'Response'), success)
      : encode(encoding, 'Status', { code: rpcCode(status), message: `scripted answer ${status}` }));
  response.writeHead(status, { 'content-type': CONTENT_TYPES[encoding], ...headers }).end(body);
}

function successOf(partial: { rejected: number; message: string }, rejectedField: string): Message {
  return { partialSuccess: { [rejectedField]: String(partial.rejected), errorMessage: partial.message } };
}

/** Answers with a google.rpc.Status, in JSON unless the request came in protobuf. */
export function sendRefusal(response: ServerResponse, refusal: Refusal, encoding: Encoding = 'json'): void {
  const body = encode(encoding, 'Status', { code: rpcCode(refusal.status), message: refusal.message });
  response.writeHead(refusal.status, { 'content-type': CONTENT_TYPES[encoding], ...refusal.headers }).end(body);
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function encode(encoding: Encoding, name: Parameters<typeof encodeProtobuf>[0], message: Message): string | Uint8Array {
  return encoding === 'json' ? JSON.stringify(message) : encodeProtobuf(name, message);
}
