import type { DeliveryAccount } from '../handlers/handler.ts';

/** Why a record was given up. */
export type DropReason =
  /** The queue was full; low severities go first, then the oldest. */
  | 'queue_full'
  /** The record could not be encoded. */
  | 'encode_error'
  /** The record alone exceeds the limit for one record, even without its attributes. */
  | 'too_large'
  /** Not delivered by the deadline of the shutdown. */
  | 'shutdown_deadline'
  /** Written after the shutdown. */
  | 'after_shutdown'
  /** Not delivered when the process ended. */
  | 'process_exit'
  /** The destination took the request but answered more than 4 MiB, which OTLP forbids to read. */
  | 'response_too_large'
  /** An OTel exporter reported failure. */
  | 'export_failed';

/**
 * The books of one destination. What is pending is not computed from the other figures but counted where it is held,
 * so that `accepted = delivered + rejected + sum(dropped) + pending` is a statement that can be false.
 */
export class Ledger {
  accepted = 0;
  delivered = 0;
  rejected = 0;
  readonly #dropped = new Map<DropReason, number>();
  readonly #onDrop: ((reason: DropReason, records: number) => void) | undefined;

  /** @param onDrop told of every loss, after it was counted. */
  constructor(onDrop?: (reason: DropReason, records: number) => void) {
    this.#onDrop = onDrop;
  }

  drop(reason: DropReason, records: number): void {
    if (records === 0) return;
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + records);
    this.#onDrop?.(reason, records);
  }

  account(pending: number): DeliveryAccount {
    return {
      accepted: this.accepted,
      delivered: this.delivered,
      rejected: this.rejected,
      dropped: Object.fromEntries(this.#dropped),
      pending,
    };
  }
}
