/** Invokes functions of customers synchronously; what Lambda or the function refuses is told apart, and nothing is thrown. */
import { InvokeCommand } from '@aws-sdk/client-lambda';
import type { InvokeCommandOutput, LambdaClient } from '@aws-sdk/client-lambda';
import type { Invoked, InvokeFunction } from '#domain/ports/functions.ts';

/** Functions in the account and region of the client. */
export const lambdaFunctions =
  (client: LambdaClient): InvokeFunction =>
  async (FunctionName, event, abortSignal) => {
    try {
      const command = new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify(event)) });
      return invokedOf(await client.send(command, { abortSignal }));
    } catch (error) {
      return refusalOf(error);
    }
  };

const invokedOf = ({ FunctionError, Payload }: InvokeCommandOutput): Invoked => {
  const text = Payload === undefined ? '' : Buffer.from(Payload).toString('utf8');
  const answer = parsed(text);
  if (FunctionError === undefined) return { kind: 'answered', answer };
  return {
    kind: 'failed',
    errorType: textAt(answer, 'errorType') ?? FunctionError,
    message: textAt(answer, 'errorMessage') ?? text,
  };
};

const textAt = (answer: unknown, member: string): string | undefined => {
  const value: unknown =
    typeof answer === 'object' && answer !== null ? Reflect.get(answer, member) : undefined;
  return typeof value === 'string' ? value : undefined;
};

/** Lambda hands over JSON; a runtime of one's own may not, and its text is then judged as it is. */
const parsed = (text: string): unknown => {
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
};

/** Refusals that a person has to see to: nothing was invoked, and nothing will be. */
const REFUSED = new Set([
  'ResourceNotFoundException',
  'AccessDeniedException',
  'InvalidParameterValueException',
  'InvalidRequestContentException',
  'RequestTooLargeException',
  'UnsupportedMediaTypeException',
  'InvalidRuntimeException',
  'InvalidZipFileException',
  'KMSAccessDeniedException',
  'KMSDisabledException',
  'KMSInvalidStateException',
  'KMSNotFoundException',
  'InvalidSecurityGroupIDException',
  'InvalidSubnetIDException',
  'SnapStartException',
]);

const refusalOf = (error: unknown): Invoked => {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { kind: REFUSED.has(name) ? 'refused' : 'unavailable', message: `${name}: ${message}` };
};
