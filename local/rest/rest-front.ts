/**
 * The API Gateway in front of the functions: finds the route, builds the proxy event, streams or buffers the answer,
 * and refuses in the API's error contract what never reaches a function.
 */
import { randomUUID } from 'node:crypto';

import type { Clock } from '#local/kernel/clock.ts';
import type { LambdaHost, StreamMeta } from '#local/lambda/lambda-host.ts';
import { FunctionError } from '#local/lambda/lambda-host.ts';
import type { AnswerFault } from '#local/rest/gateway-error.ts';
import { answerHeaders, proxyEvent, proxyResponse } from '#local/rest/proxy-event.ts';
import type { ResponseSink, RestRequest, RestResponse } from '#local/rest/rest-message.ts';
import type { FindRoute, RouteMatch } from '#local/rest/route-tree.ts';

/** API Gateway refuses larger bodies. */
export const BODY_BYTES_MAX = 10 * 1024 * 1024;

const REQUEST_ID = /^[A-Za-z0-9_.:-]{1,128}$/;

/** What the front is made of. */
export interface RestFrontParts {
  readonly findRoute: FindRoute;
  readonly answerFault: AnswerFault;
  readonly host: LambdaHost;
  readonly clock: Clock;
  readonly stage: string;
  readonly accountId: string;
  readonly apiId: string;
  readonly log: (text: string) => void;
}

export type RestFront = (request: RestRequest, sink: ResponseSink) => Promise<void>;

/** Answers every request through the sink; it never throws. */
export const restFront =
  (parts: RestFrontParts): RestFront =>
  async (request, sink) => {
    const requestId = requestIdOf(request);
    const send = (response: RestResponse): void => {
      sink.head(response.status, { 'x-request-id': [requestId], ...response.headers });
      if (response.body.length > 0) sink.chunk(response.body);
      sink.end();
    };
    if (request.body.length > BODY_BYTES_MAX) {
      send(parts.answerFault('body_too_large', requestId));
      return;
    }
    const [path = '/'] = request.target.split('?');
    const match = parts.findRoute(request.method, path);
    if ('kind' in match) {
      send(parts.answerFault(match.kind, requestId));
      return;
    }
    await answer({ parts, request, sink, requestId, send }, match);
  };

/** The caller's request id when it is a plain word, otherwise a new one. */
export const requestIdOf = ({ headers }: RestRequest): string => {
  const given = headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
};

interface Exchange {
  readonly parts: RestFrontParts;
  readonly request: RestRequest;
  readonly sink: ResponseSink;
  readonly requestId: string;
  readonly send: (response: RestResponse) => void;
}

const answer = async (
  { parts, request, sink, requestId, send }: Exchange,
  match: RouteMatch,
): Promise<void> => {
  const event = proxyEvent({ ...parts, request, match, requestId, nowMs: parts.clock.nowMs() });
  let hasHead = false;
  const head = (meta: StreamMeta): void => {
    if (hasHead) return;
    hasHead = true;
    sink.head(meta.statusCode ?? 200, {
      'x-request-id': [requestId],
      ...answerHeaders(meta.headers, meta.multiValueHeaders),
      ...(meta.cookies === undefined ? {} : { 'set-cookie': meta.cookies }),
    });
  };
  try {
    const answered = await parts.host.invoke(match.route.functionReference, event, {
      onMeta: head,
      onChunk: (chunk) => {
        head({});
        sink.chunk(chunk);
      },
    });
    if (hasHead) {
      sink.end();
      return;
    }
    const response = proxyResponse(answered);
    if (response === undefined)
      throw new FunctionError('Runtime.BadAnswer', 'malformed Lambda proxy response');
    send(response);
  } catch (error) {
    parts.log(
      `${request.method} ${request.target}: ${error instanceof Error ? error.message : String(error)}`,
    );
    if (hasHead) {
      sink.end();
      return;
    }
    const isTimeout = error instanceof FunctionError && error.errorType === 'Sandbox.Timedout';
    send(parts.answerFault(isTimeout ? 'function_timeout' : 'broken_function', requestId));
  }
};

/** Asks the front in process and collects the whole answer. */
export const requestFront = async (front: RestFront, request: RestRequest): Promise<RestResponse> => {
  let status = 0;
  let headers: RestResponse['headers'] = {};
  const chunks: Uint8Array[] = [];
  await front(request, {
    head: (answeredStatus, answeredHeaders) => {
      status = answeredStatus;
      headers = answeredHeaders;
    },
    chunk: (bytes) => chunks.push(bytes),
    end: () => undefined,
  });
  return { status, headers, body: Buffer.concat(chunks) };
};
