import type { DeliveryAccount, HandlerEnd, Lost } from '../handlers/handler.ts';
import { report } from '../pipeline/report.ts';
import type { LogRecord } from '../pipeline/stage.ts';

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
  | 'export_failed'
  /** Sentry has no client. */
  | 'no_client'
  /** Sentry took the record and did not send it. */
  | 'not_sent'
  /** The error of the record was reported before. */
  | 'already_reported'
  /** Not for this handler. */
  | 'filtered';

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
  /** Who takes over what is given up or refused, if anyone does. */
  onLost: ((lost: Lost) => void) | undefined;

  /** @param onDrop told of every loss, after it was counted. */
  constructor(onDrop?: (reason: DropReason, records: number) => void) {
    this.#onDrop = onDrop;
  }

  /** Counts records as given up. `read` makes them, for who takes them over; without it they are gone. */
  drop(reason: DropReason, records: number, read?: () => Iterable<LogRecord>): void {
    if (records === 0) return;
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + records);
    this.#onDrop?.(reason, records);
    this.#lost(reason, records, read);
  }

  /** Counts records as refused by the destination. */
  reject(records: number, read?: () => Iterable<LogRecord>): void {
    if (records === 0) return;
    this.rejected += records;
    this.#lost('rejected', records, read);
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

  #lost(reason: string, count: number, read: (() => Iterable<LogRecord>) | undefined): void {
    if (this.onLost === undefined || read === undefined) return;
    try {
      this.onLost({ reason, count, records: { [Symbol.iterator]: () => read()[Symbol.iterator]() } });
    } catch (error) {
      report('who takes over lost records failed', error);
    }
  }
}

/** Several accounts as one. */
export function sumOf(accounts: Iterable<DeliveryAccount>): DeliveryAccount {
  const sum = { accepted: 0, delivered: 0, rejected: 0, pending: 0 };
  // A reason may be the name of a user's function, `constructor` included.
  const dropped: Record<string, number> = Object.create(null);
  for (const account of accounts) {
    sum.accepted += account.accepted;
    sum.delivered += account.delivered;
    sum.rejected += account.rejected;
    sum.pending += account.pending;
    for (const [reason, count] of Object.entries(account.dropped)) dropped[reason] = (dropped[reason] ?? 0) + count;
  }
  return { ...sum, dropped: { ...dropped } };
}

/** Records of a handler that nobody has: dropped or refused, and taken over by no other. */
export function lostBy(end: HandlerEnd): number {
  if (end.lost !== undefined) return end.lost();
  const { rejected, dropped } = end.deliveryAccount();
  return Object.values(dropped).reduce((sum, count) => sum + count, rejected);
}

/** The account of records of which there is nothing to say but that they were dropped, and why. */
export function droppedAccount(dropped: Readonly<Record<string, number>>, pending = 0): DeliveryAccount {
  const happened = Object.entries(dropped).filter(([, count]) => count > 0);
  const accepted = happened.reduce((sum, [, count]) => sum + count, pending);
  return { accepted, delivered: 0, rejected: 0, dropped: Object.fromEntries(happened), pending };
}

/**
 * The accounts of a handler by name: its own, or those of the handlers behind it, as `route/otlp`. `besides` is what
 * others know of records that were meant for it and never came into its books, such as those on which it threw.
 */
export function accountsOf(
  name: string,
  end: HandlerEnd,
  besides: DeliveryAccount = droppedAccount({}),
): Readonly<Record<string, DeliveryAccount>> {
  const accounts: Record<string, DeliveryAccount> = {};
  for (const [inner, account] of Object.entries(end.deliveryAccounts?.() ?? { '': end.deliveryAccount() })) {
    accounts[inner === '' ? name : `${name}/${inner}`] = account;
  }
  if (besides.accepted > 0) accounts[name] = sumOf([accounts[name] ?? droppedAccount({}), besides]);
  return accounts;
}
