import { diag } from '@opentelemetry/api';

/**
 * Tells OTel's diagnostics channel of a failure inside logspan. Of the error its kind is told, not its message, which may
 * quote the record. Never throws: an application's diag logger that does must not reach the application from here.
 */
export function report(message: string, error: unknown): void {
  try {
    diag.error(`logspan: ${oneLine(message)}`, kindOf(error));
  } catch {
    // There is nobody left to tell.
  }
}

/** The kind of an error, if it is the name of one: what anybody may write into `name` is not told. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const { name } = error;
  return typeof name === 'string' && /^[A-Za-z_$][\w$.]{0,63}$/.test(name) ? name : 'Error';
}

/** The name of a function is part of it, and a user's: it must not begin a line of its own. */
function oneLine(message: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return message.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '?').slice(0, 400);
}

/** True for the first failure, and then ever more rarely: what fails with every record must not flood. */
export function isWorthReporting(failures: number): boolean {
  return (failures & (failures - 1)) === 0;
}

/** What one part does wrong again and again, told now and then: `processor late failed 4 time(s)`. */
export class Failures {
  readonly #what: string;
  #count = 0;

  constructor(what: string) {
    this.#what = what;
  }

  count(error: unknown): void {
    this.#count++;
    if (isWorthReporting(this.#count)) report(`${this.#what} failed ${this.#count} time(s)`, error);
  }

  /** Counts it if this is a promise that rejects: an unhandled rejection would end the process. Never throws. */
  watch(answer: unknown): void {
    try {
      if (typeof (answer as { then?: unknown } | null | undefined)?.then !== 'function') return;
      Promise.resolve(answer).catch((error: unknown) => this.count(error));
    } catch {
      // A getter that throws in place of `then`: no promise.
    }
  }
}

/** The same for what has no count of its own. */
export function watch(answer: unknown, what: string): void {
  new Failures(what).watch(answer);
}
