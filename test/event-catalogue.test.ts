import { expect, test } from '@jest/globals';
import { defineEvents } from '@logspan/logger';
import { logMetrics, redact } from '@logspan/sdk';
import { createNoopMeter } from '@opentelemetry/api';
import { through } from './pipeline/recorder.ts';

test('the SDK takes secrets and metrics as a catalogue has them', () => {
  const events = defineEvents<{ order_placed: { amount: number; card_pin: string } }>({
    order_placed: {
      secrets: ['card_pin'],
      metrics: [{ type: 'histogram', name: 'shop.order.amount', unit: 'EUR', value: 'amount' }],
    },
  });
  const { end, emit } = through(redact({ keys: events.secrets, wellKnown: false }));
  emit({ eventName: 'order_placed', attributes: { amount: 1, cardPin: '1234' } });
  expect(end.attributes).toEqual([{ amount: 1, cardPin: '***REDACTED***' }]);

  const recorded: unknown[] = [];
  const meter = Object.assign(Object.create(createNoopMeter()), {
    createHistogram: (name: string) => ({
      record: (value: number, attributes: unknown) => recorded.push([name, value, attributes]),
    }),
  });
  const metered = through(logMetrics({ rules: events.metrics, meter }));
  metered.emit({ eventName: 'order_placed', attributes: { amount: 7 } });
  metered.emit({ eventName: 'other', attributes: { amount: 8 } });
  expect(recorded).toEqual([['shop.order.amount', 7, {}]]);
});
