/**
 * The local cloud as AWS speaks it: finds the protocol of a request, calls the dispatcher, writes the answer. One
 * `handle` serves the loopback port and the SDK clients of this process, so all of them meet the same bytes.
 */
import type { Dispatcher } from '#local/dispatch/dispatcher.ts';
import { LostAnswerError } from '#local/dispatch/lost-answer-error.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import {
  jsonAnswer,
  jsonCallOf,
  jsonInputOf,
  jsonRefusal,
  type JsonCall,
} from '#local/wire/json-protocol.ts';
import { listen, type Listening } from '#local/wire/listen.ts';
import type { WireHandler, WireRequest, WireResponse } from '#local/wire/message.ts';
import { answerQuery, type QueryCodec } from '#local/wire/query-protocol.ts';

export interface WireSetting {
  readonly dispatcher: Dispatcher;
  readonly accountId: string;
  /** The older protocol of SQS. */
  readonly sqsQuery?: QueryCodec;
  /** S3, which has its own protocol. */
  readonly s3?: WireHandler;
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
  return { handle, listen: (port) => listen(handle, port) };
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
  if (request.method === 'GET' && request.path === '/health') return health();
  if (request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true)
    return answerQuery(setting, request, requestId);
  const service = signedService(request);
  if (setting.s3 && (service === undefined || service === 's3')) return setting.s3(request);
  return jsonRefusal(
    undefined,
    new AwsError(
      'UnknownOperationException',
      `the local cloud does not support ${service ?? 'the request'}: ${request.method} ${request.path}`,
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

const health = (): WireResponse => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from('{"status":"ok"}'),
});

/** The service a signature is made for. */
const signedService = ({ headers }: WireRequest): string | undefined =>
  /Credential=[^/,\s]*\/\d{8}\/[^/]*\/([^/]+)\/aws4_request/.exec(headers['authorization'] ?? '')?.[1];
