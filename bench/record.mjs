// The record that every contestant writes: an event, six attributes (two strings, integer, double, boolean, an object of
// three), made afresh for each call. `sequence` numbers the records, so that whoever receives them can tell whether
// each arrived once and whole.

export const EVENT = 'order_accepted';
export const SEVERITY_NUMBER = 9;
export const SEVERITY_TEXT = 'INFO';
export const SERVICE = { name: 'bench', version: '1.0.0' };
export const SCOPE = 'bench.shop';

const CUSTOMERS = Array.from({ length: 64 }, (_, i) => `customer-${1_000 + i}`);
const ROUTES = Array.from({ length: 64 }, (_, i) => `/api/v1/orders/${i % 16}/items`);

export function attributesOf(sequence) {
  return {
    customer: CUSTOMERS[sequence & 63],
    route: ROUTES[(sequence >> 2) & 63],
    sequence,
    amount: (sequence & 1023) / 7,
    express: (sequence & 1) === 0,
    shipping: { carrier: 'pigeon', parcels: sequence & 7, region: 'eu-west-1' },
  };
}

const NAMES = ['customer', 'route', 'sequence', 'amount', 'express', 'shipping', 'tenant', 'queue', 'attempt', 'cost'];

/** The names of the attributes of one of 64 shapes: six out of ten in an order of their own, with `sequence` third. */
function shapeNames(shape) {
  const others = NAMES.filter((name) => name !== 'sequence');
  const names = [];
  // A shape is a walk through the names whose start and step are its own; nine names, so a step of 1, 2, 4, 5, 7 or 8.
  const start = shape % 9;
  const step = [1, 2, 4, 5, 7, 8][Math.floor(shape / 9) % 6];
  for (let i = 0; i < 5; i++) names.push(others[(start + i * step) % 9]);
  // Beyond the 54 walks, the first names are told apart by a suffix.
  if (shape >= 54) names[0] += '_id';
  names.splice(2, 0, 'sequence');
  return names;
}

// One function, and so one object literal, for each shape: as 64 log statements in a program would have it.
const SHAPES = Array.from({ length: 64 }, (_, shape) => {
  const [a, b, , d, e, f] = shapeNames(shape);
  return new Function(
    'CUSTOMERS',
    'ROUTES',
    `return (sequence) => ({
      ${a}: CUSTOMERS[sequence & 63],
      ${b}: ROUTES[(sequence >> 2) & 63],
      sequence,
      ${d}: (sequence & 1023) / 7,
      ${e}: (sequence & 1) === 0,
      ${f}: { carrier: 'pigeon', parcels: sequence & 7, region: 'eu-west-1' },
    })`,
  )(CUSTOMERS, ROUTES);
});

/** As {@link attributesOf}, in one of 64 shapes. */
export function shapedAttributesOf(sequence) {
  return SHAPES[sequence & 63](sequence);
}
