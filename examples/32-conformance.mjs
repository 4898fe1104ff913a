// Does a step of your own keep what every step of a pipeline promises? Checks for any test runner; here without one.
// In Jest or Vitest: test.each(stageConformance(() => myStage()))('$name', ({ run }) => run());
import { forwardTo, stage } from '@logspan/sdk';
import { stageConformance } from '@logspan/sdk/testing';

async function faults(make) {
  const found = [];
  for (const { name, run } of stageConformance(make)) {
    await run().catch((error) => found.push(`${name}: ${error.message}`));
  }
  return found;
}

const quiet = () =>
  stage('quiet', 'filter', (next) => {
    let dropped = 0;
    return forwardTo(next, {
      onEmit(record, context) {
        if (record.severityNumber >= 9) next.onEmit(record, context);
        else dropped++;
      },
      account: () => ({ dropped: { quiet: dropped } }),
    });
  });
console.log('quiet:', await faults(quiet));

// Drops without counting, writes into the caller's object, and loses the context.
const careless = () =>
  stage('careless', 'enrich', (next) =>
    forwardTo(next, {
      onEmit(record) {
        if (record.severityNumber === 5) return;
        record.attributes.region = 'eu';
        next.onEmit(record);
      },
    }),
  );
for (const fault of await faults(careless)) console.log('careless:', fault);
