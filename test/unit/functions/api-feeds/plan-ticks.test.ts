import { beforeEach, describe, expect, it } from 'vitest';
import { createHandler } from '#functions/api-feeds/handler.ts';
import { minuteFeed } from '#test/support/cloud-market.ts';
import { localStage, START_MS } from '#test/support/ports.ts';
import { answerOf, proxyEventOf, testIssuer } from '#test/support/ports-http.ts';

const DAY_MS = 86_400_000;
const FEED = '/v1/workspaces/{workspaceId}/feeds/{feedId}';

describe('telling a feed that time has passed', () => {
  let call: (method: string, path: string, body: object) => Promise<ReturnType<typeof answerOf>>;
  beforeEach(async () => {
    const issuer = await testIssuer();
    const stage = await localStage({ fetch: issuer.fetch });
    const handler = createHandler(stage.environment, stage.plugin);
    const token = await issuer.token();
    const parameters = { workspaceId: 'prod', feedId: 'demo' };
    call = async (method, path, body) =>
      answerOf(await handler(proxyEventOf({ token, method, path, resource: path, parameters, body })));
    expect((await call('PUT', FEED, minuteFeed())).status).toBe(201);
  });
  const passed = (passedMs: number) => call('POST', `${FEED}/ticks`, { passedMs });

  it('is taken up to a day ahead of now, and refused beyond', async () => {
    expect(await passed(START_MS + DAY_MS)).toMatchObject({ status: 200 });
    expect(await passed(START_MS + DAY_MS + 1)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request' },
    });
  });
});
