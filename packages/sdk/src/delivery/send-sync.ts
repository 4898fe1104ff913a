import { spawnSync } from 'node:child_process';
import { isSea } from 'node:sea';
import type { Answer } from './answer.ts';
import type { HttpTarget } from './http-sender.ts';

/*
 * `process.on('exit')` may not return to the event loop, and Node has no synchronous socket. So the last batches are
 * handed to a short-lived Node process over its standard input, and this one waits for its answer.
 *
 * The program is text in this file: no worker or script file has to be found by a bundler. It is plain CommonJS. The
 * target with its headers goes over standard input as well, because other users of the machine can read arguments and
 * environments.
 */
const PROGRAM = `
const chunks = [];
process.stdin.on('data', (chunk) => chunks.push(chunk));
process.stdin.on('end', async () => {
  const input = Buffer.concat(chunks);
  const headEnd = input.indexOf(10);
  const head = JSON.parse(input.subarray(0, headEnd).toString());
  const url = new URL(head.url);
  const { request, Agent } = require(url.protocol === 'https:' ? 'node:https' : 'node:http');
  const { gzipSync } = require('node:zlib');
  const agent = new Agent({ keepAlive: true, ca: head.ca, cert: head.cert, key: head.key });
  const send = (body) => new Promise((resolve) => {
    const outgoing = request(url, { method: 'POST', agent, headers: { ...head.headers, 'content-length': body.length } });
    outgoing.on('error', (error) => resolve({ missing: error.code }));
    outgoing.on('response', (incoming) => {
      const parts = [];
      let length = 0;
      const finish = () => resolve({
        status: incoming.statusCode,
        retryAfter: incoming.headers['retry-after'],
        contentType: incoming.headers['content-type'],
        body: Buffer.concat(parts).toString('base64'),
      });
      if (head.isAnsweredByHead) return incoming.on('error', () => {}).resume(), finish();
      incoming.on('data', (part) => {
        length += part.length;
        if (length <= 65536) parts.push(part);
        else outgoing.destroy();
      });
      incoming.on('end', finish);
      incoming.on('close', finish);
      incoming.on('error', finish);
    });
    outgoing.end(body);
  });
  let at = headEnd + 1;
  for (const size of head.sizes) {
    const body = input.subarray(at, at + size);
    at += size;
    const answer = await send(head.gzip ? gzipSync(body, { level: 1 }) : body);
    process.stdout.write(JSON.stringify(answer) + '\\n');
    if (answer.status === undefined) break;
  }
  agent.destroy();
});
`;

/** What the child needs to find certificates and, on Windows, its own libraries; nothing else is passed on. */
const ENVIRONMENT = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'SystemRoot'] as const;

/**
 * Sends requests one after the other without returning to the event loop: about 40 ms to start, then as fast as the
 * destination answers, `timeoutMillis` at most. Stops at the first request that gets no answer.
 *
 * @returns the answers, as many as there were, and for the request at which it stopped why there is none, if that is known.
 * Nothing where this executable is not Node itself (Electron, a single executable application), which would start the
 * application again. Never throws.
 */
export function sendSync(target: HttpTarget, bodies: readonly Uint8Array[], timeoutMillis: number): Answer[] {
  // No time would be all the time that it takes.
  if (timeoutMillis <= 0 || !canSendSync()) return [];
  const gzip = target.compression === 'gzip';
  const head = JSON.stringify({
    url: target.url.href,
    headers: { ...target.headers, ...(gzip ? { 'content-encoding': 'gzip' } : {}) },
    ca: target.ca,
    cert: target.cert,
    key: target.key,
    gzip,
    isAnsweredByHead: target.isAnsweredByHead,
    sizes: bodies.map((body) => body.length),
  });
  const env: Record<string, string> = {};
  for (const name of ENVIRONMENT) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  try {
    const { stdout, error } = spawnSync(process.execPath, ['-e', PROGRAM], {
      input: Buffer.concat([Buffer.from(`${head}\n`), ...bodies]),
      timeout: Math.ceil(timeoutMillis),
      killSignal: 'SIGKILL',
      env,
      stdio: ['pipe', 'pipe', 'ignore'],
      windowsHide: true,
      maxBuffer: 64 * 1_048_576,
    });
    // Null if the process could not be started.
    const answers = String(stdout ?? '')
      .split('\n')
      .flatMap(parseAnswer);
    const code = (error as NodeJS.ErrnoException | undefined)?.code;
    return code === undefined ? answers : [...answers, noAnswer(code)];
  } catch {
    return [];
  }
}

/** Whether this executable is Node itself. */
export function canSendSync(): boolean {
  const { electron, bun, deno } = process.versions;
  return electron === undefined && bun === undefined && deno === undefined && !isSea();
}

function parseAnswer(line: string): Answer[] {
  try {
    const answer = JSON.parse(line);
    if (answer.status === undefined) return [noAnswer(answer.missing)];
    return [{ ...answer, body: Buffer.from(answer.body, 'base64') }];
  } catch {
    return [];
  }
}

/** A code such as ECONNREFUSED is safe to tell; the message of an error may hold the address. */
function noAnswer(code: unknown): Answer {
  const isCode = typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code);
  return { status: 0, body: new Uint8Array(0), missing: isCode ? code : 'no answer' };
}
