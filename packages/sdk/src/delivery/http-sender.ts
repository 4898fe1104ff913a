import * as http from 'node:http';
import * as https from 'node:https';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { suppressLogging } from '../pipeline/guard.ts';
import type { Answer } from './otlp-answer.ts';

/** Where requests go and how. All secrets that delivery knows are in here, and nothing of it is ever logged. */
export interface HttpTarget {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: 'gzip' | 'none';
  /** PEM text. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** Sends one request. Rejects if there is no answer: refused, reset, or silent for `timeoutMillis` in all. */
export interface Sender {
  send(body: Uint8Array, timeoutMillis: number): Promise<Answer>;
  /** Closes idle connections; requests under way are aborted. */
  close(): void;
}

/** The OTLP specification: a longer answer must not be read. */
const LONGEST_ANSWER = 4 * 1_048_576;
const compress = promisify(gzip);

/** A sender over node:http with kept-alive connections, at most `connections` of them. */
export function httpSender(target: HttpTarget, connections: number): Sender {
  const secure = target.url.protocol === 'https:';
  const { request } = secure ? https : http;
  const agent = secure
    ? new https.Agent({
        keepAlive: true,
        maxSockets: connections,
        ...(target.ca === undefined ? {} : { ca: target.ca }),
        ...(target.cert === undefined ? {} : { cert: target.cert }),
        ...(target.key === undefined ? {} : { key: target.key }),
      })
    : new http.Agent({ keepAlive: true, maxSockets: connections });
  // What an instrumentation of http would trace or log about our own requests would come back to us.
  const silent = suppressLogging(suppressTracing(ROOT_CONTEXT));

  const post = (body: Uint8Array, timeoutMillis: number): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const outgoing = request(target.url, {
        method: 'POST',
        agent,
        headers: {
          ...target.headers,
          'content-length': body.length,
          ...(target.compression === 'gzip' ? { 'content-encoding': 'gzip' } : {}),
        },
      });
      // One deadline for everything: a destination that sends a byte now and then is as dead as a silent one.
      const deadline = setTimeout(() => outgoing.destroy(new Error('no answer in time')), timeoutMillis);
      outgoing.on('error', (error) => {
        clearTimeout(deadline);
        reject(error);
      });
      outgoing.on('response', (incoming) => {
        const parts: Buffer[] = [];
        let length = 0;
        const finish = (oversized: boolean): void => {
          clearTimeout(deadline);
          resolve({
            status: incoming.statusCode ?? 0,
            retryAfter: incoming.headers['retry-after'],
            contentType: incoming.headers['content-type'],
            body: oversized ? new Uint8Array(0) : Buffer.concat(parts),
            oversized,
          });
        };
        incoming.on('data', (part: Buffer) => {
          length += part.length;
          if (length > LONGEST_ANSWER) {
            finish(true);
            outgoing.destroy();
          } else {
            parts.push(part);
          }
        });
        incoming.on('end', () => finish(false));
        // The status has arrived, and it is the answer: what follows it only comments on it.
        incoming.on('error', () => finish(false));
        incoming.on('aborted', () => finish(false));
      });
      outgoing.end(body);
    });

  return {
    send: (body, timeoutMillis) =>
      context.with(silent, async () =>
        post(
          target.compression === 'gzip' ? await compress(body, { level: constants.Z_BEST_SPEED }) : body,
          timeoutMillis,
        ),
      ),
    close: () => agent.destroy(),
  };
}
