/** What {@link redact} finds in text by its shape. */
export type DetectorName =
  | 'jwt'
  | 'bearer'
  | 'basic'
  | 'aws'
  | 'github'
  | 'slack'
  | 'private_key'
  | 'card'
  | 'iban'
  | 'email'
  | 'url_credentials'
  | 'url_query'
  | 'pairs';

/** All detectors, in the order in which the documentation tells of them. */
export const DETECTORS: readonly DetectorName[] = Object.freeze([
  'jwt',
  'bearer',
  'basic',
  'aws',
  'github',
  'slack',
  'private_key',
  'card',
  'iban',
  'email',
  'url_credentials',
  'url_query',
  'pairs',
] as const);

/**
 * What is looked for if nothing else is said: all but `email`, which lets nobody in, and by which many services find the
 * records of a user.
 */
export const DEFAULT_DETECTORS: readonly DetectorName[] = Object.freeze(DETECTORS.filter((name) => name !== 'email'));
