/** What a probe found: attributes of the `system_metrics` event. What the platform does not tell is left out, never 0. */
export type Readings = Readonly<Record<string, number | Readonly<Record<string, number>>>>;

/** One kind of value about the process or its machine. May throw or reject: then only its own values are missing. */
export interface Probe {
  /** The values of the time since the last call, or since the probe was made. Does not block the event loop. */
  read(): Readings | Promise<Readings>;
  stop?(): void;
}
