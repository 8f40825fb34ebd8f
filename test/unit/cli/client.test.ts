import { afterEach, expect, it, vi } from 'vitest';
import { httpClient } from '#cli/client.ts';

afterEach(() => vi.unstubAllGlobals());

it.each([
  ['{ws}/runs', 'https://api.test/dev/v1/workspaces/main/runs'],
  ['/v1/health', 'https://api.test/dev/v1/health'],
  ['https://callbacks.test/v1/callbacks/t/started', 'https://callbacks.test/v1/callbacks/t/started'],
])('asks for %s at its place', async (path, url) => {
  const asked: string[] = [];
  vi.stubGlobal('fetch', (input: URL) => {
    asked.push(input.href);
    return Promise.resolve(new Response('{}'));
  });

  await httpClient({ url: 'https://api.test/dev', token: 't', workspace: 'main' }).request('GET', path);

  expect(asked).toEqual([url]);
});
