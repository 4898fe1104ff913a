import {
  LEVEL_NAMES,
  type LevelDirective,
  minimumOf,
  overlaid,
  parseLevelDirective,
  setMinimumSeverities,
} from '@logspan/logger/internal';
import { ConfigError, given } from './config-error.ts';

/** The timers that are used, so that tests can be ahead of time. */
export interface LevelTimers {
  setTimeout(callback: () => void, millis: number): { unref(): void };
  clearTimeout(timer: unknown): void;
}

/** How long a change of levels holds, and who may take it back. */
export interface LevelChange {
  /** Milliseconds until the change is taken back. Undefined: it stays. */
  readonly ttlMillis?: number | undefined;
  /** Whose change it is: another one of the same owner takes its place. Undefined: it cannot be taken back. */
  readonly owner?: string | undefined;
}

interface Layer {
  readonly directive: LevelDirective;
  readonly owner: string | undefined;
  timer: unknown;
}

/** The longest list of scopes, and the most changes that wait to be taken back: neither may grow for ever. */
const MOST_SCOPES = 1_000;
const MOST_TEMPORARY = 100;

/**
 * The levels of the process: those of the start, and every change since, in the order in which they came. A change holds
 * at once, for loggers that exist too; one with a default hides all before it, one without adds to them. When the time of
 * a change is up, or its owner takes it back, what it hid is there again.
 */
export class Levels {
  readonly #timers: LevelTimers;
  #layers: Layer[];
  #ended = false;

  constructor(configured: LevelDirective, timers: LevelTimers = globalThis) {
    this.#timers = timers;
    this.#layers = [{ directive: configured, owner: undefined, timer: undefined }];
    this.#apply();
  }

  /** Throws a {@link ConfigError}, and changes nothing, if more would have to be kept than is allowed. */
  set(directive: LevelDirective, { ttlMillis, owner }: LevelChange = {}): void {
    if (this.#ended) return;
    const layers = this.#layers.filter((layer) => owner === undefined || layer.owner !== owner);
    const last = layers.at(-1);
    const stays = ttlMillis === undefined && owner === undefined;
    // What stays on top of what stays is one layer: only what can be taken back has to be told apart.
    const joins = stays && last !== undefined && last.timer === undefined && last.owner === undefined;
    const layer: Layer = {
      directive: joins ? overlaid(last.directive, directive) : directive,
      owner,
      timer: undefined,
    };
    if (layer.directive.scopes.size > MOST_SCOPES) {
      throw new ConfigError('level', `names more than ${MOST_SCOPES} scopes; one with a default level starts afresh`);
    }
    if (ttlMillis !== undefined && layers.filter(({ timer }) => timer !== undefined).length >= MOST_TEMPORARY) {
      throw new ConfigError('ttlMillis', `is set for ${MOST_TEMPORARY} changes already that have not ended`);
    }
    // Nothing that a lasting default hides can ever show again.
    const kept = stays && directive.minimum !== undefined ? [] : joins ? layers.slice(0, -1) : layers;
    for (const gone of this.#layers) if (!kept.includes(gone)) this.#timers.clearTimeout(gone.timer);
    if (ttlMillis !== undefined) {
      const timer = this.#timers.setTimeout(() => this.#remove(layer), ttlMillis);
      timer.unref();
      layer.timer = timer;
    }
    this.#layers = [...kept, layer];
    this.#apply();
  }

  /** Takes an owner's change back; false if there is none. */
  takeBack(owner: string): boolean {
    const layer = this.#layers.find((one) => one.owner === owner);
    if (layer !== undefined) this.#remove(layer);
    return layer !== undefined;
  }

  /** Takes all back that would have been, and from then on changes nothing. */
  end(): void {
    if (this.#ended) return;
    for (const { timer } of this.#layers) this.#timers.clearTimeout(timer);
    this.#layers = this.#layers.filter(({ timer, owner }) => timer === undefined && owner === undefined);
    this.#apply();
    this.#ended = true;
  }

  #remove(layer: Layer): void {
    if (this.#ended) return;
    this.#timers.clearTimeout(layer.timer);
    this.#layers = this.#layers.filter((other) => other !== layer);
    this.#apply();
  }

  #apply(): void {
    const none: LevelDirective = { minimum: undefined, scopes: new Map() };
    setMinimumSeverities(minimumOf(this.#layers.reduce((under, { directive }) => overlaid(under, directive), none)));
  }
}

/** A level directive from an option; throws a {@link ConfigError} that names the option. */
export function levelOption(option: string, text: string): LevelDirective {
  const directive = parseLevelDirective(text);
  if ('invalid' in directive) throw new ConfigError(option, notUnderstood(directive.invalid));
  return directive;
}

/** Says of a part of a directive what is wrong with it. */
export function notUnderstood(part: string): string {
  const equals = part.lastIndexOf('=');
  return equals === 0
    ? 'before a = must stand the name of a scope'
    : `${given(part.slice(equals + 1).trim())} is not a level; a directive is a level (${LEVEL_NAMES.join(', ')}) and scope=level`;
}
