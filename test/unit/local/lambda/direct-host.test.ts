import { describe, expect, it } from 'vitest';

import type { CreateHandler } from '#local/lambda/function-contract.ts';
import type { LambdaContext } from '#local/lambda/lambda-context.ts';
import type { StreamMeta } from '#local/lambda/lambda-host.ts';
import { directBench, turns } from '#test/unit/local/lambda/host-fixture.ts';

const LIMIT = Number.MAX_SAFE_INTEGER;

describe('the direct host', () => {
  it('builds each handler once, from its own settings', async () => {
    let built = 0;
    const createHandler: CreateHandler = (environment) => {
      built++;
      return (event) =>
        Promise.resolve({
          event,
          table: environment['TABLE'],
          name: environment['AWS_LAMBDA_FUNCTION_NAME'],
        });
    };
    const { host } = directBench({ fn: { createHandler } }, { environment: { TABLE: 'ledger' } });

    expect(await host.invoke('fn', 1)).toEqual({ event: 1, table: 'ledger', name: 'fn' });
    expect(await host.invoke('arn:aws:lambda:us-east-1:000000000000:function:fn:live', 2)).toMatchObject({
      event: 2,
    });
    expect(built).toBe(1);
    expect(host.counts()).toEqual({ fn: { invocations: 2, coldStarts: 1, errors: 0 } });
  });

  it('starts cold again after a restart', async () => {
    const { host } = directBench({ fn: { handler: () => Promise.resolve('ok') } });
    await host.invoke('fn', {});
    await host.restart('fn');
    await host.invoke('fn', {});
    expect(host.counts()['fn']?.coldStarts).toBe(2);
  });

  it('reports what a handler throws with its type', async () => {
    const { host } = directBench({
      fn: { handler: () => Promise.reject(new RangeError('too far')) },
      text: { handler: () => Promise.reject(new Error('plain')) },
    });
    await expect(host.invoke('fn', {})).rejects.toMatchObject({
      errorType: 'RangeError',
      message: 'too far',
    });
    await expect(host.invoke('text', {})).rejects.toMatchObject({ errorType: 'Error' });
    expect(host.counts()['fn']?.errors).toBe(1);
  });

  it('refuses a function or an export there is not', async () => {
    const { host } = directBench({ fn: { other: 1 } });
    await expect(host.invoke('gone', {})).rejects.toMatchObject({ errorType: 'ResourceNotFoundException' });
    await expect(host.invoke('fn', {})).rejects.toMatchObject({ errorType: 'Runtime.HandlerNotFound' });
  });

  it('ends an invocation at its timeout on the cloud clock, and none before', async () => {
    const createHandler: CreateHandler = (_, plugin) => async (event) => {
      await plugin?.sleep(event as number);
      return 'slept';
    };
    const { host, step } = directBench({ fn: { createHandler } });
    const inTime = host.invoke('fn', 2999);
    const late = host.invoke('fn', 3001);
    late.catch(() => undefined);
    await turns();
    while (step(LIMIT)) await turns();
    expect(await inTime).toBe('slept');
    await expect(late).rejects.toMatchObject({
      errorType: 'Sandbox.Timedout',
      message: 'Task timed out after 3.00 seconds',
    });
  });

  it('does not count an invocation as in flight while it sleeps, in however many branches', async () => {
    const createHandler: CreateHandler = (_, plugin) => async () => {
      await Promise.all([plugin?.sleep(10), plugin?.sleep(20)]);
    };
    const { host, step, inFlightCount } = directBench({ fn: { createHandler } });
    const done = host.invoke('fn', {});
    expect(inFlightCount()).toBe(1);
    await turns();
    expect(inFlightCount()).toBe(0);
    step(LIMIT);
    await turns();
    expect(inFlightCount()).toBe(0);
    step(LIMIT);
    await done;
    expect(inFlightCount()).toBe(0);
  });

  it('tells the handler who it is and how long it has', async () => {
    const { host, nowMs } = directBench({
      fn: {
        handler: (_: unknown, context: LambdaContext) =>
          Promise.resolve([
            context.functionName,
            context.memoryLimitInMB,
            context.getRemainingTimeInMillis(),
            context.invokedFunctionArn,
          ]),
      },
    });
    expect(nowMs()).toBe(1_800_000_000_000);
    expect(await host.invoke('fn', {})).toEqual([
      'fn',
      '128',
      3000,
      'arn:aws:lambda:us-east-1:000000000000:function:fn',
    ]);
  });

  it('streams what a streaming handler writes, head first', async () => {
    interface Streaming {
      readonly streamifyResponse: (handler: unknown) => unknown;
      readonly HttpResponseStream: {
        readonly from: (stream: unknown, meta: StreamMeta) => NodeJS.WritableStream;
      };
    }
    const createHandler = (): unknown => {
      const { awslambda } = globalThis as unknown as { awslambda: Streaming };
      return awslambda.streamifyResponse((_: unknown, stream: unknown) => {
        const out = awslambda.HttpResponseStream.from(stream, { statusCode: 201 });
        out.write('one ');
        out.end('two');
        return Promise.resolve();
      });
    };
    const { host } = directBench({ fn: { createHandler } });
    const seen: unknown[] = [];
    const answer = await host.invoke(
      'fn',
      {},
      {
        onMeta: ({ statusCode }) => seen.push(statusCode),
        onChunk: (chunk) => seen.push(Buffer.from(chunk).toString()),
      },
    );
    expect(seen).toEqual([201, 'one ', 'two']);
    expect(answer).toBeUndefined();
  });
});
