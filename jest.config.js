export default {
  // No test measures time; this only ends one that hangs, on a machine that is busy with other things as well.
  testTimeout: 60_000,
  // Jest would leave one core to itself, of two.
  maxWorkers: '100%',
  testEnvironment: 'node',
  // Jest would replace what tests have left on the globals by accessors that call themselves without end when they are
  // written to, and Sentry writes to its own from hooks of the process. Here, because the first suite of a process decides.
  testEnvironmentOptions: { globalsCleanup: 'off' },
  roots: ['<rootDir>/packages', '<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  modulePathIgnorePatterns: ['<rootDir>/packages/[^/]+/dist'],
  moduleNameMapper: {
    '^@logspan/([a-z-]+)$': '<rootDir>/packages/$1/src/index.ts',
    '^@logspan/([a-z-]+)/(.+)$': '<rootDir>/packages/$1/src/$2.ts',
  },
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' }, sourceMaps: 'inline' },
    ],
  },
  collectCoverageFrom: ['packages/*/src/**/*.ts', '!packages/*/src/**/*.test.ts'],
  coverageProvider: 'v8',
};
