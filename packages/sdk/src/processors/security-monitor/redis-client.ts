import { createHash } from 'node:crypto';
import { ConfigError, given } from '../../provider/config-error.ts';

/** What is needed of a client of the package `redis`, 4 or later: of one server, a pool or a cluster. */
export interface NodeRedisClient {
  evalSha(sha: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  readonly isReady?: boolean;
}

/** What is needed of a client of the package `ioredis`, 5 or later: of one server or a cluster. */
export interface IoRedisClient {
  evalsha(sha: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
  eval(script: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
  readonly status?: string;
}

export type RedisClient = NodeRedisClient | IoRedisClient;

/** While it is in one of these states, ioredis would keep a command until the connection is back. */
const AWAY: readonly string[] = ['close', 'reconnecting', 'end'];

/** One script on a client of either package. The client stays its owner's: it is neither connected nor closed. */
export class RedisScript {
  readonly #client: RedisClient;
  readonly #script: string;
  readonly #sha: string;

  constructor(option: string, client: RedisClient, script: string) {
    if (!(isNodeRedis(client) || isIoRedis(client)) || typeof client.eval !== 'function')
      throw new ConfigError(option, `${given(client)} was given, allowed: a client of the package redis or ioredis`);
    this.#client = client;
    this.#script = script;
    this.#sha = createHash('sha1').update(script).digest('hex');
  }

  /** True if the client says that it is not connected, and would hold back what it is asked. */
  get isAway(): boolean {
    return isNodeRedis(this.#client) ? this.#client.isReady === false : AWAY.includes(this.#client.status ?? '');
  }

  /** By its hash, and by its text if the server does not know that yet, or any more. */
  async run(keys: string[], args: string[]): Promise<unknown> {
    const client = this.#client;
    const call = (by: 'hash' | 'text'): Promise<unknown> => {
      if (!isNodeRedis(client))
        return by === 'hash'
          ? client.evalsha(this.#sha, keys.length, ...keys, ...args)
          : client.eval(this.#script, keys.length, ...keys, ...args);
      const options = { keys, arguments: args };
      return by === 'hash' ? client.evalSha(this.#sha, options) : client.eval(this.#script, options);
    };
    try {
      return await call('hash');
    } catch (error) {
      if (redisCode(error) !== 'NOSCRIPT') throw error;
      return await call('text');
    }
  }
}

/** The word with which an error of Redis begins: `OOM`, `NOPERM`, `READONLY`. What is behind it may quote the command. */
export function redisCode(error: unknown): string | undefined {
  const message = error instanceof Error ? error.message : '';
  return /^[A-Z]{3,20}(?= |$)/.exec(message)?.[0];
}

function isNodeRedis(client: RedisClient): client is NodeRedisClient {
  return typeof (client as NodeRedisClient | undefined | null)?.evalSha === 'function';
}

function isIoRedis(client: RedisClient): client is IoRedisClient {
  return typeof (client as IoRedisClient | undefined | null)?.evalsha === 'function';
}
