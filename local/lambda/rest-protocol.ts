/** Lambda on the wire: REST with JSON, of which `Invoke` alone. */
import { AwsError } from '#local/kernel/aws-error.ts';
import type { Json } from '#local/kernel/engine.ts';
import { bodyText } from '#local/wire/message.ts';
import type { WireRequest, WireResponse } from '#local/wire/message.ts';

/** Calls an operation of the engine, usually through the dispatcher. */
export type CallLambda = (operation: string, input: Json) => Promise<Json>;

const INVOCATIONS = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;

/** Answers one request; refusals become JSON errors, other errors are thrown on. */
export const handleLambda = async (
  request: WireRequest,
  call: CallLambda,
  requestId: string,
): Promise<WireResponse> => {
  try {
    return answerOf(await call('Invoke', inputOf(request)), requestId);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    return respond(error.status, JSON.stringify({ Type: 'User', message: error.message }), {
      'x-amzn-requestid': requestId,
      'x-amzn-errortype': error.code,
    });
  }
};

const inputOf = (request: WireRequest): Json => {
  const { method, path, query, headers } = request;
  const [, name] = INVOCATIONS.exec(path) ?? [];
  if (method !== 'POST' || name === undefined)
    throw new AwsError(
      'UnknownOperationException',
      `the local cloud does not support lambda: ${method} ${path}`,
    );
  const qualifier = new URLSearchParams(query).get('Qualifier');
  const type = headers['x-amz-invocation-type'];
  const logType = headers['x-amz-log-type'];
  return {
    FunctionName: decodeURIComponent(name) + (qualifier === null ? '' : `:${qualifier}`),
    Payload: bodyText(request),
    ...(type === undefined ? {} : { InvocationType: type }),
    ...(logType === undefined ? {} : { LogType: logType }),
  };
};

const answerOf = (
  { StatusCode, ExecutedVersion, FunctionError, Payload }: Json,
  requestId: string,
): WireResponse =>
  respond(Number(StatusCode), String(Payload), {
    'x-amzn-requestid': requestId,
    'x-amz-executed-version': String(ExecutedVersion),
    ...(typeof FunctionError === 'string' ? { 'x-amz-function-error': FunctionError } : {}),
  });

const respond = (status: number, text: string, headers: Readonly<Record<string, string>>): WireResponse => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: Buffer.from(text),
});
