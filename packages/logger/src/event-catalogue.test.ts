import { afterEach, describe, expect, test } from '@jest/globals';
import { defineEvents } from './event-catalogue.ts';
import { setDestination } from './facade-state.ts';
import { lazy } from './lazy.ts';
import { getLogger, Logger } from './logger.ts';
import type { TypedLogger } from './typed-logger.ts';

interface ShopEvents {
  user_login: { username: string; pin: string; remembered?: boolean };
  order_placed: { amount: number; country: string };
  cart_emptied: object;
}

const events = defineEvents<ShopEvents>({
  user_login: { secrets: ['pin'] },
  order_placed: {
    metrics: [
      { type: 'histogram', name: 'shop.order.amount', unit: 'EUR', value: 'amount', attributes: ['country'] },
      { type: 'counter', name: 'shop.orders' },
    ],
  },
  cart_emptied: {},
});

/** What the facade writes. */
function written(): unknown[][] {
  const calls: unknown[][] = [];
  setDestination({
    getWriter: () => ({
      write: (severity, _text, eventName, body, attributes, bound) =>
        void calls.push([
          severity,
          eventName ?? body,
          typeof attributes === 'function' ? attributes() : attributes,
          bound,
        ]),
      emit: () => undefined,
    }),
  });
  return calls;
}
afterEach(() => setDestination(undefined));

test('secrets and metrics are said once', () => {
  expect(events.names).toEqual(['user_login', 'order_placed', 'cart_emptied']);
  expect(events.secrets).toEqual(['pin']);
  expect(events.metrics).toEqual([
    {
      ...{ type: 'histogram', name: 'shop.order.amount', unit: 'EUR', value: 'amount', attributes: ['country'] },
      ...{ event: 'order_placed', perEvent: false },
    },
    { type: 'counter', name: 'shop.orders', event: 'order_placed', perEvent: false },
  ]);
  expect(Object.isFrozen(events.metrics[0])).toBe(true);
});

test('a secret of two events is one', () => {
  const { secrets } = defineEvents<{ a: { pin: string }; b: { pin: string; card: string } }>({
    a: { secrets: ['pin'] },
    b: { secrets: ['pin', 'card'] },
  });
  expect(secrets).toEqual(['pin', 'card']);
});

test('mistakes are found when the events are defined', () => {
  expect(() => defineEvents({ 'user logged in': {} })).toThrow('"user logged in" is not an event name');
  expect(() => defineEvents({ a: { secrets: 'pin' as never } })).toThrow('a.secrets must be an array');
  expect(() => defineEvents({ a: { metrics: {} as never } })).toThrow('a.metrics must be an array');
});

test('a typed logger is a logger like any other', () => {
  const calls = written();
  const logger = getLogger<ShopEvents>('shop');
  expect(logger).toBeInstanceOf(Logger);
  logger.info('user_login', { username: 'ann', pin: '1' });
  logger.warn('order_placed', () => ({ amount: 1, country: 'de' }));
  logger.exception(new Error('no'), 'cart_emptied');
  logger.child({ username: 'ann' }).named('db').error('user_login', { pin: '1' });
  logger.message('info', 'free text');
  expect(calls).toEqual([
    [9, 'user_login', { username: 'ann', pin: '1' }, undefined],
    [13, 'order_placed', { amount: 1, country: 'de' }, undefined],
    [17, 'cart_emptied', undefined, undefined],
    [17, 'user_login', { pin: '1' }, { username: 'ann' }],
    [9, 'free text', undefined, undefined],
  ]);
});

describe('the compiler', () => {
  // Held by `tsc -p test`: a line that is no mistake any more fails there.
  const logger = getLogger<ShopEvents>('shop');

  test('lets pass what is declared', () => {
    logger.info('user_login', { username: 'ann', pin: lazy(() => '1'), remembered: true });
    logger.error('user_login', { username: 'ann', pin: '1', error: new Error('no') });
    logger.log('debug', 'order_placed', { amount: 1, country: 'de' });
    logger.info('cart_emptied');
    logger.info('cart_emptied', {});
    logger.child({ amount: 1 }).info('order_placed', { country: 'de' });
    logger.child({ amount: 1 }).child({ country: 'de' }).info('order_placed');
    // A logger without types will do, for JavaScript with JSDoc.
    const untyped: TypedLogger<ShopEvents> = getLogger('shop');
    const plain: ReturnType<typeof getLogger> = new Logger('shop');
    expect([untyped, plain]).toHaveLength(2);
  });

  test('finds what is not', () => {
    // @ts-expect-error unknown event
    logger.info('user_logon', { username: 'ann', pin: '1' });
    // @ts-expect-error a message is no event
    logger.info('user ann logged in');
    // @ts-expect-error missing attributes
    logger.info('user_login');
    // @ts-expect-error missing attribute
    logger.info('user_login', { username: 'ann' });
    // @ts-expect-error wrong type
    logger.info('user_login', { username: 1, pin: '1' });
    // @ts-expect-error wrong type of a lazy value
    logger.info('user_login', { username: 'ann', pin: lazy(() => 1) });
    // @ts-expect-error unknown attribute
    logger.info('user_login', { username: 'ann', pin: '1', password: '1' });
    // @ts-expect-error unknown attribute of an event that has none
    logger.info('cart_emptied', { amount: 1 });
    // @ts-expect-error wrong type in a function
    logger.info('order_placed', () => ({ amount: '1', country: 'de' }));
    // @ts-expect-error what the child has is not all
    logger.child({ amount: 1 }).info('order_placed');
    // @ts-expect-error no such level
    logger.log('loud', 'cart_emptied');
    // @ts-expect-error a secret that is no attribute
    defineEvents<Pick<ShopEvents, 'user_login'>>({ user_login: { secrets: ['password'] } });
    // @ts-expect-error an event without a declaration
    defineEvents<ShopEvents>({ user_login: {}, order_placed: {} });
    defineEvents<Pick<ShopEvents, 'order_placed'>>({
      // @ts-expect-error text cannot be measured
      order_placed: { metrics: [{ type: 'histogram', name: 'a', value: 'country' }] },
    });
    expect(events.names).toHaveLength(3);
  });
});
