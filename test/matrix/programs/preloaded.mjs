// node --import @logspan/sdk/register preloaded.mjs: no set-up in the code, nothing awaited at the end.
import { getLogger } from '@logspan/logger';

getLogger('shop').info('preloaded', { answer: 42 });
