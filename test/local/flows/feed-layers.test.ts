/** The later layers of a feed in the running cloud: what the routes answer, and that a rebuild gives the same rows. */
import { describe, expect, it } from 'vitest';
import { verifyStage } from '#cli/offline/views.ts';
import { DashboardViewModel } from '#contracts/market/dashboard.ts';
import * as views from '#contracts/market/layers-view.ts';
import type { FaultRule } from '#local/dispatch/faults.ts';
import { storesOfCloud } from '#test/support/busy-stacks.ts';
import { marketEvent, minuteFeed, putRecords, startFeed, trade } from '#test/support/cloud-market.ts';
import type { Put } from '#test/support/cloud-market.ts';
import { commitsIn } from '#test/support/cloud-stores.ts';
import { apiOf, bootTestCloud, inMain, START_MS } from '#test/support/cloud.ts';
import type { Api } from '#test/support/cloud.ts';

const MINUTE_MS = 60_000;
const at = (minute: number): number => START_MS + minute * MINUTE_MS;

/** Snapshot inputs without anything to go by. */
const inputs = (symbol: string, minute: number): Put =>
  marketEvent({ symbol, recvTsMs: at(minute - 1) + 1 }, 'SnapshotInputs', {
    timestamp_ms: at(minute),
    market: { price: 1 },
  });

const layered = {
  emit_skipped: false,
  engine: { engine_mode: 'hysteresis' },
  engine_options: { no_data: 'reason' },
  state_gate: { max_gap_ms: 2 * MINUTE_MS, denylisted_invalidations: ['NO_DATA'] },
  analysis_engine: {
    enabled_modules: [
      'signal.regime',
      'signal.persistence',
      'detector.shift',
      'rule.conviction',
      'output.headline',
    ],
    symbols: [{ symbol: 'BBB', enabled_modules: ['signal.regime'] }],
  },
};

/** Three minutes of AAA and two of BBB, then a gap, then one more of AAA. */
const play = async (config: object = layered, faults: readonly FaultRule[] = []): Promise<Api> => {
  const api = apiOf(await bootTestCloud({ faults }));
  await startFeed(api, 'feed', minuteFeed(config));
  for (const minute of [1, 2, 3, 7]) {
    await putRecords(api.cloud, [
      inputs('AAA', minute),
      ...(minute < 3 ? [inputs('BBB', minute)] : []),
      trade('AAA', at(minute) + 1),
    ]);
    await api.cloud.settle();
  }
  return api;
};
const read = (api: Api, path: string) => api.must('GET', inMain(`/feeds/feed/${path}`));

describe('the later layers of a feed', () => {
  it('show per symbol what the gate said, what modules made of it, and how regimes behaved', async () => {
    const api = await play();

    const { symbols } = views.FeedSymbolPage.parse(await read(api, 'symbols'));
    const { gates } = views.FeedGatePage.parse(await read(api, 'gates'));
    const { analyses } = views.FeedAnalysisPage.parse(await read(api, 'analysis'));
    const { regimes } = views.FeedRegimePage.parse(await read(api, 'regimes?key=truth'));
    const dashboard = DashboardViewModel.parse(await read(api, 'dashboard'));

    expect(symbols.map(({ symbol, completedCount }) => [symbol, completedCount])).toEqual([
      ['AAA', 4],
      ['BBB', 2],
    ]);
    expect(gates[0]).toMatchObject({
      symbol: 'AAA',
      state_status: 'HOLD',
      gate_status: 'CLOSED',
      halted: null,
    });
    expect(gates[0]?.history.map(({ number, reasons }) => [number, ...reasons])).toEqual([
      ...[1, 2, 3].map((number) => [number, 'denylisted_invalidation:NO_DATA']),
      [4, 'run_failed'],
      [5, 'reset_engine_gap'],
      [6, 'denylisted_invalidation:NO_DATA'],
    ]);
    expect(analyses.map(({ symbol, status, artifacts }) => [symbol, status, artifacts])).toEqual([
      ['AAA', 'SKIPPED', []],
      ['BBB', 'SKIPPED', []],
    ]);
    expect(regimes[0]).toMatchObject({
      regime: 'CHOP_BALANCED',
      from_number: 1,
      to_number: 4,
      persistence: { CHOP_BALANCED: [4] },
      flip_frequency: { flips: 0, updates: 4 },
      time_in_regime: { CHOP_BALANCED: 6 * MINUTE_MS },
    });
    expect(dashboard).toMatchObject({
      as_of_ts_ms: at(7) + 1,
      system: { status: 'DEGRADED' },
      symbols: [
        { symbol: 'AAA', gate: { status: 'CLOSED' }, hysteresis: { summary: { phase: 'RESET' } } },
        { symbol: 'BBB', gate: { status: 'CLOSED', reasons: ['run_failed'] } },
      ],
      telemetry: { staleness: { is_stale: false } },
    });
    const types = (await commitsIn(api.cloud))
      .filter(({ stream }) => stream.startsWith('feed-symbol#'))
      .flatMap(({ events }) => events.map(({ type }) => type))
      .filter((type) => type === 'LayersConfigured');
    expect(types).toHaveLength(2);
  });

  it('run the modules of each symbol on what the gate lets through', async () => {
    const api = await play({ ...layered, state_gate: {} });

    const { gates } = views.FeedGatePage.parse(await read(api, 'gates?symbol=AAA'));
    const { analyses } = views.FeedAnalysisPage.parse(await read(api, 'analysis'));

    expect(gates).toMatchObject([{ state_status: 'READY', gate_status: 'OPEN', reasons: [] }]);
    expect(analyses[0]?.artifacts.map(({ artifact_name: name }) => name).sort()).toEqual([
      'conviction',
      'headline',
      'persistence',
      'regime',
      'shift',
    ]);
    expect(analyses[0]?.artifacts.at(-1)?.payload).toEqual({ headline: 'AAA: CHOP_BALANCED (weak)' });
    expect(analyses[0]?.artifacts[1]?.payload).toMatchObject({ count: 4 });
    expect(analyses[1]?.history.map(({ status, artifact_count: count }) => [status, count])).toEqual([
      ['SUCCESS', 1],
      ['SUCCESS', 1],
      ['SKIPPED', 0],
      ['SKIPPED', 0],
      ['SKIPPED', 0],
    ]);
  });

  it('are paged, found by symbol, and refused for a feed that does not exist', async () => {
    const api = await play();

    const first = views.FeedGatePage.parse(await read(api, 'gates?limit=1'));
    const cursor = encodeURIComponent(String(first.nextCursor));
    const second = views.FeedGatePage.parse(await read(api, `gates?limit=1&cursor=${cursor}`));
    const found = views.FeedGatePage.parse(await read(api, 'gates?symbol=BBB'));

    expect([...first.gates, ...second.gates].map(({ symbol }) => symbol)).toEqual(['AAA', 'BBB']);
    expect(found.gates).toEqual(second.gates);
    expect(await read(api, 'regimes?symbol=CCC')).toEqual({ key: 'stabilized', regimes: [] });
    for (const path of ['symbols', 'gates', 'analysis', 'regimes', 'dashboard'])
      expect((await api.ask('GET', inMain(`/feeds/none/${path}`))).body).toMatchObject({
        code: 'feed_not_found',
      });
    expect((await api.ask('GET', inMain('/feeds/feed/gates?cursor=x'))).body).toMatchObject({
      code: 'invalid_cursor',
    });
    expect((await api.ask('GET', inMain('/feeds/feed/gates?limit=51'))).status).toBe(400);
    expect((await api.ask('GET', inMain('/feeds/feed/regimes?key=other'))).status).toBe(400);
  });

  it('refuse modules that do not exist or cannot be ordered when the feed is created', async () => {
    const api = apiOf(await bootTestCloud());
    const put = async (...enabled_modules: readonly string[]) =>
      (
        await api.ask('PUT', inMain('/feeds/feed'), {
          body: minuteFeed({ analysis_engine: { enabled_modules } }),
        })
      ).body;

    expect(await put('nobody')).toMatchObject({
      code: 'invalid_feed_config',
      message: 'unknown module_id: nobody',
    });
    expect(await put('detector.shift')).toMatchObject({
      message: 'missing dependency for detector.shift: signal.persistence.persistence',
    });
  });

  it('are the same after a rebuild, also when deliveries were lost, doubled and refused', async () => {
    const doubled: FaultRule = {
      service: 'dynamodb',
      operation: 'PutItem',
      resource: 'sluice-dev-views',
      kind: 'lost-answer',
      calls: [4, 9],
    };
    const api = await play(layered, [doubled]);

    const report = await verifyStage(storesOfCloud(api.cloud));

    expect(report).toMatchObject({ isEqual: true, differences: [], unnamedCount: 0 });
    const undisturbed = await play();
    for (const path of ['gates', 'analysis', 'regimes', 'dashboard'])
      expect(await read(api, path)).toEqual(await read(undisturbed, path));
  });
});
