/** The failure domains of a feed, and pressure both ways, in the running cloud: what /ready, health and events say. */
import { describe, expect, it } from 'vitest';

import type { FaultRule } from '#local/dispatch/faults.ts';
import {
  engineRuns,
  marketEvent,
  minuteFeed,
  published,
  putRecords,
  readFeed,
  startFeed,
  trade,
} from '#test/support/cloud-market.ts';
import type { Put } from '#test/support/cloud-market.ts';
import { commitsIn } from '#test/support/cloud-stores.ts';
import { apiOf, bootTestCloud, inMain, START_MS } from '#test/support/cloud.ts';
import type { Api } from '#test/support/cloud.ts';

const MINUTE_MS = 60_000;

const stage = async (config: object, faults: readonly FaultRule[] = []): Promise<Api> => {
  const api = apiOf(await bootTestCloud({ faults }));
  await startFeed(api, 'feed', minuteFeed(config));
  return api;
};
const ready = async (api: Api) => {
  const { status, body } = await api.ask('GET', '/ready', { bearer: null });
  return { status, feeds: body['feeds'] ?? [] };
};
const health = (api: Api) => api.must('GET', inMain('/feeds/feed/health'));
const eventTypes = async ({ cloud }: Api): Promise<readonly string[]> =>
  (await commitsIn(cloud))
    .filter(({ stream }) => stream === 'feed#local/main/feed')
    .flatMap(({ events }) => events.map(({ type }) => type));
const metric = ({ cloud }: Api, name: string): number =>
  cloud.logged
    .filter((line) => line.startsWith('{'))
    .reduce((sum, line) => sum + Number((JSON.parse(line) as Record<string, unknown>)[name] ?? 0), 0);
const move = (api: Api, call: string) => api.ask('POST', inMain(`/feeds/feed/${call}`));

/** Snapshot inputs whose vetoes leave nobody when the thresholds of `contradictory` are on. */
const inputs = (symbol: string, boundaryMs: number, recvTsMs: number, acceptance_score: number): Put =>
  marketEvent({ symbol, recvTsMs }, 'SnapshotInputs', {
    timestamp_ms: boundaryMs,
    market: { price: 1, acceptance_score, atr_z: 0, range_expansion: 0 },
    derivatives: { oi_slope_short: 0, oi_slope_med: 0 },
  });
const contradictory = {
  vetoes: {
    acceptance_high_min: 0.9,
    oi_flat_max: 1,
    atr_compressed_max: { atr_z: 1, range_expansion: 1 },
  },
};

describe('a buffer that cannot be written', () => {
  it('degrades the feed after three tries, which is then not ready, and heals with the first batch it keeps', async () => {
    // Creating the feed and auditing it are the first appends; the tries of the batch are the next ones.
    const failing: FaultRule = {
      service: 'dynamodb',
      operation: 'PutItem',
      resource: 'sluice-dev-ledger',
      kind: 'throttle',
      calls: [3, 4, 5],
    };
    const api = await stage({}, [failing]);
    await putRecords(api.cloud, [trade('AAA', START_MS)]);

    await api.cloud.advance(299);
    expect(await eventTypes(api)).toEqual(['FeedCreated', 'FeedStarted']);
    await api.cloud.advance(1);
    expect((await eventTypes(api)).slice(2)).toEqual(['FeedDegraded']);
    expect(await health(api)).toMatchObject({ ready: false, state: 'degraded', ingestion_paused: true });
    expect(await ready(api)).toMatchObject({ status: 503, feeds: [{ feedId: 'feed', state: 'degraded' }] });
    await api.cloud.advance(2 * MINUTE_MS);

    expect((await eventTypes(api)).slice(2, 5)).toEqual(['FeedDegraded', 'FeedRecovered', 'RecordsIngested']);
    expect(await ready(api)).toEqual({ status: 200, feeds: [] });
    expect(metric(api, 'orchestrator.buffer.append_failures')).toBe(1);
  });
});

describe('ingestion that fails', () => {
  it('is tried three times, says so and leaves the feed as it is, and the records are taken when they come again', async () => {
    const unanswered: FaultRule = {
      service: 'sqs',
      operation: 'GetQueueAttributes',
      kind: 'server-error',
      calls: [1, 2, 3],
    };
    const api = await stage({}, [unanswered]);
    await putRecords(api.cloud, [trade('AAA', START_MS)]);

    await api.cloud.advance(299);
    expect(metric(api, 'IngestionFailures')).toBe(0);
    await api.cloud.advance(1);
    expect(metric(api, 'IngestionFailures')).toBe(1);
    expect(await ready(api)).toEqual({ status: 200, feeds: [] });
    expect(await eventTypes(api)).toEqual(['FeedCreated', 'FeedStarted']);
    expect(api.cloud.logged.filter((line) => line.includes('"failure_domain":"ingest"'))).toHaveLength(1);
    await api.cloud.advance(MINUTE_MS);

    expect(await eventTypes(api)).toEqual(['FeedCreated', 'FeedStarted', 'RecordsIngested']);
    expect(await readFeed(api)).toMatchObject({ recordCount: 1, state: 'started' });
  });
});

describe('an engine that cannot answer', () => {
  it('fails that run and goes on with the next one and with other symbols', async () => {
    const api = await stage({ engine_options: contradictory, emit_skipped: false });
    const at = (minute: number): number => START_MS + minute * MINUTE_MS;
    await putRecords(api.cloud, [
      inputs('AAA', at(1), at(0) + 1, 1),
      inputs('BBB', at(1), at(0) + 2, 0),
      inputs('AAA', at(2), at(1) + 1, 0),
      inputs('BBB', at(2), at(1) + 2, 0),
      trade('AAA', at(2) + 1),
    ]);
    await api.cloud.settle();

    const runs = (await engineRuns(api)).map(
      (run) => `${run.symbol} ${run.status} ${String(run.error_kind)}`,
    );
    expect(runs.sort()).toEqual([
      'AAA completed null',
      'AAA failed engine_failure',
      'BBB completed null',
      'BBB completed null',
    ]);
    expect(await ready(api)).toEqual({ status: 200, feeds: [] });
    expect(metric(api, 'EngineRunsFailed')).toBe(1);
  });
});

describe('a buffer without room', () => {
  it('leaves records in their stream, says so, and takes them when runs have freed it', async () => {
    const api = await stage({ clock: 'arrival', buffer_retention: { max_records: 5 } });
    await putRecords(
      api.cloud,
      Array.from({ length: 9 }, (_, index) => trade('AAA', START_MS + index)),
    );
    await api.cloud.settle();

    expect(await readFeed(api)).toMatchObject({ recordCount: 5, ingestionPaused: true });
    expect(await health(api)).toEqual({
      ready: false,
      state: 'running',
      ingestion_paused: true,
      scheduling_paused: false,
    });
    expect(await ready(api)).toMatchObject({
      status: 503,
      feeds: [{ feedId: 'feed', ready: false, ingestion_paused: true }],
    });

    await api.cloud.advance(5 * MINUTE_MS);

    expect(await readFeed(api)).toMatchObject({ recordCount: 9, ingestionPaused: false });
    expect(await ready(api)).toEqual({ status: 200, feeds: [] });
    const types = await eventTypes(api);
    expect(types.filter((type) => type === 'IngestionPaused')).toHaveLength(1);
    expect(types.filter((type) => type === 'IngestionResumed')).toHaveLength(1);
    expect(metric(api, 'orchestrator.backpressure.count')).toBeGreaterThan(0);
  });
});

describe('outputs that are halted', () => {
  it('hold back what is planned, make the feed unready, and let everything go on when it is resumed', async () => {
    const refused: FaultRule = { service: 'kinesis', operation: 'PutRecord', kind: 'throttle', hitsMax: 100 };
    const api = await stage({ emit_skipped: false }, [
      { ...refused, resource: 'sluice-dev-orchestrator-events' },
    ]);
    const at = (minute: number): number => START_MS + minute * MINUTE_MS;
    await putRecords(api.cloud, [inputs('AAA', at(1), at(0) + 1, 0), inputs('AAA', at(2), at(1) + 1, 0)]);
    await api.cloud.advance(20 * MINUTE_MS);

    expect(await ready(api)).toMatchObject({ status: 503, feeds: [{ scheduling_paused: true }] });
    await putRecords(api.cloud, [trade('AAA', at(2) + 1)]);
    await api.cloud.advance(2 * MINUTE_MS);
    expect(await engineRuns(api)).toHaveLength(1);
    expect(await published(api.cloud)).toEqual([]);

    const body = { reason: 'the stream has shards again' };
    expect((await api.ask('POST', inMain('/feeds/feed/resume'), { body })).status).toBe(200);
    await api.cloud.advance(10 * MINUTE_MS);

    expect(await engineRuns(api)).toHaveLength(2);
    expect(await published(api.cloud)).toHaveLength(4);
    expect(await ready(api)).toEqual({ status: 200, feeds: [] });
  });
});

describe('the life of a feed over HTTP', () => {
  it('goes from running to drained, to another configuration, to running again and to stopped', async () => {
    const api = await stage({ emit_skipped: false });
    const at = (minute: number): number => START_MS + minute * MINUTE_MS;
    await putRecords(api.cloud, [inputs('AAA', at(1), at(0) + 1, 0), trade('AAA', at(1) + 1)]);
    await api.cloud.settle();

    expect((await move(api, 'start')).body).toMatchObject({ code: 'feed_state_conflict' });
    const other = minuteFeed({ emit_skipped: true });
    expect((await api.ask('PUT', inMain('/feeds/feed'), { body: other })).body).toMatchObject({
      code: 'feed_exists',
    });
    expect((await move(api, 'drain')).body).toMatchObject({ state: 'drained' });
    expect(await ready(api)).toEqual({ status: 200, feeds: [] });
    expect((await api.ask('PUT', inMain('/feeds/feed'), { body: other })).status).toBe(200);
    expect((await move(api, 'start')).body).toMatchObject({ state: 'started', config: other });
    expect((await move(api, 'stop')).status).toBe(200);
    expect((await move(api, 'stop')).status).toBe(200);
    expect((await move(api, 'start')).status).toBe(409);
    expect(await health(api)).toMatchObject({ ready: false, state: 'stopped' });
    expect((await api.ask('POST', inMain('/feeds/none/drain'))).status).toBe(404);
    expect((await apiOf(api.cloud, { role: 'viewer' }).ask('POST', inMain('/feeds/feed/stop'))).status).toBe(
      403,
    );
  });

  it('sends what arrives for a drained feed to the dead letters, with the reason', async () => {
    const api = await stage({});
    await move(api, 'drain');
    await api.cloud.settle();
    await putRecords(api.cloud, [trade('AAA', START_MS)]);
    await api.cloud.settle();

    const { Messages } = await api.cloud.call('sqs', 'ReceiveMessage', {
      QueueUrl: 'http://127.0.0.1/000000000000/sluice-dev-market-dead-letters',
    });
    expect(JSON.stringify(Messages)).toContain('unlisted_source');
    expect(await readFeed(api)).toMatchObject({ recordCount: 0 });
  });
});

describe('hysteresis, live', () => {
  it('publishes what it decided between start and completion, and remembers it from run to run', async () => {
    const api = await stage({ engine: { engine_mode: 'hysteresis' }, emit_skipped: false });
    const at = (minute: number): number => START_MS + minute * MINUTE_MS;
    for (let minute = 0; minute < 3; minute++) {
      await putRecords(api.cloud, [
        inputs('AAA', at(minute + 1), at(minute) + 1, 0),
        trade('AAA', at(minute + 1) + 1),
      ]);
      await api.cloud.settle();
    }

    const events = await published(api.cloud);
    expect(events.map(({ event_type: type }) => type).slice(0, 3)).toEqual([
      'EngineRunStarted',
      'HysteresisDecisionPublished',
      'EngineRunCompleted',
    ]);
    expect(events).toHaveLength(9);
    expect(events[0]).toMatchObject({ engine_mode: 'hysteresis' });
    const runs = await engineRuns(api);
    expect(runs.map(({ engine_mode: mode, status }) => `${mode} ${status}`)).toEqual(
      Array.from({ length: 3 }, () => 'hysteresis completed'),
    );
  });
});

describe('an engine whose queue does not move', () => {
  it('holds back what is planned when a run is too old, within seconds, and lets it go on as soon', async () => {
    const limitMs = 20_000;
    // The chunk of the first run cannot be read once: its message comes back when its visibility ends.
    const unread: FaultRule = {
      service: 'dynamodb',
      operation: 'GetItem',
      resource: 'sluice-dev-ledger',
      kind: 'server-error',
      hitsMax: 1,
    };
    const config = { clock: 'arrival', emit_skipped: false, output_publish: { max_block_ms: limitMs } };
    const api = await stage(config, [unread]);
    for (const minutes of [1.5, 8]) {
      await putRecords(api.cloud, [trade('AAA', api.cloud.clock.nowMs())]);
      await api.cloud.advance(minutes * MINUTE_MS);
    }

    const events = (await commitsIn(api.cloud)).flatMap((commit) => commit.events);
    const atMs = (wanted: string) => events.find(({ type }) => type === wanted)?.occurredAtMs ?? 0;
    const pausedAfterMs = atMs('SchedulingPaused') - atMs('TicksPlanned');
    expect(pausedAfterMs).toBeGreaterThan(limitMs);
    expect(pausedAfterMs).toBeLessThan(limitMs + 10_000);
    const resumedAfterMs = atMs('SchedulingResumed') - atMs('EngineRunFailed');
    expect(resumedAfterMs).toBeGreaterThan(0);
    expect(resumedAfterMs).toBeLessThan(10_000);
    expect((await engineRuns(api)).map(({ status }) => status)).toEqual(['failed', 'failed']);
    expect(await readFeed(api)).toMatchObject({ schedulingPaused: false });
  });
});
