/** google.rpc codes for the HTTP statuses that a receiver answers with. */
const RPC_CODES: Readonly<Record<number, number>> = {
  400: 3,
  404: 5,
  405: 12,
  413: 8,
  415: 3,
  429: 8,
  502: 14,
  503: 14,
  504: 4,
};

/** A request that is answered with an error status. `message` is what the sender is told. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** The google.rpc code that goes with an HTTP status; UNKNOWN where there is none. */
export function rpcCode(status: number): number {
  return RPC_CODES[status] ?? 2;
}
