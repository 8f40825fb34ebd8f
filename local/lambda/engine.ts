/** Lambda as others call it: `Invoke`, which waits for the function; functions are made by the template alone. */
import { AwsError } from '#local/kernel/aws-error.ts';
import type { Engine, Json } from '#local/kernel/engine.ts';
import { FunctionError } from '#local/lambda/lambda-host.ts';
import type { LambdaHost } from '#local/lambda/lambda-host.ts';

/** The bytes Lambda takes and gives in a synchronous invocation. */
const PAYLOAD_BYTES_MAX = 6_291_556;

/** The service over a host; it keeps nothing. */
export const createLambda = (host: () => Pick<LambdaHost, 'invoke'>): Engine => ({
  operations: { Invoke: (input) => invoke(host(), input) },
  restore: () => undefined,
  snapshot: () => [],
});

/** `Payload` is the text of the event in both directions. */
const invoke = async (host: Pick<LambdaHost, 'invoke'>, input: Json): Promise<Json> => {
  refuseUnsupported(input);
  const event = eventOf(input['Payload']);
  try {
    const answer = await host.invoke(String(input['FunctionName']), event);
    return answered(answer === undefined ? 'null' : JSON.stringify(answer));
  } catch (error) {
    if (!(error instanceof FunctionError)) throw error;
    if (error.errorType === 'ResourceNotFoundException')
      throw new AwsError(error.errorType, error.message, { status: 404 });
    const { errorType, message: errorMessage, stackTrace: trace } = error;
    return { ...answered(JSON.stringify({ errorType, errorMessage, trace })), FunctionError: 'Unhandled' };
  }
};

const answered = (text: string): Json => {
  if (Buffer.byteLength(text) <= PAYLOAD_BYTES_MAX)
    return { StatusCode: 200, ExecutedVersion: '$LATEST', Payload: text };
  const errorMessage = `Response payload size exceeded maximum allowed payload size (${PAYLOAD_BYTES_MAX} bytes).`;
  const fault = { errorType: 'Function.ResponseSizeTooLarge', errorMessage };
  return {
    StatusCode: 200,
    ExecutedVersion: '$LATEST',
    Payload: JSON.stringify(fault),
    FunctionError: 'Unhandled',
  };
};

const refuseUnsupported = ({ InvocationType = 'RequestResponse', LogType = 'None' }: Json): void => {
  if (InvocationType !== 'RequestResponse')
    throw new AwsError(
      'InvalidParameterValueException',
      `the local cloud does not support the invocation type ${String(InvocationType)}; use RequestResponse`,
    );
  if (LogType !== 'None')
    throw new AwsError(
      'InvalidParameterValueException',
      `the local cloud does not support the log type ${String(LogType)}; functions write to its own log`,
    );
};

const eventOf = (payload: unknown): unknown => {
  const text = typeof payload === 'string' ? payload : '';
  if (text === '') return {};
  if (Buffer.byteLength(text) > PAYLOAD_BYTES_MAX)
    throw new AwsError(
      'RequestTooLargeException',
      `${Buffer.byteLength(text)} byte payload is too large for the RequestResponse invocation type (limit ${PAYLOAD_BYTES_MAX} bytes)`,
      { status: 413 },
    );
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new AwsError(
      'InvalidRequestContentException',
      'Could not parse request body into json: the payload is no JSON',
    );
  }
};
