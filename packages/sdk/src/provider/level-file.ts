import { readFileSync, type Stats, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { parseLevelDirective } from '@logspan/logger/internal';
import { diag } from '@opentelemetry/api';
import type { Levels, LevelTimers } from './levels.ts';

const INTERVAL_MILLIS = 1_000;
/** Nobody writes a longer directive: the path is that of something else. */
const LONGEST = 8_192;
const OWNER = 'levelFile';

/**
 * Keeps levels as a file says: looked at now, and then once a second, for which the process is not kept alive. Read anew
 * each time instead of being watched: so a file that is replaced, renamed over, or reached by a link that changes (as in a
 * Kubernetes ConfigMap) is seen like one that is written to.
 *
 * A file that is not there, or empty, says nothing: what it said before is taken back. What is wrong with its content, or
 * with reading it, is told once on OTel's diag, without quoting it, and the levels stay as they are. Never throws.
 */
export class LevelFile {
  readonly #path: string;
  readonly #levels: Levels;
  readonly #timers: LevelTimers;
  #timer: unknown;
  #content = '';
  #problem: string | undefined;
  #stopped = false;

  constructor(path: string, levels: Levels, timers: LevelTimers = globalThis) {
    this.#path = path;
    this.#levels = levels;
    this.#timers = timers;
    try {
      this.#take(isShort(statSync(path)) ? readFileSync(path, 'utf8') : undefined);
    } catch (error) {
      this.#failed(error);
    }
    this.#wait();
  }

  /** Looks at the file once more. Never rejects. */
  async poll(): Promise<void> {
    try {
      // Not even opened if it is a pipe: that could take for ever.
      this.#take(isShort(await stat(this.#path)) ? await readFile(this.#path, 'utf8') : undefined);
    } catch (error) {
      this.#failed(error);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#timers.clearTimeout(this.#timer);
  }

  #wait(): void {
    if (this.#stopped) return;
    // One after the other: where a file system hangs, reads must not gather.
    const timer = this.#timers.setTimeout(() => void this.poll().then(() => this.#wait()), INTERVAL_MILLIS);
    timer.unref();
    this.#timer = timer;
  }

  #take(content: string | undefined): void {
    if (this.#stopped) return;
    const problem = this.#problemOf(content);
    if (problem === undefined) this.#problem = undefined;
    else this.#tell(problem);
  }

  /** Lets the content hold, or says what is wrong with it. */
  #problemOf(content: string | undefined): string | undefined {
    if (content === undefined) return `is no file of at most ${LONGEST} bytes`;
    if (content === this.#content) return undefined;
    if (content.trim() === '') {
      this.#levels.takeBack(OWNER);
    } else {
      const directive = parseLevelDirective(content);
      if ('invalid' in directive) return `entry ${directive.at} is no level and no scope=level`;
      this.#levels.set(directive, { owner: OWNER });
    }
    this.#content = content;
    this.#say(() => diag.info('logspan: levelFile: the levels are as it says'));
    return undefined;
  }

  #failed(error: unknown): void {
    // Not by instanceof: the error of another realm is none.
    const { code } = Object(error) as { code?: unknown };
    if (code === 'ENOENT' || code === 'ENOTDIR') this.#take('');
    else this.#tell(`cannot be used: ${typeof code === 'string' ? code : 'for an unknown reason'}`);
  }

  /** Once for each problem, not once a second. */
  #tell(problem: string): void {
    if (this.#stopped || problem === this.#problem) return;
    this.#problem = problem;
    this.#say(() => diag.warn(`logspan: levelFile: ${problem}; the levels stay as they are`));
  }

  /** An application's diag logger may throw. */
  #say(tell: () => void): void {
    try {
      tell();
    } catch {
      // There is nobody left to tell.
    }
  }
}

function isShort(file: Stats): boolean {
  return file.isFile() && file.size <= LONGEST;
}
