// An error of an HTTP client carries headers, bodies and sockets. Only what is known to be harmless is told.
import { getLogger } from '@logspan/logger';
import { consoleHandler, register } from '@logspan/sdk';

let bytes = 0;
const stream = {
  write(line) {
    bytes += line.length;
    const { attributes } = JSON.parse(line);
    delete attributes['exception.stacktrace'];
    console.log(attributes);
  },
};
const logging = register({ handlers: [consoleHandler({ format: 'json', stream })] });

const error = Object.assign(new Error('Request failed: GET https://shop.example/orders?api_key=k-123'), {
  name: 'AxiosError',
  code: 'ERR_BAD_REQUEST',
  status: 401,
  config: { url: '/orders', headers: { Authorization: 'Bearer abc' } },
  request: { _header: 'GET /orders HTTP/1.1\r\nAuthorization: Bearer abc\r\n' },
  response: { data: 'x'.repeat(241_000) },
  cause: Object.assign(new Error('connect ECONNREFUSED, password=sesame'), { errno: -111, syscall: 'connect' }),
});
getLogger('shop').error('order_failed', { error, url: error.config.url }); // more of it: name it

await logging.shutdown();
console.log('less than 8 kB:', bytes < 8_000);
