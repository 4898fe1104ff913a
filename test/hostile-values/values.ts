import { runInNewContext } from 'node:vm';

/** Something a caller may log by accident or malice, and what must become of it. */
export interface HostileValue {
  readonly name: string;
  /** Makes the value anew for each use. */
  readonly make: () => unknown;
  /** The plain data it becomes. */
  readonly becomes: unknown;
  /** True if a limit cut something off, which must be counted. */
  readonly cut?: true;
}

/** The limits that apply by default, written out: these are promises. */
const LONGEST_TEXT = 32_768;
const MOST_ITEMS = 256;
const MOST_KEYS = 128;

/** An error with a stack that can be written down. */
function failure<E extends Error>(error: E, fields: object = {}): E {
  return Object.assign(error, { stack: 'the stack' }, fields);
}
const described = (type: string, message: string, fields: object = {}): object => ({
  type,
  message,
  stacktrace: 'the stack',
  ...fields,
});

function nested(levels: number, wrap: (inner: unknown) => unknown, innermost: unknown = 'bottom'): unknown {
  let value = innermost;
  for (let level = 0; level < levels; level++) value = wrap(value);
  return value;
}

const throwing = (error: unknown) => () => {
  throw error;
};

/** A proxy that throws in one trap and is honest in the others. */
const throwsIn = (trap: string, target: object = { a: 1 }): object =>
  new Proxy(target, { [trap]: throwing(new RangeError('from a trap')) });

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

function transferred(view: Uint8Array): Uint8Array {
  structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });
  return view;
}

class Account {
  readonly #secret = 'never seen';
  owner = 'ann';
  get balance(): number {
    throw new Error(this.#secret);
  }
}
class Money {
  readonly cents = 1_234;
  toJSON(): unknown {
    return { amount: '12.34' };
  }
}
class PaymentError extends Error {
  readonly code = 'E_DECLINED';
}
class Hidden {
  // biome-ignore lint/correctness/noUnusedPrivateClassMembers: that it is not seen is the point
  readonly #value = 1;
}
class Pretender {
  readonly kept = true;
  readonly #tag: string;
  constructor(tag: string) {
    this.#tag = tag;
  }
  get [Symbol.toStringTag](): string {
    return this.#tag;
  }
}

const ERRORS: HostileValue[] = [
  {
    name: 'an Error',
    make: () => failure(new TypeError('no')),
    becomes: described('TypeError', 'no'),
  },
  {
    name: 'an error of a class that sets no name, with a code and what a client attached to it',
    make: () => failure(new PaymentError('declined'), { config: { headers: { authorization: 'secret' } } }),
    becomes: described('PaymentError', 'declined', { code: 'E_DECLINED' }),
  },
  {
    name: 'an error with a cause',
    make: () => failure(new Error('outer', { cause: failure(new RangeError('inner')) })),
    becomes: described('Error', 'outer', { cause: described('RangeError', 'inner') }),
  },
  {
    name: 'an error that is its own cause',
    make: () => {
      const error = failure(new Error('a'));
      error.cause = failure(new Error('b', { cause: error }));
      return error;
    },
    becomes: described('Error', 'a', { cause: described('Error', 'b', { cause: '[Circular]' }) }),
  },
  {
    name: 'causes without end',
    make: () => nested(1_000, (cause) => failure(new Error('e', { cause }))),
    becomes: nested(4, (cause) => described('Error', 'e', { cause }), described('Error', 'e')),
  },
  {
    name: 'causes that are not errors',
    make: () => failure(new Error('e', { cause: { password: 'secret' } })),
    becomes: described('Error', 'e', { cause: '[object]' }),
  },
  {
    name: 'an AggregateError of many',
    make: () =>
      failure(
        new AggregateError(
          Array.from({ length: 1_000 }, (_, i) => failure(new Error(`${i}`))),
          'all',
        ),
      ),
    becomes: described('AggregateError', 'all', {
      errors: Array.from({ length: 10 }, (_, i) => described('Error', `${i}`)),
    }),
  },
  {
    name: 'an AggregateError that contains itself and what is none',
    make: () => {
      const error = failure(new AggregateError([], 'all'));
      error.errors = [error, 'text', null, undefined, 7];
      return error;
    },
    becomes: described('AggregateError', 'all', { errors: ['[Circular]', 'text', '[object]', '', '7'] }),
  },
  {
    name: 'errors that cannot be listed',
    make: () => failure(new Error('e'), { errors: revoked([]) }),
    becomes: described('Error', 'e'),
  },
  {
    name: 'an error whose every property throws',
    make: () => {
      const thrower = { get: throwing(new Error('no')) };
      const properties = ['stack', 'name', 'message', 'cause', 'errors', 'code', 'constructor'];
      return Object.defineProperties(new Error('e'), Object.fromEntries(properties.map((name) => [name, thrower])));
    },
    becomes: { type: 'Error', message: '' },
  },
  {
    name: 'an error with a message and a stack of megabytes',
    make: () => Object.assign(new Error('m'.repeat(1_000_000)), { stack: 's'.repeat(1_000_000) }),
    becomes: { type: 'Error', message: `${'m'.repeat(8_192)}…`, stacktrace: `${'s'.repeat(16_384)}…` },
  },
  {
    name: 'an error of another realm',
    make: () => failure(runInNewContext('new SyntaxError("elsewhere")')),
    becomes: described('SyntaxError', 'elsewhere'),
  },
];

const BUILT_INS: HostileValue[] = [
  { name: 'a Date', make: () => new Date(0), becomes: '1970-01-01T00:00:00.000Z' },
  { name: 'the last Date', make: () => new Date(8.64e15), becomes: '+275760-09-13T00:00:00.000Z' },
  { name: 'an invalid Date', make: () => new Date(Number.NaN), becomes: null },
  {
    name: 'a Map with texts and numbers as keys',
    make: () =>
      new Map<unknown, unknown>([
        ['a', 1],
        [2, new Map([['b', new Date(0)]])],
        ['__proto__', 3],
      ]),
    becomes: JSON.parse('{"a":1,"2":{"b":"1970-01-01T00:00:00.000Z"},"__proto__":3}'),
  },
  {
    name: 'a Map with other keys',
    make: () =>
      new Map<unknown, unknown>([
        [{ id: 1 }, 'a'],
        [null, undefined],
      ]),
    becomes: [
      [{ id: 1 }, 'a'],
      [null, null],
    ],
  },
  {
    name: 'a Map of 1 000',
    make: () => new Map(Array.from({ length: 1_000 }, (_, i) => [`k${i}`, i])),
    becomes: { ...Object.fromEntries(Array.from({ length: MOST_ITEMS }, (_, i) => [`k${i}`, i])), '…': '[744 more]' },
    cut: true,
  },
  { name: 'a Set', make: () => new Set([1, 'a', new Set([null])]), becomes: [1, 'a', [null]] },
  {
    name: 'a Set of 100 000',
    make: () => new Set(Array.from({ length: 100_000 }, (_, i) => i)),
    becomes: [...Array.from({ length: MOST_ITEMS }, (_, i) => i), '[… 99744 more]'],
    cut: true,
  },
  { name: 'a WeakMap', make: () => new WeakMap(), becomes: '[WeakMap]' },
  { name: 'a WeakSet', make: () => new WeakSet(), becomes: '[WeakSet]' },
  { name: 'a WeakRef', make: () => new WeakRef({}), becomes: '[WeakRef]' },
  { name: 'a small bigint', make: () => -7n, becomes: -7 },
  { name: 'the first bigint that no number holds', make: () => 2n ** 53n, becomes: '9007199254740992' },
  { name: 'a huge bigint', make: () => 10n ** 100n, becomes: `1${'0'.repeat(100)}` },
  { name: 'a bigint of 40 001 digits', make: () => 10n ** 40_000n, becomes: `1${'0'.repeat(32_767)}`, cut: true },
  { name: 'a symbol', make: () => Symbol('token'), becomes: 'Symbol(token)' },
  { name: 'a function', make: () => function refresh() {}, becomes: '[Function: refresh]' },
  { name: 'a class', make: () => Account, becomes: '[Function: Account]' },
  {
    name: 'a function with a name that throws',
    make: () => Object.defineProperty(() => 1, 'name', { get: throwing(new Error('no')) }),
    becomes: '[Function: ]',
  },
  { name: 'a Promise', make: () => Promise.resolve(1), becomes: '[Promise]' },
  {
    name: 'a generator',
    make: () =>
      (function* () {
        yield 1;
      })(),
    becomes: {},
  },
  { name: 'a RegExp', make: () => /a+b/gi, becomes: '/a+b/gi' },
  { name: 'a boxed number', make: () => Object(7), becomes: 7 },
  { name: 'a boxed text', make: () => Object('text'), becomes: 'text' },
  { name: 'a boxed boolean', make: () => Object(false), becomes: false },
  { name: 'a boxed bigint', make: () => Object(10n ** 20n), becomes: '100000000000000000000' },
  { name: 'a boxed symbol', make: () => Object(Symbol('s')), becomes: 'Symbol(s)' },
  {
    name: 'a boxed text of 10 MB',
    make: () => Object('x'.repeat(10_000_000)),
    becomes: 'x'.repeat(LONGEST_TEXT),
    cut: true,
  },
  { name: 'Headers', make: () => new Headers({ 'X-A': '1', b: '2' }), becomes: { b: '2', 'x-a': '1' } },
  {
    name: 'Headers without end',
    make: () => new Headers(Array.from({ length: 300 }, (_, i) => [`h${1_000 + i}`, 'v'])),
    becomes: {
      ...Object.fromEntries(Array.from({ length: MOST_ITEMS }, (_, i) => [`h${1_000 + i}`, 'v'])),
      '…': '[more]',
    },
    cut: true,
  },
  { name: 'URLSearchParams', make: () => new URLSearchParams('a=1&b=2'), becomes: { a: '1', b: '2' } },
  { name: 'a URL', make: () => new URL('https://example.com/a?b=c'), becomes: 'https://example.com/a?b=c' },
];

const BYTES: HostileValue[] = [
  { name: 'a Buffer', make: () => Buffer.from('hey'), becomes: Uint8Array.of(104, 101, 121) },
  { name: 'a part of a buffer', make: () => Buffer.from('abcdef').subarray(2, 4), becomes: Uint8Array.of(99, 100) },
  {
    name: 'a megabyte',
    make: () => new Uint8Array(1_000_000).fill(7),
    becomes: new Uint8Array(LONGEST_TEXT).fill(7),
    cut: true,
  },
  {
    name: 'bytes that lie about themselves',
    make: () =>
      Object.defineProperties(Uint8Array.of(1, 2), {
        length: { value: 1e9 },
        byteLength: { value: 0 },
        buffer: { value: null },
        [Symbol.toStringTag]: { value: 'Date' },
      }),
    becomes: Uint8Array.of(1, 2),
  },
  {
    name: 'bytes that were transferred away',
    make: () => transferred(Uint8Array.of(1, 2)),
    becomes: new Uint8Array(0),
  },
  { name: 'bytes of another realm', make: () => runInNewContext('Uint8Array.of(5, 6)'), becomes: Uint8Array.of(5, 6) },
  { name: 'a proxy of bytes', make: () => new Proxy(Uint8Array.of(1), {}), becomes: { '0': 1 } },
  { name: 'a Float64Array', make: () => Float64Array.of(0.5, Number.NaN), becomes: [0.5, Number.NaN] },
  { name: 'a BigInt64Array', make: () => BigInt64Array.of(1n, -(2n ** 63n)), becomes: [1, '-9223372036854775808'] },
  { name: 'a DataView', make: () => new DataView(Uint8Array.of(1, 2, 3).buffer, 1), becomes: Uint8Array.of(2, 3) },
  { name: 'an ArrayBuffer', make: () => Uint8Array.of(9).buffer, becomes: Uint8Array.of(9) },
  { name: 'a SharedArrayBuffer', make: () => new SharedArrayBuffer(2), becomes: Uint8Array.of(0, 0) },
];

const OBJECTS: HostileValue[] = [
  { name: 'an instance with a getter on its prototype', make: () => new Account(), becomes: { owner: 'ann' } },
  { name: 'an instance of private fields', make: () => new Hidden(), becomes: {} },
  { name: 'an instance with toJSON', make: () => new Money(), becomes: { amount: '12.34' } },
  {
    name: 'an instance whose toJSON throws',
    make: () => Object.assign(new Account(), { toJSON: throwing(new RangeError('no')) }),
    becomes: '[Throws: RangeError]',
  },
  {
    name: 'an instance whose toJSON answers itself',
    make: () => {
      class Same {
        readonly a = 1;
        toJSON(): unknown {
          return this;
        }
      }
      return new Same();
    },
    becomes: { a: 1 },
  },
  {
    name: 'an instance whose toJSON answers ever new ones',
    make: () => {
      class Endless {
        toJSON(): unknown {
          return new Endless();
        }
      }
      return new Endless();
    },
    becomes: '[Object]',
    cut: true,
  },
  {
    name: 'toJSON of a plain object, which is not called',
    make: () => ({ a: 1, toJSON: throwing(new Error('called')) }),
    becomes: { a: 1, toJSON: '[Function: ]' },
  },
  {
    name: 'a getter that throws',
    make: () => ({
      before: 1,
      get broken(): never {
        throw new TypeError('secret');
      },
      after: 2,
    }),
    becomes: { before: 1, broken: '[Throws: TypeError]', after: 2 },
  },
  {
    name: 'getters that throw what is no error',
    make: () =>
      Object.defineProperties(
        {},
        Object.fromEntries(
          [null, undefined, 'text', Symbol('s'), revoked({}), { name: 'n'.repeat(1_000) }].map((thrown, i) => [
            i,
            { enumerable: true, get: throwing(thrown) },
          ]),
        ),
      ),
    becomes: {
      0: '[Throws: object]',
      1: '[Throws: undefined]',
      2: '[Throws: string]',
      3: '[Throws: symbol]',
      4: '[Throws: object]',
      5: `[Throws: ${'n'.repeat(64)}]`,
    },
  },
  { name: 'a revoked proxy', make: () => revoked({}), becomes: '[Throws: TypeError]' },
  { name: 'a revoked proxy of an array', make: () => revoked([]), becomes: '[Throws: TypeError]' },
  { name: 'a proxy that throws in ownKeys', make: () => throwsIn('ownKeys'), becomes: '[Throws: RangeError]' },
  {
    name: 'a proxy that throws in getOwnPropertyDescriptor',
    make: () => throwsIn('getOwnPropertyDescriptor'),
    becomes: '[Throws: RangeError]',
  },
  {
    name: 'a proxy that throws in getPrototypeOf',
    make: () => throwsIn('getPrototypeOf'),
    becomes: '[Throws: RangeError]',
  },
  { name: 'a proxy that throws in get', make: () => throwsIn('get'), becomes: '[Throws: RangeError]' },
  { name: 'a proxy of an array that throws in get', make: () => throwsIn('get', [1]), becomes: '[Throws: RangeError]' },
  { name: 'a proxy that throws in has', make: () => throwsIn('has'), becomes: { a: 1 } },
  { name: 'a proxy of an array', make: () => new Proxy([1, 'a'], {}), becomes: [1, 'a'] },
  { name: 'a proxy of an object', make: () => new Proxy({ a: [1] }, {}), becomes: { a: [1] } },
  {
    name: 'a proxy with a length of nonsense',
    make: () => new Proxy([1, 2], { get: (list, key) => (key === 'length' ? Number.NaN : Reflect.get(list, key)) }),
    becomes: [],
  },
  {
    name: 'an object without a prototype',
    make: () => Object.assign(Object.create(null), { a: 1 }),
    becomes: { a: 1 },
  },
  {
    name: '__proto__ and constructor as keys',
    make: () => JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
    becomes: JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
  },
  {
    name: 'a toString, valueOf and Symbol.toPrimitive that throw',
    make: () => {
      const thrower = throwing(new Error('no'));
      return { toString: thrower, valueOf: thrower, [Symbol.toPrimitive]: thrower, a: 1 };
    },
    becomes: { toString: '[Function: ]', valueOf: '[Function: ]', a: 1 },
  },
  {
    name: 'a Symbol.toStringTag that throws',
    make: () => Object.defineProperty(new Account(), Symbol.toStringTag, { get: throwing(new Error('no')) }),
    becomes: { owner: 'ann' },
  },
  ...['Date', 'Map', 'Set', 'ArrayBuffer', 'Headers', 'Number'].map((tag) => ({
    name: `an instance that says it is a ${tag}`,
    make: () => new Pretender(tag),
    becomes: { kept: true },
  })),
  { name: 'frozen and sealed objects', make: () => Object.freeze({ a: Object.seal([1]) }), becomes: { a: [1] } },
  {
    name: 'an arguments object',
    make: () =>
      (
        function () {
          // biome-ignore lint/complexity/noArguments: the very thing
          return arguments;
        } as (...given: unknown[]) => unknown
      )(1, 'a'),
    becomes: { 0: 1, 1: 'a' },
  },
  {
    name: 'an object of another realm',
    make: () => runInNewContext('({ a: [1, { b: 2 }] })'),
    becomes: { a: [1, { b: 2 }] },
  },
  {
    name: 'a Map, Set, Date and RegExp of another realm',
    make: () => runInNewContext('[new Map([["a", 1]]), new Set([1]), new Date(0), /x/]'),
    becomes: [{ a: 1 }, [1], '1970-01-01T00:00:00.000Z', '/x/'],
  },
  {
    name: 'undefined in places',
    make: () => ({ gone: undefined, list: [undefined, 1], map: new Map([['gone', undefined]]), when: new Date(0) }),
    becomes: { list: [null, 1], map: {}, when: '1970-01-01T00:00:00.000Z' },
  },
  {
    name: 'symbols as keys, which are not data',
    make: () => ({ [Symbol('s')]: 1, a: 2, d: new Date(0) }),
    becomes: { a: 2, d: '1970-01-01T00:00:00.000Z' },
  },
];

const SHAPES: HostileValue[] = [
  {
    name: 'a cycle',
    make: () => {
      const self: Record<string, unknown> = { a: 1 };
      self.self = self;
      return self;
    },
    becomes: { a: 1, self: '[Circular]' },
  },
  {
    name: 'a cycle through a list and a Map',
    make: () => {
      const list: unknown[] = [];
      list.push(new Map([['list', list]]));
      return list;
    },
    becomes: [{ list: '[Circular]' }],
  },
  {
    name: 'a shared reference, which is no cycle',
    make: () => {
      const shared = { when: new Date(0) };
      return { first: shared, second: [shared, shared] };
    },
    becomes: {
      first: { when: '1970-01-01T00:00:00.000Z' },
      second: [{ when: '1970-01-01T00:00:00.000Z' }, { when: '1970-01-01T00:00:00.000Z' }],
    },
  },
  {
    name: 'a sparse array of 50 000 000',
    make: () => Object.assign([], { 1: 'a', length: 50_000_000 }),
    becomes: [null, 'a', ...Array(MOST_ITEMS - 2).fill(null), '[… 49999744 more]'],
    cut: true,
  },
  { name: 'an array with a hole', make: () => Object.assign([], { 0: 1n, 2: 2 }), becomes: [1, null, 2] },
  {
    name: 'an array that looks like an iterator',
    make: () => Object.assign([1n], { next: throwing(new Error('called')) }),
    becomes: [1],
  },
  {
    name: 'an array with an item that throws',
    make: () => Object.defineProperty([1, 2, 3], 1, { get: throwing(new TypeError('no')) }),
    becomes: [1, '[Throws: TypeError]', 3],
  },
  { name: 'a text of 10 MB', make: () => 'x'.repeat(10_000_000), becomes: 'x'.repeat(LONGEST_TEXT), cut: true },
  {
    name: 'a text cut between the halves of a character',
    make: () => `${'x'.repeat(LONGEST_TEXT - 1)}😀`,
    becomes: 'x'.repeat(LONGEST_TEXT - 1),
    cut: true,
  },
  { name: 'half surrogate pairs', make: () => ['\ud800', 'a\udc00b'], becomes: ['\ud800', 'a\udc00b'] },
  {
    name: 'a depth of 100 000 objects',
    make: () => nested(100_000, (a) => ({ a })),
    becomes: nested(8, (a) => ({ a }), '[Object]'),
    cut: true,
  },
  {
    name: 'a depth of 100 000 arrays',
    make: () => nested(100_000, (a) => [a]),
    becomes: nested(8, (a) => [a], '[Array]'),
    cut: true,
  },
  {
    name: '100 000 keys',
    make: () => Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, i])),
    becomes: { ...Object.fromEntries(Array.from({ length: MOST_KEYS }, (_, i) => [`k${i}`, i])), '…': '[99872 more]' },
    cut: true,
  },
  {
    name: 'a key of 10 000 characters',
    make: () => ({ ['k'.repeat(10_000)]: 1 }),
    becomes: { ['k'.repeat(10_000)]: 1 },
  },
  {
    name: 'a key of a million characters',
    make: () => ({ ['k'.repeat(1_000_000)]: 1 }),
    becomes: { ['k'.repeat(LONGEST_TEXT)]: 1 },
    cut: true,
  },
  {
    name: 'a thousand values and more',
    make: () => Array.from({ length: 4 }, () => Array.from({ length: 250 }, (_, i) => i)),
    becomes: [
      ...Array.from({ length: 3 }, () => Array.from({ length: 250 }, (_, i) => i)),
      Array.from({ length: 250 }, (_, i) => (i < 245 ? i : '[Truncated]')),
    ],
    cut: true,
  },
  {
    name: 'no number, and the infinite ones',
    make: () => [Number.NaN, Infinity, -Infinity, -0],
    becomes: [Number.NaN, Infinity, -Infinity, -0],
  },
  { name: 'null', make: () => null, becomes: null },
];

/** Each of them is survived: something readable of bounded size comes of it, and what is cut is counted. */
export const hostileValues: readonly HostileValue[] = [...ERRORS, ...BUILT_INS, ...BYTES, ...OBJECTS, ...SHAPES];
