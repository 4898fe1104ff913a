import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Refusal } from './refusal.ts';

const unzip = promisify(gunzip);

/** The body of a request, as it came over the wire and uncompressed. */
export interface RequestBody {
  readonly wireBytes: number;
  readonly bytes: Uint8Array;
}

/**
 * Reads a request's body, gzip or identity. Neither form may be larger than `maxBytes`: a larger one, a gzip bomb
 * too, is a 413 and is never held in memory. What remains of it is read and thrown away, because a sender that is cut
 * off while it writes does not see the answer.
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<RequestBody> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding !== 'gzip' && encoding !== 'identity') {
    throw new Refusal(415, `Content-Encoding: expected gzip or identity, got ${encoding}`, {
      'accept-encoding': 'gzip, identity',
    });
  }
  const wire = await collect(request, maxBytes);
  if (encoding === 'identity') return { wireBytes: wire.length, bytes: wire };
  try {
    return { wireBytes: wire.length, bytes: await unzip(wire, { maxOutputLength: maxBytes }) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes);
    throw new Refusal(400, `the body is not gzip: ${message}`);
  }
}

async function collect(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = Number(request.headers['content-length'] ?? 0) > maxBytes ? Infinity : 0;
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Uint8Array) => {
      length += chunk.length;
      if (length <= maxBytes) chunks.push(chunk);
      else refuse();
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
    const refuse = (): void => {
      chunks.length = 0;
      reject(tooLarge(maxBytes));
    };
    if (length > maxBytes) refuse();
  });
}

function tooLarge(maxBytes: number): Refusal {
  return new Refusal(413, `the body, uncompressed, is larger than ${maxBytes} bytes`);
}
