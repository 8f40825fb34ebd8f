/**
 * The front of every API function: request id, route, credential, role, workspace, body, and errors in one shape.
 * There is no way around the check: a route without a credential is one the table calls public.
 */
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import type * as z from 'zod';
import { errorCatalogue } from '#contracts/errors.ts';
import { routes } from '#contracts/routes.ts';
import type { OperationId, Route } from '#contracts/routes.ts';
import { isCommandFault } from '#domain/kernel/command-fault.ts';
import { traceIdOf } from '#domain/kernel/trace.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import { authenticate, authorise } from '#functions/shared/admission.ts';
import type { Principal, Verify } from '#functions/shared/admission.ts';
import { ApiError, errorReply, toApiError } from '#functions/shared/api-error.ts';
import { bodyOf } from '#functions/shared/request-body.ts';
import type { Answered, Audit } from '#functions/shared/auditing.ts';
import type { RateLimit } from '#functions/shared/rate-limit.ts';

/** A request after its checks. */
export interface ApiRequest {
  readonly requestId: string;
  /** Absent on public routes and callbacks. */
  readonly principal: Principal | undefined;
  readonly bearer: string | undefined;
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly idempotencyKey: string | undefined;
  /** The last event a receiver of server-sent events saw, as it says. */
  readonly lastEventId?: string | undefined;
  /** The trace the caller says the request belongs to. */
  readonly traceId?: string | undefined;
  readonly body: unknown;
  /** Where workers reach this API, `https://host/stage`. */
  readonly baseUrl: string;
}

export interface ApiReply {
  readonly status: number;
  /** A text where there is a content type, otherwise what is sent as JSON. */
  readonly body: unknown;
  /** Default `application/json`. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent one after another, by functions that stream, in place of a body. */
  readonly chunks?: AsyncIterable<string>;
}

export type Operation = (request: ApiRequest) => Promise<ApiReply>;

export interface HttpSetting {
  readonly operations: Readonly<Partial<Record<OperationId, Operation>>>;
  readonly verify?: Verify;
  /** Asked before a known caller is served. */
  readonly limit?: RateLimit;
  /** Told of every answer to a known caller. */
  readonly audit?: Audit;
  readonly telemetry: Telemetry & { readonly flush: () => void };
  readonly bodyBytesMax: number;
  /** Operations that have a limit of their own. */
  readonly bodyBytesMaxOf?: Readonly<Partial<Record<OperationId, number>>>;
  readonly nowMs: () => number;
}

/** A Lambda proxy handler that serves these operations. */
export const httpHandler =
  (setting: HttpSetting) =>
  async (event: APIGatewayProxyEvent): Promise<APIGatewayProxyResult> =>
    (await answerOf(setting, event)).result;

/** The same, with answers that are sent piece by piece; one that breaks off ends there, and is told. */
export const httpStream =
  (setting: HttpSetting) =>
  async (event: APIGatewayProxyEvent, open: OpenStream): Promise<void> => {
    const { result, chunks } = await answerOf(setting, event);
    const { statusCode, headers, body } = result;
    const { write } = open({ statusCode, headers: headers as Readonly<Record<string, string>> });
    try {
      if (body !== '') await write(body);
      for await (const chunk of chunks ?? []) if (!(await write(chunk))) return;
    } catch (error) {
      logFault(setting.telemetry, requestIdOf(event), error);
    } finally {
      setting.telemetry.flush();
    }
  };

type OpenStream = (head: {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
}) => { readonly write: (text: string) => Promise<boolean> };

interface Answer {
  readonly result: APIGatewayProxyResult;
  /** What follows the body of the result. */
  readonly chunks?: AsyncIterable<string> | undefined;
}

const answerOf = async (setting: HttpSetting, event: APIGatewayProxyEvent): Promise<Answer> => {
  const startMs = setting.nowMs();
  const requestId = requestIdOf(event);
  let status = 500;
  try {
    const reply = await serve(setting, event, requestId);
    ({ status } = reply);
    return { result: respond(reply, requestId), chunks: reply.chunks };
  } catch (error) {
    const refusal = toApiError(error);
    if (isFault(refusal)) logFault(setting.telemetry, requestId, error);
    const reply = errorReply(refusal, requestId);
    ({ status } = reply);
    return { result: respond(reply, requestId, refusal) };
  } finally {
    setting.telemetry.count(status >= 400 && status < 500 ? 'RequestsRefused' : 'RequestsServed');
    setting.telemetry.count('RequestMs', setting.nowMs() - startMs);
    setting.telemetry.flush();
  }
};

/** What no caller could have done otherwise is told in the log, with its cause. */
const isFault = ({ code }: ApiError): boolean => code === 'internal' || code === 'unavailable';

const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;

const requestIdOf = (event: APIGatewayProxyEvent): string => {
  const given = header(event, 'x-request-id');
  return given !== undefined && REQUEST_ID.test(given) ? given : event.requestContext.requestId;
};

const header = (event: APIGatewayProxyEvent, name: string): string | undefined => {
  for (const [key, value] of Object.entries(event.headers ?? {}))
    if (key.toLowerCase() === name) return value;
  return undefined;
};

const serve = async (
  setting: HttpSetting,
  event: APIGatewayProxyEvent,
  requestId: string,
): Promise<ApiReply> => {
  const route: Route | undefined = routes.find(
    (candidate) => candidate.path === event.resource && candidate.method === event.httpMethod,
  );
  const operation = route && setting.operations[route.operationId as OperationId];
  if (!operation) throw noRoute(event);
  const bearer = bearerOf(event);
  const path = Object.fromEntries(
    Object.entries(event.pathParameters ?? {}).map(([key, value]) => [key, decoded(value ?? '')]),
  );
  const known = await authenticate(setting.verify, route, bearer);
  const act = () =>
    operation({
      requestId,
      principal: known?.principal,
      bearer,
      path,
      query: Object.fromEntries(
        Object.entries(event.queryStringParameters ?? {}).map(([key, value]) => [key, value ?? '']),
      ),
      // A read has neither: what is sent with it all the same changes nothing of its answer.
      idempotencyKey: route.mutating ? idempotencyKeyOf(event) : undefined,
      lastEventId: header(event, 'last-event-id'),
      traceId: traceIdOf(header(event, 'traceparent')),
      body: route.mutating
        ? bodyOf(
            event,
            header(event, 'content-type'),
            setting.bodyBytesMaxOf?.[route.operationId as OperationId] ?? setting.bodyBytesMax,
          )
        : undefined,
      baseUrl: baseUrlOf(event),
    });
  if (!known) return act();
  const asked = { route, principal: known.principal, requestId, path: event.path };
  return audited(setting.audit, asked, async () => {
    await setting.limit?.(known.principal, route);
    authorise(known, route, path['workspaceId']);
    return act();
  });
};

/** Does what a known caller asks for, and tells the audit how it was answered. */
const audited = async (
  audit: Audit | undefined,
  asked: Omit<Answered, 'status' | 'code'>,
  act: () => Promise<ApiReply>,
): Promise<ApiReply> => {
  try {
    const reply = await act();
    await audit?.({ ...asked, status: reply.status });
    return reply;
  } catch (error) {
    const { code } = toApiError(error);
    await audit?.({ ...asked, status: errorCatalogue[code].status, code });
    throw error;
  }
};

/** The gateway hands over every method of a path it knows, and no other path. */
const noRoute = ({ resource, httpMethod, path }: APIGatewayProxyEvent): ApiError => {
  const allow = routes.filter((route) => route.path === resource).map(({ method }) => method);
  if (allow.length === 0) return new ApiError('route_not_found', `there is no route ${httpMethod} ${path}`);
  const message = `${path} does not answer ${httpMethod}; it answers ${allow.join(' and ')}`;
  return new ApiError('method_not_allowed', message, { allow });
};

/** A name that is no valid encoding is left as it came: no resource has such a name. */
const decoded = (value: string): string => {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
};

const bearerOf = (event: APIGatewayProxyEvent): string | undefined => {
  const match = /^Bearer +(\S+)$/i.exec(header(event, 'authorization') ?? '');
  return match?.[1];
};

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

const idempotencyKeyOf = (event: APIGatewayProxyEvent): string | undefined => {
  const key = header(event, 'idempotency-key');
  if (key !== undefined && !IDEMPOTENCY_KEY.test(key))
    throw new ApiError('invalid_request', 'Idempotency-Key must be 1 to 255 visible ASCII characters');
  return key;
};

const baseUrlOf = ({ requestContext, headers }: APIGatewayProxyEvent): string => {
  const { domainName = 'localhost', stage } = requestContext;
  const isLocal = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(domainName);
  const proto =
    headers?.['X-Forwarded-Proto'] ?? headers?.['x-forwarded-proto'] ?? (isLocal ? 'http' : 'https');
  return isLocal ? `${proto}://${domainName}` : `${proto}://${domainName}/${stage}`;
};

const respond = (
  reply: ApiReply,
  requestId: string,
  { retryAfterMs, allow = [] }: Partial<Pick<ApiError, 'retryAfterMs' | 'allow'>> = {},
): APIGatewayProxyResult => ({
  statusCode: reply.status,
  headers: {
    ...reply.headers,
    'content-type': reply.contentType ?? 'application/json',
    'x-request-id': requestId,
    'cache-control': 'no-store',
    ...(retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) }),
    ...(allow.length === 0 ? {} : { allow: allow.join(', ') }),
  },
  body: bodyText(reply),
});

const bodyText = ({ body, contentType }: ApiReply): string => {
  if (body === undefined) return '';
  return contentType !== undefined && typeof body === 'string' ? body : JSON.stringify(body);
};

const logFault = (telemetry: Telemetry, requestId: string, error: unknown): void => {
  // The mailbox has counted a fault of the command itself.
  if (!isCommandFault(error)) telemetry.count('CommandsFailed');
  telemetry.log('error', 'request failed', {
    requestId,
    errorName: error instanceof Error ? error.name : 'unknown',
    errorMessage: error instanceof Error ? error.message : String(error),
    stack: error instanceof Error ? error.stack : undefined,
  });
};

/** The body parsed by its schema; every issue is listed with its place. */
export const parseBody = <Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> =>
  parsed(schema, body ?? {}, 'the body');

/** The query parsed by its schema; every issue is listed with its place. */
export const parseQuery = <Schema extends z.ZodType>(schema: Schema, query: unknown): z.infer<Schema> =>
  parsed(schema, query, 'the query');

/** Issues the message names; the details have them all. */
const ISSUES_NAMED_MAX = 3;

const parsed = <Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.infer<Schema> => {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  // What is wrong as a whole has no path. A misspelt member is missing under its name, and unknown under the other one.
  const words = issues.map(({ path, message }) => (path === '' ? message : `${path} ${message}`));
  const more = words.length > ISSUES_NAMED_MAX ? ` and ${words.length - ISSUES_NAMED_MAX} more` : '';
  const named = words.slice(0, ISSUES_NAMED_MAX).join('; ');
  throw new ApiError('invalid_request', `${what} is not as described: ${named}${more}`, {
    details: { issues },
  });
};
