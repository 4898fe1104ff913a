import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hostAttributes, methodAttributes, targetAttributes, urlAttributes } from './http-attributes.ts';

describe('method', () => {
  test.each([
    ['GET', { 'http.request.method': 'GET' }],
    ['post', { 'http.request.method': 'POST' }],
    ['BREW', { 'http.request.method': '_OTHER', 'http.request.method_original': 'BREW' }],
    ['', { 'http.request.method': '_OTHER', 'http.request.method_original': '' }],
  ])('%s', (method, attributes) => expect(methodAttributes(method)).toEqual(attributes));
});

describe('host', () => {
  test.each([
    ['example.com', { 'server.address': 'example.com' }],
    ['example.com:8080', { 'server.address': 'example.com', 'server.port': 8080 }],
    ['127.0.0.1:80', { 'server.address': '127.0.0.1', 'server.port': 80 }],
    ['[::1]:3000', { 'server.address': '::1', 'server.port': 3000 }],
    ['user:password@example.com', {}],
    ['a b', {}],
    ['', {}],
    [undefined, {}],
  ])('%s', (host, attributes) => expect(hostAttributes(host)).toEqual(attributes));
});

describe('what is requested', () => {
  test.each([
    ['/', '/'],
    ['/cart/7', '/cart/7'],
    ['/cart?token=secret', '/cart'],
    ['/cart#secret', '/cart'],
    ['//double//slash', '//double//slash'],
    ['*', '*'],
    ['', ''],
    ['http://user:secret@example.com/cart?secret', '/cart'],
    ['http://example.com', '/'],
    ['http://example.com?secret', '/'],
  ])('%s', (target, path) => expect(targetAttributes(target, undefined)).toEqual({ 'url.path': path }));

  test('shows the parameters that may be shown', () => {
    expect(targetAttributes('/a?page=2&token=secret&sort=a%20b&page=3', new Set(['page', 'sort']))).toEqual({
      'url.path': '/a',
      'url.query': 'page=2&sort=a+b&page=3',
    });
    expect(targetAttributes('/a?token=secret', new Set(['page']))).toEqual({ 'url.path': '/a' });
  });
});

describe('a URL that is called', () => {
  const of = (url: string, shown?: string[]) => urlAttributes(new URL(url), shown && new Set(shown));

  test('has neither credentials nor query', () => {
    expect(of('https://ada:secret@api.example.com/v1/pay?key=secret#secret')).toEqual({
      'url.full': 'https://REDACTED:REDACTED@api.example.com/v1/pay',
      'server.address': 'api.example.com',
      'server.port': 443,
    });
    expect(of('http://[::1]:8080/?page=1&key=secret', ['page'])).toEqual({
      'url.full': 'http://[::1]:8080/?page=1',
      'server.address': '::1',
      'server.port': 8080,
    });
    expect(of('data:text/plain,secret')).toEqual({ 'url.scheme': 'data' });
  });

  test('never, whatever the URL is', () => {
    fc.assert(
      fc.property(
        fc.webUrl({ withQueryParameters: true, withFragments: true }).map((url) => new URL(url)),
        (url) => {
          url.username = 'name-7f3a';
          url.password = 'word-7f3a';
          url.searchParams.append('k-7f3a', 'v-7f3a');
          expect(JSON.stringify(urlAttributes(url, undefined))).not.toContain('7f3a');
          expect(JSON.stringify(targetAttributes(url.href, undefined))).not.toContain('7f3a');
        },
      ),
    );
  });
});
