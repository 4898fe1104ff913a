import type { Answer } from '../../packages/sdk/src/delivery/answer.ts';
import type { Sender } from '../../packages/sdk/src/delivery/http-sender.ts';
import { idsIn } from './otlp-batches.ts';

/** A request that waits for what the test answers. */
export interface Asked {
  readonly ids: readonly string[];
  readonly at: number;
  answer(status: number, more?: Partial<Answer>): void;
  /** No answer: `ECONNREFUSED`, `ECONNRESET`. */
  fail(code: string): void;
}

/** A sender whose answers are given by the test, or by a script that is asked first. */
export class ScriptedSender implements Sender {
  /** All requests, in order. */
  readonly requests: Asked[] = [];
  /** Those that are not answered yet. */
  open: Asked[] = [];
  closed = false;
  /** Answers at once, unless it returns undefined. */
  script: ((asked: Asked) => number | undefined) | undefined;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  send(body: Uint8Array): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        this.open = this.open.filter((other) => other !== asked);
      };
      const asked: Asked = {
        ids: idsIn(body),
        at: this.#now(),
        answer: (status, more = {}) => {
          done();
          resolve({ status, body: new Uint8Array(), ...more });
        },
        fail: (code) => {
          done();
          reject(Object.assign(new Error('http://user:secret@collector'), { code }));
        },
      };
      this.requests.push(asked);
      this.open.push(asked);
      const status = this.script?.(asked);
      if (status !== undefined) asked.answer(status);
    });
  }

  close(): void {
    this.closed = true;
    for (const asked of this.open) asked.fail('ECONNRESET');
  }
}
