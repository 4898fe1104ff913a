import fc from 'fast-check';
import { hostileValues } from './values.ts';

/** Makes a value when asked: some values cannot be held by a generator, which looks at what it made. */
export type Maker = () => unknown;

const ordinary: fc.Arbitrary<Maker> = fc
  .anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withObjectString: true,
    withTypedArray: true,
    withSparseArray: true,
    withBoxedValues: true,
    withUnicodeString: true,
    maxDepth: 3,
  })
  .map((value) => () => value);

// Those that take long to make are left to the table.
const SLOW = /10 MB|megabyte|100 000|million|causes without end|of many/;
const quick = hostileValues.filter(({ name }) => !SLOW.test(name));
const hostile: fc.Arbitrary<Maker> = fc.constantFrom(...quick).map(({ make }) => make);

/** Any value at all, the hostile ones included, alone and inside of others. */
export const anything: fc.Arbitrary<Maker> = fc.letrec<{ value: Maker }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    ordinary,
    hostile,
    fc.array(tie('value'), { maxLength: 3 }).map((makers) => () => makers.map((make) => make())),
    fc
      .dictionary(fc.string({ maxLength: 8 }), tie('value'), { maxKeys: 4 })
      .map((makers) => () => Object.fromEntries(Object.entries(makers).map(([key, make]) => [key, make()]))),
    tie('value').map((make) => () => new Proxy({ inner: make() }, {})),
    tie('value').map((make) => () => new Map([[make(), make()]])),
    tie('value').map((make) => () => ({
      get inner() {
        return make();
      },
    })),
    tie('value').map(
      (make) => () => Object.assign(new Error('e', { cause: make() }), { errors: make(), code: make() }),
    ),
  ),
})).value;
