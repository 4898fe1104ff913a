// node -r @logspan/sdk/register preloaded.cjs: no set-up in the code, nothing awaited at the end.
const { getLogger } = require('@logspan/logger');

getLogger('shop').info('preloaded', { answer: 42 });
