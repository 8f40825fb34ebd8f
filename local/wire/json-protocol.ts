/** AWS JSON 1.0 and 1.1: the operation is in `x-amz-target`, input and output are the JSON bodies. */
import { crc32 } from 'node:zlib';
import { AwsError } from '#local/kernel/aws-error.ts';
import type { Json, ServiceName } from '#local/kernel/engine.ts';
import { queryErrorHeader } from '#local/sqs/refusal.ts';
import { bodyText, type WireRequest, type WireResponse } from '#local/wire/message.ts';

interface JsonService {
  readonly service: ServiceName;
  /** Namespace of error names, as the service writes it. */
  readonly errorNamespace: string;
  /** DynamoDB lets clients check the bytes of an answer. */
  readonly hasChecksum: boolean;
}

const services: Readonly<Record<string, JsonService>> = {
  DynamoDB_20120810: {
    service: 'dynamodb',
    errorNamespace: 'com.amazonaws.dynamodb.v20120810#',
    hasChecksum: true,
  },
  DynamoDBStreams_20120810: {
    service: 'dynamodbstreams',
    errorNamespace: 'com.amazonaws.dynamodb.v20120810#',
    hasChecksum: true,
  },
  Kinesis_20131202: { service: 'kinesis', errorNamespace: '', hasChecksum: false },
  AmazonSQS: { service: 'sqs', errorNamespace: 'com.amazonaws.sqs#', hasChecksum: false },
  AWSStepFunctions: { service: 'states', errorNamespace: '', hasChecksum: false },
  secretsmanager: { service: 'secretsmanager', errorNamespace: '', hasChecksum: false },
  Logs_20140328: { service: 'logs', errorNamespace: '', hasChecksum: false },
};

export interface JsonCall extends JsonService {
  readonly operation: string;
}

/** What a target header names; throws `UnknownOperationException` with the header when it is none of ours. */
export const jsonCallOf = (target: string): JsonCall => {
  const point = target.indexOf('.');
  const prefix = target.slice(0, Math.max(point, 0));
  const service = Object.hasOwn(services, prefix) ? services[prefix] : undefined;
  if (service) return { ...service, operation: target.slice(point + 1) };
  throw new AwsError('UnknownOperationException', `the local cloud does not support the target ${target}`);
};

/** The input of a JSON call; an empty body is an empty input. */
export const jsonInputOf = (request: WireRequest): Json => {
  const contentType = request.headers['content-type'] ?? '';
  if (contentType.includes('cbor')) {
    throw new AwsError(
      'SerializationException',
      `the local cloud does not support ${contentType}; switch CBOR off in the client`,
    );
  }
  const text = bodyText(request);
  if (text === '') return {};
  const input = parse(text);
  if (isJson(input)) return input;
  throw new AwsError('SerializationException', 'the body is not a JSON object');
};

/** The answer of a call that went well. */
export const jsonAnswer = (call: JsonCall, output: Json, exchange: Exchange): WireResponse =>
  respond({ status: 200, document: output, hasChecksum: call.hasChecksum }, exchange);

/** The answer of a call that was refused; the call is undefined when its target is unknown. */
export const jsonRefusal = (
  call: JsonCall | undefined,
  error: AwsError,
  exchange: Exchange,
): WireResponse => {
  const document = {
    ...error.details,
    __type: `${call?.errorNamespace ?? ''}${error.code}`,
    message: error.message,
  };
  const response = respond(
    { status: error.status, document, hasChecksum: call?.hasChecksum ?? false },
    exchange,
  );
  return {
    ...response,
    headers: {
      ...response.headers,
      'x-amzn-errortype': error.code,
      ...(call?.service === 'sqs' ? { 'x-amzn-query-error': queryErrorHeader(error) } : {}),
    },
  };
};

export interface Exchange {
  readonly contentType: string;
  readonly requestId: string;
}

const respond = (
  answer: { readonly status: number; readonly document: Json; readonly hasChecksum: boolean },
  { contentType, requestId }: Exchange,
): WireResponse => {
  const body = Buffer.from(JSON.stringify(answer.document));
  const headers: Record<string, string> = { 'content-type': contentType, 'x-amzn-requestid': requestId };
  if (answer.hasChecksum) headers['x-amz-crc32'] = String(crc32(body));
  return { status: answer.status, headers, body };
};

const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AwsError('SerializationException', error instanceof Error ? error.message : 'broken JSON');
  }
};
