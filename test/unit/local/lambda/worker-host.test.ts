import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, describe, expect, it, vi } from 'vitest';

import { activityCounter } from '#local/kernel/activity.ts';
import type { FunctionSetting, LambdaHost } from '#local/lambda/lambda-host.ts';
import { workerHost } from '#local/lambda/worker-host.ts';
import { currentLineage, readTraceHeader, withLineage } from '#local/mapping/lineage.ts';
import { servePort } from '#local/sdk/port-transport.ts';
import { functionSetting } from '#test/unit/local/lambda/host-fixture.ts';
import { testFolder } from '#test/support/folders.ts';

const hosts: LambdaHost[] = [];
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.close();
});

const start = (
  sources: Readonly<Record<string, string>>,
  given: Partial<FunctionSetting> & { readonly environmentsMax?: number } = {},
) => {
  const directory = testFolder();
  const logs: string[] = [];
  const requests: Readonly<Record<string, string>>[] = [];
  const { environmentsMax, ...setting } = given;
  const functions = Object.entries(sources).map(([name, source]) => {
    const codeDir = join(directory, name);
    mkdirSync(codeDir);
    writeFileSync(join(codeDir, 'handler.mjs'), source);
    return functionSetting(name, { timeoutMs: 20_000, ...setting, codeDir });
  });
  const host = workerHost({
    functions,
    activity: activityCounter(),
    documents: new Map([['https://issuer/jwks.json', '{"keys":[]}']]),
    attachPort: (port) =>
      servePort(port, async ({ headers, body }) => {
        requests.push(headers);
        return { status: 200, headers: {}, body };
      }),
    log: (text) => logs.push(text),
    ...(environmentsMax === undefined ? {} : { environmentsMax }),
  });
  hosts.push(host);
  return { host, logs, requests };
};

describe('the worker host', () => {
  it('runs a bundle with its own settings and keeps its environment', async () => {
    const { host, logs } = start(
      {
        fn: `let calls = 0;
          export const handler = async (event, context) => {
            console.log('hello');
            return [event, ++calls, process.env.TABLE, process.env.AWS_LAMBDA_FUNCTION_NAME, context.functionName, process.env.HOME];
          };`,
      },
      { environment: { TABLE: 'ledger' } },
    );
    expect(await host.invoke('fn', 'a')).toEqual(['a', 1, 'ledger', 'fn', 'fn', undefined]);
    expect(await host.invoke('fn:live', 'b')).toEqual(['b', 2, 'ledger', 'fn', 'fn', undefined]);
    expect(host.counts()['fn']).toEqual({ invocations: 2, coldStarts: 1, errors: 0 });
    // Lines of a thread come over a pipe of their own, behind its answers.
    await vi.waitFor(() => expect(logs).toContain('fn: hello'));
  });

  it('lends the handler AWS calls, a fetch of the issuer’s documents, and the chain it runs in', async () => {
    const { host, requests } = start({
      fn: `export const handler = async () => {
          const plugin = globalThis[Symbol.for('sluice.aws')];
          const documents = await (await plugin.fetch('https://issuer/jwks.json')).json();
          const { response } = await plugin.configuration.requestHandler.handle({
            method: 'POST', path: '/', headers: { 'x-amz-target': 'a.b' }, body: 'ping' });
          return [documents, Buffer.from(response.body).toString()];
        };`,
    });
    const answer = await withLineage(new Map([['fn', 3]]), () => host.invoke('fn', {}));
    expect(answer).toEqual([{ keys: [] }, 'ping']);
    expect(readTraceHeader(requests[0]?.['x-amzn-trace-id'])).toEqual(new Map([['fn', 3]]));
    expect(currentLineage().size).toBe(0);
  });

  it('streams an answer', async () => {
    const { host } = start({
      fn: `export const handler = awslambda.streamifyResponse(async (event, stream) => {
          const out = awslambda.HttpResponseStream.from(stream, { statusCode: 206 });
          out.write('a'); out.end('b');
        });`,
    });
    const seen: unknown[] = [];
    await host.invoke(
      'fn',
      {},
      {
        onMeta: ({ statusCode }) => seen.push(statusCode),
        onChunk: (chunk) => seen.push(Buffer.from(chunk).toString()),
      },
    );
    expect(seen).toEqual([206, 'a', 'b']);
  });

  it('reports errors by type and starts afresh after a crash', async () => {
    const { host } = start({
      fn: `export const handler = async (event) => {
          if (event === 'throw') throw new TypeError('bad');
          if (event === 'exit') process.exit(3);
          return 'ok';
        };`,
      broken: `throw new Error('at load');`,
    });
    await expect(host.invoke('fn', 'throw')).rejects.toMatchObject({
      errorType: 'TypeError',
      message: 'bad',
    });
    await expect(host.invoke('fn', 'exit')).rejects.toMatchObject({ errorType: 'Runtime.ExitError' });
    expect(await host.invoke('fn', '')).toBe('ok');
    expect(host.counts()['fn']).toEqual({ invocations: 3, coldStarts: 2, errors: 2 });
    await expect(host.invoke('broken', {})).rejects.toMatchObject({
      errorType: 'Runtime.ImportModuleError',
      message: 'at load',
    });
    await expect(host.invoke('gone', {})).rejects.toMatchObject({ errorType: 'ResourceNotFoundException' });
  });

  it('kills an environment that outlives its timeout', async () => {
    const { host } = start(
      {
        fn: `export const handler = (event) => event === 'hang' ? new Promise(() => { for (;;); }) : Promise.resolve('ok');`,
      },
      { timeoutMs: 300 },
    );
    expect(await host.invoke('fn', '')).toBe('ok');
    await expect(host.invoke('fn', 'hang')).rejects.toMatchObject({ errorType: 'Sandbox.Timedout' });
  });

  it('ends the environment idle longest when there are too many', async () => {
    const source = `export const handler = async () => 'ok';`;
    const { host } = start({ a: source, b: source, c: source }, { environmentsMax: 2 });
    await host.invoke('a', {});
    await host.invoke('b', {});
    await host.invoke('a', {});
    await host.invoke('c', {});
    await host.invoke('a', {});
    await host.invoke('b', {});
    const coldStarts = Object.fromEntries(
      Object.entries(host.counts()).map(([name, counts]) => [name, counts.coldStarts]),
    );
    expect(coldStarts).toEqual({ a: 1, b: 2, c: 1 });
  });

  it('waits for a free environment when all are busy', async () => {
    const source = `export const handler = async () => 'ok';`;
    const { host } = start({ a: source, b: source, c: source }, { environmentsMax: 1 });
    const answers = await Promise.all(['a', 'b', 'c', 'a'].map((name) => host.invoke(name, {})));
    expect(answers).toEqual(['ok', 'ok', 'ok', 'ok']);
  });
});
