import { beforeEach, describe, expect, it } from 'vitest';
import { terminalOf } from '#domain/market/feed-symbol/run-facts.ts';
import { foldRun, initialLayers } from '#domain/market/layers/symbol-layers.ts';
import { FeedDashboard } from '#contracts/market/layers-view.ts';
import { createHandler } from '#functions/api-feeds/handler.ts';
import { adaptersOf } from '#test/support/ledger.ts';
import { minuteFeed } from '#test/support/cloud-market.ts';
import { runAt } from '#test/support/market-layers.ts';
import { localStage, START_MS } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';
import { answerOf, proxyEventOf, testIssuer } from '#test/support/ports-http.ts';
import type { TestRequest } from '#test/support/ports-http.ts';

const FEEDS = '/v1/workspaces/{workspaceId}/feeds';
const FEED = `${FEEDS}/{feedId}`;

describe('the API of feeds', () => {
  let stage: LocalStage;
  let call: (request: Partial<TestRequest>, feedId?: string) => Promise<ReturnType<typeof answerOf>>;
  beforeEach(async () => {
    const issuer = await testIssuer();
    stage = await localStage({ fetch: issuer.fetch });
    const handler = createHandler(stage.environment, stage.plugin);
    const token = await issuer.token();
    call = async (request, feedId = 'demo') => {
      const parameters = { workspaceId: 'prod', feedId };
      const { resource = FEED } = request;
      return answerOf(
        await handler(proxyEventOf({ token, path: resource, resource, parameters, ...request })),
      );
    };
  });
  const put = (body: object, feedId?: string) => call({ method: 'PUT', body }, feedId);

  it('creates a feed once, and refuses another of its name', async () => {
    expect((await put(minuteFeed())).status).toBe(201);
    expect((await put(minuteFeed())).status).toBe(200);
    expect(await put(minuteFeed({ clock: 'arrival' }))).toMatchObject({
      status: 409,
      body: { code: 'feed_exists' },
    });
  });

  it.each<readonly [string, Partial<TestRequest>, string, readonly [number, string]]>([
    ['a name that is none', {}, 'No Feed', [400, 'invalid_request']],
    [
      'a configuration that is none',
      { method: 'PUT', body: { sources: [] } },
      'demo',
      [400, 'invalid_feed_config'],
    ],
    ['a feed that is not there', {}, 'none', [404, 'feed_not_found']],
    ['the runs of a feed that is not there', { resource: `${FEED}/runs` }, 'none', [404, 'feed_not_found']],
    [
      'the time of a feed that is not there',
      { method: 'POST', resource: `${FEED}/ticks`, body: { passedMs: START_MS } },
      'none',
      [404, 'feed_not_found'],
    ],
  ])('refuses %s', async (_, request, feedId, [status, code]) => {
    expect(await call(request, feedId)).toMatchObject({ status, body: { code } });
  });

  it('shows a feed whose row cannot be read as the ledger has it', async () => {
    await put(minuteFeed());
    const { views } = adaptersOf(stage);
    await views.put({ pk: 'feed#acme/prod/demo', sk: 'feed', version: 99, data: { nonsense: true } });

    expect(await call({})).toMatchObject({
      status: 200,
      body: { feedId: 'demo', state: 'started', recordCount: 0 },
    });
  });

  it('counts dashboards that were made, and rows that could not be read, without which they are shown', async () => {
    await put(minuteFeed());
    const { views } = adaptersOf(stage);
    const dashboard = () => call({ resource: `${FEED}/dashboard` });
    const pk = 'feed-layers#acme/prod/demo';
    const { layers } = foldRun(initialLayers('AAA'), terminalOf(runAt(1), 'AAA'));

    expect((await dashboard()).body).toMatchObject({ symbols: [] });
    await views.put({ pk, sk: 'AAA', version: 1, data: { ...layers } });
    expect((await dashboard()).body).toMatchObject({ symbols: [{ symbol: 'AAA' }] });
    await views.put({ pk, sk: 'BBB', version: 1, data: { nonsense: true } });
    expect((await dashboard()).body).toMatchObject({
      symbols: [{ symbol: 'AAA' }],
      telemetry: { staleness: { stale_reasons: expect.arrayContaining(['ingest_failure']) as unknown } },
    });
    stage.inject({ service: 'dynamodb', operation: 'Query', resource: 'views', kind: 'server-error' });
    expect((await dashboard()).status).toBe(503);

    const lines = stage.lines();
    const values = (name: string) => lines.flatMap((line) => line[name] ?? []);
    expect(values('dashboards.snapshots.produced')).toEqual([1, 1, 1]);
    expect(values('dashboards.snapshot_latency_ms')).toEqual([0, 0, 0]);
    expect(values('dashboards.builder.lag_ms')).toEqual([0, 0]);
    expect(values('dashboards.failures')).toEqual([1, 1]);
    expect(lines).toContainEqual(
      expect.objectContaining({ message: 'dashboards.ingest_failure', error_kind: 'unreadable_row' }),
    );
  });

  it('shows a thousand symbols page by page, each page at a bounded cost', async () => {
    await put(minuteFeed());
    const { views } = adaptersOf(stage);
    const names = Array.from({ length: 1_000 }, (_, index) => `S${String(index).padStart(4, '0')}`);
    const { layers } = foldRun(initialLayers('AAA'), terminalOf(runAt(1), 'AAA'));
    const text = JSON.stringify(layers);
    for (const symbol of names) {
      const data = JSON.parse(text.replaceAll('"AAA"', `"${symbol}"`)) as Record<string, unknown>;
      await views.put({ pk: 'feed-layers#acme/prod/demo', sk: symbol, version: 1, data });
    }
    const seen: string[] = [];
    let query: Readonly<Record<string, string>> = { limit: '200' };

    for (let pageNo = 1; pageNo <= 5; pageNo++) {
      stage.requests();
      const { status, body } = await call({ resource: `${FEED}/dashboard`, query });
      const { nextCursor = '', symbols } = FeedDashboard.parse(body);
      expect([status, symbols.length, nextCursor !== '']).toEqual([200, 200, pageNo < 5]);
      expect(stage.requests()['dynamodb.Query']).toBeLessThanOrEqual(4);
      seen.push(...symbols.map(({ symbol }) => symbol));
      query = { limit: '200', cursor: nextCursor };
    }

    expect(seen).toEqual(names);
    const refused = { limit: '201', cursor: 'x' };
    for (const [name, value] of Object.entries(refused))
      expect((await call({ resource: `${FEED}/dashboard`, query: { [name]: value } })).status).toBe(400);
  });

  it('leaves what a request could not plan to the next one', async () => {
    const config = minuteFeed({ scheduler: { mode: 'timer', timer_interval_ms: 1_000 } });
    expect((await put(config)).status).toBe(201);
    const passed = () => call({ method: 'POST', resource: `${FEED}/ticks`, body: { passedMs: START_MS } });

    expect((await passed()).status).toBe(200);
    expect((await call({ resource: FEEDS })).body).toEqual({ feeds: [] });
  });
});
