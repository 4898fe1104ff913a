// Writes records as a server does: inside active spans, four records in each, with a turn of the event loop in between.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';

const RECORDS_PER_SPAN = 4;
const RECORDS_PER_TURN = 512;

const hex = (value, digits) => value.toString(16).padStart(digits, '0');

/** What identifies the span that a record is written in. */
export function spanOf(sequence) {
  const span = (Math.floor(sequence / RECORDS_PER_SPAN) & 63) + 1;
  return { traceId: hex(0xa0_0000 + span, 32), spanId: hex(0xb0_0000 + span, 16), traceFlags: 1 };
}

/** Makes the OTel context follow asynchronous calls, unless something has done so before. */
export function enableContext() {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
}

const contexts = Array.from({ length: 64 }, (_, i) =>
  trace.setSpanContext(context.active(), spanOf(i * RECORDS_PER_SPAN)),
);

/** Calls `write` with each sequence number from `first` up to `end`, inside the span of that number. */
export function writeInSpans(first, end, write) {
  for (let at = first; at < end; ) {
    const last = Math.min(end, (Math.floor(at / RECORDS_PER_SPAN) + 1) * RECORDS_PER_SPAN);
    const from = at;
    context.with(contexts[Math.floor(at / RECORDS_PER_SPAN) & 63], () => {
      for (let sequence = from; sequence < last; sequence++) write(sequence);
    });
    at = last;
  }
}

/** As {@link writeInSpans} for the numbers from 0, with a turn of the event loop after each 512. */
export async function writeInTurns(records, write) {
  for (let at = 0; at < records; at += RECORDS_PER_TURN) {
    writeInSpans(at, Math.min(records, at + RECORDS_PER_TURN), write);
    await nextTurn();
  }
}

/** What {@link writeInTurns} costs by itself: spans and turns without records. */
export async function emptyTurns(records) {
  let sink = 0;
  await writeInTurns(records, (sequence) => {
    sink ^= sequence;
  });
  return { sink };
}
