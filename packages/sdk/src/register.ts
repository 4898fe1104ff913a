// Side effect only: node --import @logspan/sdk/register app.js
import { registerByDefault } from './provider/register.ts';

registerByDefault();
