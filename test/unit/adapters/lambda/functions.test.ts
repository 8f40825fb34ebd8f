import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import { lambdaFunctions } from '#adapters/lambda/functions.ts';

const event = { taskKey: 'm.a' } as unknown as DispatchEnvelope;
const bytes = (text: string) => ({ Payload: Buffer.from(text) as never });

const invokedWith = (answer: object) => {
  const client = mockClient(LambdaClient).on(InvokeCommand).resolves(answer);
  return { client, invoke: lambdaFunctions(client as unknown as LambdaClient) };
};

const refusedBy = (error: Error) => {
  const client = mockClient(LambdaClient).on(InvokeCommand).rejects(error);
  return lambdaFunctions(client as unknown as LambdaClient);
};

const named = (name: string): Error => Object.assign(new Error('it was refused'), { name });
const { signal } = new AbortController();

describe('a function of a customer', () => {
  it('is invoked with the envelope, and its answer is read', async () => {
    const { client, invoke } = invokedWith(bytes('{"outcome":"SUCCEEDED"}'));

    expect(await invoke('fn', event, signal)).toEqual({
      kind: 'answered',
      answer: { outcome: 'SUCCEEDED' },
    });
    const [call] = client.commandCalls(InvokeCommand);
    expect(call?.args[0].input.FunctionName).toBe('fn');
    expect(JSON.parse(Buffer.from(call?.args[0].input.Payload as Uint8Array).toString())).toEqual(event);
  });

  it.each([
    ['nothing', {}, undefined],
    ['null', bytes('null'), null],
    ['no JSON', bytes('done'), 'done'],
  ])('may answer %s', async (_, output, answer) => {
    expect(await invokedWith(output).invoke('fn', event, signal)).toEqual({ kind: 'answered', answer });
  });

  it.each([
    ['{"errorType":"RangeError","errorMessage":"too far"}', 'RangeError', 'too far'],
    ['{}', 'Unhandled', '{}'],
    ['null', 'Unhandled', 'null'],
    ['killed', 'Unhandled', 'killed'],
  ])('fails with %s', async (text, errorType, message) => {
    const { invoke } = invokedWith({ ...bytes(text), FunctionError: 'Unhandled' });

    expect(await invoke('fn', event, signal)).toEqual({ kind: 'failed', errorType, message });
  });

  it.each([
    ['ResourceNotFoundException', 'refused'],
    ['AccessDeniedException', 'refused'],
    ['RequestTooLargeException', 'refused'],
    ['TooManyRequestsException', 'unavailable'],
    ['ServiceException', 'unavailable'],
    ['TimeoutError', 'unavailable'],
  ])('that Lambda refuses with %s is %s', async (name, kind) => {
    expect(await refusedBy(named(name))('fn', event, signal)).toEqual({
      kind,
      message: `${name}: it was refused`,
    });
  });
});
