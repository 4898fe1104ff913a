import { expect, test } from '@jest/globals';
import type { Attributes } from '@opentelemetry/api';
import { type ExemplarSource, Exemplars } from './exemplars.ts';
import { LOGSPAN_SCOPE } from './logspan-meter.ts';
import type { Exemplar } from './metric-data.ts';

const spanContext = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 };
const exemplar = (value: number): Exemplar => ({ value, time: [1, 0], spanContext });

/** Has one exemplar at each call, whose value is the number of the call. */
function source(attributes: Attributes = {}): ExemplarSource & { taken: number } {
  return {
    metric: 'n',
    taken: 0,
    take() {
      this.taken++;
      return [{ attributes, exemplars: [exemplar(this.taken)] }];
    },
  };
}
const valuesOf = (found: readonly Exemplar[]) => found.map(({ value }) => value);

test('who leaves is asked one last time, and then let go', () => {
  const exemplars = new Exemplars('trace_based');
  const [leaving, staying] = [source(), source()];
  const leave = exemplars.add(leaving);
  exemplars.add(staying);
  exemplars.take();
  leave();
  expect(valuesOf(exemplars.take()(LOGSPAN_SCOPE, 'n', {}))).toEqual([2, 2]);
  expect(valuesOf(exemplars.take()(LOGSPAN_SCOPE, 'n', {}))).toEqual([3]);
  expect([leaving.taken, staying.taken]).toEqual([2, 3]);
});

test('belong to the point of this scope, this metric and these attributes in whatever order', () => {
  const exemplars = new Exemplars('trace_based');
  exemplars.add(source({ b: 1, a: 'x' }));
  const of = exemplars.take();
  expect(valuesOf(of(LOGSPAN_SCOPE, 'n', { a: 'x', b: 1 }))).toEqual([1]);
  expect(of({ name: 'app' }, 'n', { a: 'x', b: 1 })).toEqual([]);
  expect(of(LOGSPAN_SCOPE, 'm', { a: 'x', b: 1 })).toEqual([]);
  expect(of(LOGSPAN_SCOPE, 'n', { a: 'x' })).toEqual([]);
});
