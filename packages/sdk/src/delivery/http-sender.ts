import * as http from 'node:http';
import * as https from 'node:https';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { Answer } from './answer.ts';
import { silently } from './silence.ts';

/** Where requests go and how. All secrets that delivery knows are in here, and nothing of it is ever logged. */
export interface HttpTarget {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: 'gzip' | 'none';
  /** True if status and headers are the whole answer: its body is neither waited for nor kept. Default false. */
  readonly isAnsweredByHead?: boolean;
  /** PEM text. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/**
 * Sends one request. Rejects if there is no answer: refused, reset, or silent for `timeoutMillis` in all, not counting what
 * time the thread stood still.
 */
export interface Sender {
  send(body: Uint8Array, timeoutMillis: number): Promise<Answer>;
  /** Closes idle connections; requests under way are aborted, and none can be sent any more. */
  close(): void;
}

/** The OTLP specification: a longer answer must not be read. */
const LONGEST_ANSWER = 4 * 1_048_576;
const compress = promisify(gzip);
/** So long, and so long a body, a connection waits for the rest of an answer that nobody needs, to be used again. */
const REST_MILLIS = 200;
const LONGEST_REST = 65_536;
/** The time of a request is counted in so many parts. */
const PARTS = 4;

/** The part of a clock that is used, so that tests can hold it. */
interface SenderTime {
  now(): number;
  setTimeout(callback: () => void, millis: number): { unref?(): void };
  clearTimeout(timer: unknown): void;
}

const SYSTEM_TIME: SenderTime = {
  now: () => performance.now(),
  setTimeout: (callback, millis) => setTimeout(callback, millis),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

/**
 * A sender over node:http with kept-alive connections, at most `connections` of them. Nothing of it keeps the process
 * alive: who waits for an answer has a deadline that does.
 */
export function httpSender(target: HttpTarget, connections: number, time: SenderTime = SYSTEM_TIME): Sender {
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
  const underWay = new Set<http.ClientRequest>();
  let closed = false;

  const post = (body: Uint8Array, timeoutMillis: number): Promise<Answer> =>
    new Promise((resolve, reject) => {
      if (closed) throw new Error('closed');
      const outgoing = request(target.url, {
        method: 'POST',
        agent,
        headers: {
          ...target.headers,
          'content-length': body.length,
          ...(target.compression === 'gzip' ? { 'content-encoding': 'gzip' } : {}),
        },
      });
      underWay.add(outgoing);
      // One deadline for everything: a destination that sends a byte now and then is as dead as a silent one.
      let deadline = startDeadline(timeoutMillis, time, () => outgoing.destroy(new Error('no answer in time')));
      outgoing.on('socket', (socket) => socket.unref());

      let incoming: http.IncomingMessage | undefined;
      const parts: Buffer[] = [];
      let length = 0;
      const answer = (): void => {
        const oversized = length > LONGEST_ANSWER;
        resolve({
          status: incoming?.statusCode ?? 0,
          retryAfter: incoming?.headers['retry-after'],
          contentType: incoming?.headers['content-type'],
          body: oversized ? new Uint8Array(0) : Buffer.concat(parts),
          oversized,
        });
      };
      outgoing.on('response', (response) => {
        incoming = response;
        if (target.isAnsweredByHead === true) {
          answer();
          deadline.clear();
          deadline = startDeadline(REST_MILLIS, time, () => outgoing.destroy());
        }
        incoming.on('data', (part: Buffer) => {
          length += part.length;
          if (target.isAnsweredByHead === true) {
            if (length > LONGEST_REST) outgoing.destroy();
          } else if (length <= LONGEST_ANSWER) parts.push(part);
          else outgoing.destroy();
        });
        incoming.on('end', answer);
        // A body that breaks off is told by the end of the request.
        incoming.on('error', () => undefined);
      });
      // Once the status has arrived it is the answer: what follows it only comments on it.
      const broken = (error: Error): void => (incoming === undefined ? reject(error) : answer());
      outgoing.on('error', broken);
      outgoing.on('close', () => {
        deadline.clear();
        underWay.delete(outgoing);
        broken(new Error('no answer'));
      });
      outgoing.end(body);
    });

  return {
    send: (body, timeoutMillis) =>
      silently(async () =>
        post(
          target.compression === 'gzip' ? await compress(body, { level: constants.Z_BEST_SPEED }) : body,
          timeoutMillis,
        ),
      ),
    close() {
      closed = true;
      for (const outgoing of underWay) outgoing.destroy();
      agent.destroy();
    },
  };
}

/**
 * A timer that does not count what time the thread stands still, as it does in a log call that waits for room: timers that
 * fell due meanwhile are called before any socket, so that a request would be given up without having had a chance.
 */
function startDeadline(timeoutMillis: number, time: SenderTime, expired: () => void): { clear(): void } {
  const part = timeoutMillis / PARTS;
  let left = PARTS;
  let timer: { unref?(): void };
  const wait = (): void => {
    const due = time.now() + part;
    timer = time.setTimeout(() => {
      if (time.now() < due + part) left--;
      if (left === 0) expired();
      else wait();
    }, part);
    timer.unref?.();
  };
  wait();
  return { clear: () => time.clearTimeout(timer) };
}
