/** An engine for tests of the wire: answers its input, or throws what the input asks for. */
import { AwsError } from '#local/kernel/aws-error.ts';
import type { Engine, Json, Operation } from '#local/kernel/engine.ts';

const echo: Operation = (input) => {
  const refusal = input['refuse'];
  if (typeof refusal !== 'string') return { echo: input };
  throw new AwsError(refusal, 'as asked', { details: { Item: { pk: { S: 'é' } } } });
};

/** Each operation does the same. */
export const echoEngine = (operations: readonly string[]): Engine => ({
  operations: Object.fromEntries(operations.map((operation) => [operation, echo])),
  restore: () => undefined,
  snapshot: (): Iterable<never> => [],
});

/** The JSON of a body. */
export const jsonOf = (body: Uint8Array): Json => JSON.parse(Buffer.from(body).toString()) as Json;
