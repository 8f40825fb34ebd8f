/**
 * The local cloud as AWS speaks it: finds the protocol of a request, calls the dispatcher, writes the answer. One
 * `handle` serves the loopback port and the SDK clients of this process, so all of them meet the same bytes.
 */
import type { Dispatcher } from '#local/dispatch/dispatcher.ts';
import { LostAnswerError } from '#local/dispatch/lost-answer-error.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import { handleLambda } from '#local/lambda/rest-protocol.ts';
import { handleS3 } from '#local/s3/rest-protocol.ts';
import {
  jsonAnswer,
  jsonCallOf,
  jsonInputOf,
  jsonRefusal,
  type JsonCall,
} from '#local/wire/json-protocol.ts';
import { listen, type Listening } from '#local/wire/listen.ts';
import type { WireHandler, WireRequest, WireResponse } from '#local/wire/message.ts';
import { answerQuery } from '#local/wire/query-protocol.ts';

export interface WireSetting {
  readonly dispatcher: Dispatcher;
  readonly accountId: string;
  /** Public JSON documents by path, those of the token issuer; looked at for each request on the port. */
  readonly documents?: ReadonlyMap<string, string>;
}

export interface Wire {
  readonly handle: WireHandler;
  /** Serves HTTP/1.1 and HTTP/2 without TLS on one loopback port, 0 for any free one. */
  readonly listen: (port: number) => Promise<Listening>;
}

/** Gives the dispatcher its wire protocols. */
export const createWire = (setting: WireSetting): Wire => {
  let requestCount = 0;
  const nextRequestId = (): string => requestIdOf(++requestCount);
  const handle: WireHandler = async (request) => {
    const requestId = nextRequestId();
    try {
      return await answer(setting, request, requestId);
    } catch (error) {
      if (error instanceof LostAnswerError) throw error;
      const message = error instanceof Error ? error.message : String(error);
      const failure = new AwsError('InternalFailure', message, { status: 500 });
      return jsonRefusal(undefined, failure, { contentType: 'application/json', requestId });
    }
  };
  return { handle, listen: (port) => listen({ ...setting, handle }, port) };
};

/** Request ids look like those of AWS and count from 1. */
const requestIdOf = (count: number): string =>
  `00000000-0000-4000-8000-${count.toString(16).padStart(12, '0')}`;

const answer = async (
  setting: WireSetting,
  request: WireRequest,
  requestId: string,
): Promise<WireResponse> => {
  const target = request.headers['x-amz-target'];
  if (target !== undefined) return answerJson(setting, request, { target, requestId });
  if (request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true)
    return answerQuery(setting, request, requestId);
  const service = signedService(request);
  if (service === 'lambda')
    return handleLambda(
      request,
      (operation, input) => setting.dispatcher.call('lambda', operation, input),
      requestId,
    );
  if (service === undefined || service === 's3')
    return handleS3(request, (operation, input) => setting.dispatcher.call('s3', operation, input));
  return jsonRefusal(
    undefined,
    new AwsError(
      'UnknownOperationException',
      `the local cloud does not support ${service}: ${request.method} ${request.path}`,
    ),
    { contentType: 'application/json', requestId },
  );
};

const answerJson = async (
  { dispatcher }: WireSetting,
  request: WireRequest,
  { target, requestId }: { readonly target: string; readonly requestId: string },
): Promise<WireResponse> => {
  const contentType = request.headers['content-type'] ?? 'application/x-amz-json-1.0';
  const exchange = { contentType, requestId };
  let call: JsonCall | undefined;
  try {
    call = jsonCallOf(target);
    const output = await dispatcher.call(call.service, call.operation, jsonInputOf(request));
    return jsonAnswer(call, output, exchange);
  } catch (error) {
    if (error instanceof AwsError) return jsonRefusal(call, error, exchange);
    throw error;
  }
};

/** The service a signature is made for. */
const signedService = ({ headers }: WireRequest): string | undefined =>
  /Credential=[^/,\s]*\/\d{8}\/[^/]*\/([^/]+)\/aws4_request/.exec(headers['authorization'] ?? '')?.[1];
