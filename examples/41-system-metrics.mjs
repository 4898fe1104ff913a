// Processor, memory, threads, garbage collection and event loop of this process as an event, once an interval.
import { consoleHandler, register } from '@logspan/sdk';

const seen = ({ eventName, attributes }) => {
  if (eventName !== 'system_metrics') return true;
  console.log('busy:', attributes.cpu_percent > 0 && attributes['process.cpu.utilization'] > 0);
  console.log('memory in MB:', attributes.memory_mb);
  console.log('garbage collections:', attributes.gc_stats);
  console.log('longest wait of the event loop, in seconds:', attributes['nodejs.eventloop.delay.max']);
  console.log('threads and open files:', attributes.threads, attributes.open_files); // on Linux
  done = true;
};
let done = false;

const logging = register({
  processors: [seen],
  handlers: [consoleHandler({ format: 'json' })],
  systemMetrics: { intervalMillis: 200 }, // a minute, unless you say otherwise
});

// Some work. The timer of systemMetrics would not keep the process alive without it.
const work = () => {
  for (const until = performance.now() + 5; performance.now() < until; ) JSON.stringify({ at: [performance.now()] });
  if (!done) setImmediate(work);
  else logging.shutdown();
};
work();
