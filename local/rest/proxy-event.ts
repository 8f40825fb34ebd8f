/** Translates between HTTP and the Lambda proxy event of a REST API (payload version 1.0). */
import type { RouteMatch } from '#local/rest/route-tree.ts';
import type { RestRequest, RestResponse } from '#local/rest/rest-message.ts';

/** A request whose route is known, with what the event says of its surroundings. */
export interface ProxyEventSource {
  readonly request: RestRequest;
  readonly match: RouteMatch;
  readonly requestId: string;
  readonly stage: string;
  readonly accountId: string;
  readonly apiId: string;
  readonly nowMs: number;
}

type Lists = Readonly<Record<string, readonly string[]>>;

/** The event a proxy integration hands to its function. */
export const proxyEvent = (source: ProxyEventSource): Readonly<Record<string, unknown>> => {
  const { request, match, requestId, stage } = source;
  const url = new URL(request.target, 'http://localhost');
  const headers = headerLists({ ...request.headers, 'x-request-id': requestId });
  const query = queryLists(url.searchParams);
  const isText = isUtf8(request.body);
  return {
    resource: match.route.resourcePath,
    path: url.pathname,
    httpMethod: request.method,
    headers: lastOf(headers),
    multiValueHeaders: headers,
    queryStringParameters: nullIfEmpty(lastOf(query)),
    multiValueQueryStringParameters: nullIfEmpty(query),
    pathParameters: nullIfEmpty(match.pathParameters),
    stageVariables: null,
    requestContext: {
      accountId: source.accountId,
      apiId: source.apiId,
      // With its port, unlike on AWS: functions make the address from it that workers call back.
      domainName: lastOf(headers)['host']?.toLowerCase() ?? 'localhost',
      extendedRequestId: requestId,
      httpMethod: request.method,
      identity: { sourceIp: request.sourceIp, userAgent: lastOf(headers)['user-agent'] ?? null },
      path: `/${stage}${url.pathname}`,
      protocol: 'HTTP/1.1',
      requestId,
      requestTime: new Date(source.nowMs).toUTCString(),
      requestTimeEpoch: source.nowMs,
      resourceId: match.route.resourcePath,
      resourcePath: match.route.resourcePath,
      stage,
    },
    body: bodyText(request.body, isText),
    isBase64Encoded: request.body.length > 0 && !isText,
  };
};

/** The answer a proxy function gave as HTTP, or undefined when it is malformed (502 on AWS). */
export const proxyResponse = (answer: unknown): RestResponse | undefined => {
  if (!isObject(answer) || typeof answer['statusCode'] !== 'number') return undefined;
  const { statusCode, headers, multiValueHeaders, body, isBase64Encoded } = answer;
  if (body !== undefined && body !== null && typeof body !== 'string') return undefined;
  return {
    status: statusCode,
    headers: answerHeaders(headers, multiValueHeaders),
    body: Buffer.from(body ?? '', isBase64Encoded === true ? 'base64' : 'utf8'),
  };
};

/** Single and multiple headers of an answer as lists under lower-case names. */
export const answerHeaders = (headers: unknown, multiValueHeaders: unknown): Lists => {
  const lists: Record<string, readonly string[]> = {};
  for (const [name, value] of Object.entries(isObject(headers) ? headers : {}))
    lists[name.toLowerCase()] = [String(value)];
  for (const [name, values] of Object.entries(isObject(multiValueHeaders) ? multiValueHeaders : {}))
    lists[name.toLowerCase()] = (Array.isArray(values) ? values : [values]).map(String);
  return lists;
};

const headerLists = (headers: RestRequest['headers']): Lists =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? [value] : [...value]]),
  );

const queryLists = (query: URLSearchParams): Lists =>
  Object.fromEntries([...new Set(query.keys())].map((name) => [name, query.getAll(name)]));

const lastOf = (lists: Lists): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(lists).map(([name, values]) => [name, values.at(-1) ?? '']));

const nullIfEmpty = <Value extends object>(value: Value): Value | null =>
  Object.keys(value).length === 0 ? null : value;

const bodyText = (body: Uint8Array, isText: boolean): string | null =>
  body.length === 0 ? null : Buffer.from(body).toString(isText ? 'utf8' : 'base64');

const utf8 = new TextDecoder('utf-8', { fatal: true });
const isUtf8 = (bytes: Uint8Array): boolean => {
  try {
    utf8.decode(bytes);
    return true;
  } catch {
    return false;
  }
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
