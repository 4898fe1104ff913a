// The screen while the shop runs: some traces in full, as both services wrote them, above one line of progress.
import { createTail, useColors } from '@logspan/viewer';

/** A person can read about one trace in so many milliseconds. */
const TRACE_MILLIS = 1_000;
const PROGRESS_MILLIS = 250;
/** Traces from which the next one to be shown is taken. */
const MOST_CANDIDATES = 2_000;

/** With which records the services begin and end a checkout. */
const EDGES = /^(checkout_(started|completed|refused|failed)|order_(received|placed|refused|failed))$/;
/** Where there is no terminal, progress is a line now and then. */
const PLAIN_PROGRESS_MILLIS = 10_000;

/**
 * @param {NodeJS.WriteStream} stream
 * @param {() => string} progress text of the progress line, asked for again and again
 */
export function createLiveView(stream, progress) {
  const terminal = stream.isTTY === true;
  const colors = useColors(stream);
  const tail = createTail({ write: print, columns: () => stream.columns, colors });
  /** Records by trace, of the traces seen since the last one was shown. */
  let candidates = new Map();
  let shownOutcomes = [];
  let ended = false;

  /** Writes above the progress line. */
  function print(text) {
    stream.write(terminal ? `\r\x1b[K${text}` : text);
    drawProgress();
  }

  function drawProgress() {
    if (!terminal || ended) return;
    const line = progress().slice(0, (stream.columns ?? 80) - 1);
    stream.write(`\r\x1b[K${colors ? `\x1b[2m${line}\x1b[22m` : line}`);
  }

  function showOne() {
    const complete = [...candidates.values()].filter((records) => records.complete);
    // Another ending than the last few, if there is one: most checkouts go well, and that is soon seen.
    const next = complete.find(({ outcome }) => !shownOutcomes.includes(outcome)) ?? complete[0];
    if (next === undefined) return;
    shownOutcomes = [...shownOutcomes, next.outcome].slice(-3);
    candidates = new Map();
    const inOrder = next.sort((a, b) => (a.timeUnixNano < b.timeUnixNano ? -1 : 1));
    tail.show(inOrder);
    print('\n');
  }

  const showing = setInterval(showOne, TRACE_MILLIS);
  const progressing = terminal
    ? setInterval(drawProgress, PROGRESS_MILLIS)
    : setInterval(() => stream.write(`${progress()}\n`), PLAIN_PROGRESS_MILLIS);

  return {
    /** Takes records as they arrive. */
    add(records) {
      for (const record of records) {
        let trace = candidates.get(record.traceId);
        if (trace === undefined) {
          if (candidates.size >= MOST_CANDIDATES) continue;
          trace = [];
          candidates.set(record.traceId, trace);
        }
        trace.push(record);
        trace.edges ??= new Set();
        if (EDGES.test(record.eventName)) trace.edges.add(record.eventName);
        // The first and the last word of both services: what lies between has arrived too.
        trace.complete = trace.edges.size === 4;
        if (record.service === 'storefront') trace.outcome = record.eventName;
      }
    },
    /** Says something in a line of its own. */
    say: (text) => print(`${text}\n`),
    /** No more traces: what is left to come is the summary. */
    quiet: () => clearInterval(showing),
    end() {
      clearInterval(showing);
      clearInterval(progressing);
      ended = true;
      if (terminal) stream.write('\r\x1b[K');
    },
  };
}
