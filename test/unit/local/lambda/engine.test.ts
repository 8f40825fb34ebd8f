import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';

import { createDispatcher } from '#local/dispatch/dispatcher.ts';
import { memoryJournal } from '#local/kernel/journal.ts';
import { createLambda } from '#local/lambda/engine.ts';
import { createSdkHost } from '#local/sdk/sdk-host.ts';
import { createWire } from '#local/wire/wire.ts';
import { directBench } from '#test/unit/local/lambda/host-fixture.ts';

const cloudOf = (...modules: Parameters<typeof directBench>) => {
  const { host } = directBench(...modules);
  const dispatcher = createDispatcher({
    engines: { lambda: createLambda(() => host) },
    journal: memoryJournal,
  });
  const wire = createWire({ dispatcher, accountId: '000000000000' });
  const sdk = createSdkHost({ handle: wire.handle, fidelity: 'handler', region: 'us-east-1' });
  const client = new LambdaClient({ ...sdk.configuration, maxAttempts: 1 });
  return { wire, invoke: (input: object) => client.send(new InvokeCommand(input as never)) };
};

const textOf = ({ Payload }: { readonly Payload?: Uint8Array }): string =>
  Buffer.from(Payload ?? []).toString('utf8');

const functions = {
  echo: { handler: (event: unknown) => Promise.resolve(event) },
  silent: { handler: () => Promise.resolve(undefined) },
  broken: { handler: () => Promise.reject(new RangeError('too far')) },
  huge: { handler: () => Promise.resolve('x'.repeat(6_291_557)) },
};

describe('Invoke of the local Lambda', () => {
  it('answers what the function answers, by its name, its ARN or a qualifier', async () => {
    const { invoke } = cloudOf(functions);
    const Payload = Buffer.from('{"rows":7}');

    const answer = await invoke({ FunctionName: 'echo', Payload });
    expect(answer).toMatchObject({ StatusCode: 200, ExecutedVersion: '$LATEST' });
    expect(answer).not.toHaveProperty('FunctionError', 'Unhandled');
    expect(textOf(answer)).toBe('{"rows":7}');
    const arn = 'arn:aws:lambda:us-east-1:000000000000:function:echo';
    expect(textOf(await invoke({ FunctionName: arn, Payload }))).toBe('{"rows":7}');
    expect(textOf(await invoke({ FunctionName: 'echo', Qualifier: 'live', Payload }))).toBe('{"rows":7}');
    expect(textOf(await invoke({ FunctionName: 'echo' }))).toBe('{}');
    expect(textOf(await invoke({ FunctionName: 'silent' }))).toBe('null');
  });

  it('tells an error of the function apart from one of the service', async () => {
    const { invoke } = cloudOf(functions);

    const answer = await invoke({ FunctionName: 'broken' });
    expect(answer).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled' });
    expect(JSON.parse(textOf(answer))).toMatchObject({ errorType: 'RangeError', errorMessage: 'too far' });
    const huge = await invoke({ FunctionName: 'huge' });
    expect(JSON.parse(textOf(huge))).toMatchObject({ errorType: 'Function.ResponseSizeTooLarge' });
  });

  it.each([
    ['a function there is not', { FunctionName: 'gone' }, 'ResourceNotFoundException'],
    [
      'an event',
      { FunctionName: 'echo', InvocationType: 'Event' },
      'does not support the invocation type Event',
    ],
    ['the tail of a log', { FunctionName: 'echo', LogType: 'Tail' }, 'does not support the log type Tail'],
    ['no JSON', { FunctionName: 'echo', Payload: Buffer.from('{') }, 'InvalidRequestContentException'],
    [
      'too much',
      { FunctionName: 'echo', Payload: Buffer.from(`"${'x'.repeat(6_291_555)}"`) },
      'RequestTooLargeException',
    ],
  ])('refuses %s', async (_, input, text) => {
    const error: unknown = await cloudOf(functions)
      .invoke(input)
      .catch((thrown: unknown) => thrown);

    expect(`${(error as Error).name}: ${(error as Error).message}`).toContain(text);
  });

  it('is all there is of Lambda', async () => {
    const { wire } = cloudOf(functions);

    const { status, body } = await wire.handle({
      method: 'GET',
      path: '/2015-03-31/functions',
      query: '',
      headers: {
        authorization: 'AWS4-HMAC-SHA256 Credential=local/20261128/us-east-1/lambda/aws4_request, …',
      },
      body: new Uint8Array(),
    });
    expect(status).toBe(400);
    expect(Buffer.from(body).toString('utf8')).toContain(
      'does not support lambda: GET /2015-03-31/functions',
    );
  });
});
