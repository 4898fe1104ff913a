// A contestant's process: node contestant.mjs NAME OPTIONS, driven by messages from the one that started it. Each message
// is { id, method, argument } and is answered by { id, result } or { id, error }.

const [name, options] = process.argv.slice(2);
const { start } = await import(`./contestants/${name}.mjs`);
const contestant = await start(JSON.parse(options));

/** Runs and says what it cost: CPU time of the whole process, so that no thread's work goes uncounted, and wall time. */
async function measured(run, times) {
  const cpu = process.cpuUsage();
  const started = performance.now();
  const result = await run(times);
  const wallNanos = (performance.now() - started) * 1e6;
  const { user, system } = process.cpuUsage(cpu);
  return { ...result, times, cpuNanos: (user + system) * 1e3, wallNanos };
}

const methods = {
  ...contestant,
  measure: (times) => measured(contestant.run, times),
  measureFloor: (times) => measured(contestant.floor, times),
  /**
   * Runs until that much CPU time is used, so that a busy machine shortens no one's warm-up; answers how often it can
   * run in a second of CPU time in the end.
   */
  async warm(millis) {
    let times = 1_024;
    for (let used = 0; ; ) {
      const { cpuNanos } = await measured(contestant.run, times);
      used += cpuNanos;
      await contestant.floor(times);
      const perSecond = (times / Math.max(1, cpuNanos)) * 1e9;
      if (used >= millis * 1e6) return perSecond;
      // In steps of a tenth of a second, not much more than before: the engine optimises between them.
      times = Math.max(1_024, Math.min(times * 8, Math.round(perSecond / 10)));
    }
  },
};

process.on('message', async ({ id, method, argument }) => {
  try {
    process.send({ id, result: await methods[method](argument) });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
});
// Exits by itself, so that a profile is written.
process.on('disconnect', () => process.exit(0));
process.send({ id: 0 });
