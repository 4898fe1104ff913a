/*
 * HTTP attributes by the OTel semantic conventions, without what URLs hold of secrets.
 */

/** The methods that may become values of an attribute; another one could be any text. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY'];
/** Characters of a path or query that are logged: whoever calls must not decide how much a record holds. */
const LONGEST_PART = 2_048;
/** As long as a method can be before it counts as nonsense. */
const LONGEST_METHOD = 64;

/** `http.request.method`, which is `_OTHER` for one that nobody knows. */
export function methodAttributes(method: string): Record<string, string> {
  const upper = method.toUpperCase();
  if (METHODS.includes(upper)) return { 'http.request.method': upper };
  return { 'http.request.method': '_OTHER', 'http.request.method_original': method.slice(0, LONGEST_METHOD) };
}

/** `server.address` and `server.port` of a `Host` header; nothing if it is none. */
export function hostAttributes(host: string | undefined): Record<string, string | number> {
  const match = /^(?:\[([\da-f:.]{2,45})\]|([\w.-]{1,255}))(?::(\d{1,5}))?$/i.exec(host ?? '');
  if (match === null) return {};
  const [, ip = '', name = ip, port] = match;
  return { 'server.address': name, ...(port === undefined ? {} : { 'server.port': Number(port) }) };
}

/** `url.path` of what stands in the first line of a request, and `url.query` with the parameters that may be shown. */
export function targetAttributes(target: string, shown: ReadonlySet<string> | undefined): Record<string, string> {
  // A proxy is sent whole URLs. What follows `#` is never sent by a client that keeps the rules.
  const url = /^[a-z][\w+.-]*:\/\/[^/?#]*/i.exec(target);
  const rest = url === null ? target : target.slice(url[0].length).replace(/^(?!\/)/, '/');
  const [, path = '', query = ''] = /^([^?#]*)\??([^#]*)/.exec(rest) ?? [];
  const kept = shownQuery(query, shown);
  const shownPath = cut(path);
  return kept === '' ? { 'url.path': shownPath } : { 'url.path': shownPath, 'url.query': kept };
}

/** `url.full`, `server.address` and `server.port` of a URL that is called. */
export function urlAttributes(url: URL, shown: ReadonlySet<string> | undefined): Record<string, string | number> {
  const { protocol, username, password, hostname, port, host, pathname, search } = url;
  // What a `data:` URL holds is its content.
  if (protocol !== 'http:' && protocol !== 'https:') return { 'url.scheme': protocol.slice(0, -1) };
  const credentials = username === '' && password === '' ? '' : 'REDACTED:REDACTED@';
  const query = shownQuery(search.slice(1), shown);
  const address = hostname.replace(/^\[(.*)\]$/, '$1');
  return {
    'url.full': `${protocol}//${credentials}${host}${cut(pathname)}${query === '' ? '' : `?${query}`}`,
    'server.address': address,
    'server.port': Number(port || (protocol === 'https:' ? 443 : 80)),
  };
}

/** Of a query, the parameters that may be shown; of the others nothing, for a name can be a secret too. */
function shownQuery(query: string, shown: ReadonlySet<string> | undefined): string {
  if (shown === undefined || query === '') return '';
  const kept = new URLSearchParams();
  for (const [name, value] of new URLSearchParams(query)) if (shown.has(name)) kept.append(name, value);
  return cut(kept.toString());
}

function cut(part: string): string {
  return part.length <= LONGEST_PART ? part : `${part.slice(0, LONGEST_PART - 1)}…`;
}
