import { describe, expect, it } from 'vitest';

import type { FaultRule } from '#local/dispatch/faults.ts';
import type { MappingFaults } from '#local/mapping/mapping.ts';
import { demoTape } from '#tools/tape/demo-tape.ts';
import { FeedBufferPage, FeedOutputPage, replayLimits } from '#contracts/market/feed-replay.ts';
import { executeRun } from '#domain/market/execute-run.ts';
import { captureFeed } from '#cli/feed/capture-feed.ts';
import { listFeedBuffer } from '#functions/api-feeds/feed-buffer.ts';
import { replayFeed } from '#functions/api-feeds/feed-outputs.ts';
import type { ApiRequest, Operation } from '#functions/shared/http.ts';
import { ledgerOf } from '#test/support/cloud-stores.ts';
import { apiOf, bootTestCloud, inMain, insist } from '#test/support/cloud.ts';
import type { Api } from '#test/support/cloud.ts';
import { published, readFeed, startFeed, trade } from '#test/support/cloud-market.ts';
import { demoRecords, play } from '#test/support/demo-market.ts';
import { captureOf, everyPage, hashOf, saidBy, simulated } from '#test/support/feed-replay.ts';
import { person } from '#test/support/principals.ts';

const MINUTE_MS = 60_000;

const hysteresis = (engine_options: object) => ({
  engine: { engine_mode: 'hysteresis' },
  engine_options,
});

interface Mode {
  readonly name: string;
  readonly over: object;
  readonly recordCount?: number;
  /** Whether some ticks find nothing new. */
  readonly isSilent?: boolean;
}

const modes: readonly Mode[] = [
  { name: 'truth', over: {} },
  {
    name: 'a timer with silent ticks',
    over: {
      scheduler: { mode: 'timer', timer_interval_ms: 4_000 },
      ...hysteresis({ snapshot_source: 'composer', hysteresis: 'decision' }),
    },
    recordCount: 240,
    isSilent: true,
  },
  { name: 'decision hysteresis', over: hysteresis({ hysteresis: 'decision' }) },
  { name: 'belief hysteresis', over: hysteresis({ hysteresis: 'belief' }) },
  {
    name: 'the composer with remembered candles',
    over: hysteresis({
      snapshot_source: 'composer',
      hysteresis: 'belief',
      candle_window: 64,
      deduplicate: true,
    }),
  },
];

const kinds = ['lost-answer', 'throttle', 'duplicate'] as const;
const operations = [
  ['dynamodb', 'PutItem'],
  ['dynamodb', 'Query'],
  ['sqs', 'SendMessageBatch'],
  ['kinesis', 'PutRecord'],
] as const;
const faults: readonly FaultRule[] = operations.flatMap(([service, operation]) =>
  kinds.map((kind) => ({ service, operation, kind, probability: 0.08, hitsMax: 10 })),
);

/** Batches come again, in other parts, and after their work was done; not for ever. */
const misbehave = ({ cloud }: Api): void => {
  for (const mapping of cloud.mappings.values()) {
    let left = 12;
    const atMost = (hit: boolean): boolean => hit && left-- > 0;
    const rules: MappingFaults = {
      redeliver: ({ delivery }) => atMost(delivery % 3 === 0),
      take: ({ delivery }) => 1 + ((delivery * 7) % 60),
      loseAnswer: ({ delivery }) => atMost(delivery % 2 === 0),
    };
    mapping.inject(rules);
  }
};

/** Lets time pass until every planned run has been said and told. */
const settleAll = async (api: Api): Promise<void> => {
  for (let minutes = 0; minutes < 40; minutes += 2) {
    await api.cloud.advance(2 * MINUTE_MS);
    const events = (await published(api.cloud)).filter(({ event_type }) => event_type !== 'EngineRunSkipped');
    const ended = new Set(events.map(({ run_id }) => run_id));
    if (ended.size > 0 && ended.size === (await readFeed(api, 'demo')).plannedRunCount) return;
  }
  throw new Error('the feed did not come to rest');
};

const played = async (over: object, rules: readonly FaultRule[] = [], recordCount = 700): Promise<Api> => {
  const api = apiOf(await bootTestCloud({ faults: rules, seed: 3 }));
  await insist(api, () => startFeed(api, 'demo', { ...demoTape().feed, ...over }));
  await api.cloud.advance(MINUTE_MS);
  if (rules.length > 0) misbehave(api);
  await play(api, (await demoRecords()).slice(0, recordCount), 150);
  await settleAll(api);
  return api;
};

describe('a feed that met throttles, lost answers and redeliveries', () => {
  it.each(modes)(
    'says, recorded, replays and simulates one and the same: $name',
    async ({ over, recordCount, isSilent = false }) => {
      const api = await played(over, faults, recordCount);
      expect(api.cloud.counts().faults).toBeGreaterThan(0);

      const live = await published(api.cloud);
      const recorded = await saidBy(api, 'outputs');
      const replayed = await saidBy(api, 'replay', { limit: 3 });
      const simulation = simulated(await captureOf(api, 97));

      expect(live.length).toBeGreaterThan(recorded.length);
      expect(recorded.some(({ event_type }) => event_type === 'EngineRunCompleted')).toBe(true);
      const isSkipping = recorded.some(({ event_type }) => event_type === 'EngineRunSkipped');
      expect(isSkipping).toBe(isSilent);
      expect(replayed).toEqual(recorded);
      expect([hashOf(live), hashOf(recorded), hashOf(replayed)]).toEqual(
        Array.from({ length: 3 }, () => simulation.hash),
      );
    },
  );
});

describe('pages of what a feed said', () => {
  it.each(['outputs', 'replay'] as const)('are the same whatever their length: %s', async (list) => {
    const api = await played({ emit_skipped: true });
    const whole = await saidBy(api, list, { limit: 200 });

    expect(whole).toHaveLength(30);
    for (const limit of [1, 2, 5]) expect(await saidBy(api, list, { limit })).toEqual(whole);
  });

  it.each(['outputs', 'replay'] as const)('hold both ends of what is asked for: %s', async (list) => {
    const api = await played({});
    const whole = await saidBy(api, list);
    const stamps = [...new Set(whole.map((event) => event.engine_timestamp_ms))];
    const [, from = 0, to = 0] = stamps;
    const within = (first: number, last: number) =>
      whole.filter(({ engine_timestamp_ms: at }) => at >= first && at <= last);

    expect(await saidBy(api, list, { from, to, limit: 2 })).toEqual(within(from, to));
    expect(within(from, to).length).toBeGreaterThan(6);
    expect(await saidBy(api, list, { from: from + 1, to: to - 1 })).toEqual([]);
    expect(await saidBy(api, list, { from: to })).toEqual(within(to, Infinity));
    expect(await saidBy(api, list, { to: from })).toEqual(within(0, from));
  });

  it('refuse a cursor of another window, list or feed, and what is no instant', async () => {
    const api = await played({});
    await startFeed(api, 'other', demoTape().feed);
    const first = await api.must('GET', inMain('/feeds/demo/replay?limit=1'));
    const cursor = encodeURIComponent(String(first['nextCursor']));

    for (const path of [
      `/feeds/demo/replay?from=1&cursor=${cursor}`,
      `/feeds/demo/outputs?cursor=${cursor}`,
      `/feeds/demo/buffer?cursor=${cursor}`,
      `/feeds/other/replay?cursor=${cursor}`,
    ])
      expect([path, await api.ask('GET', inMain(path))]).toMatchObject([
        path,
        { body: { code: 'invalid_cursor' } },
      ]);
    for (const query of ['from=-1', 'to=1.5', 'from=2&to=1', 'limit=0', 'limit=201', 'form=1'])
      expect(await api.ask('GET', inMain(`/feeds/demo/replay?${query}`))).toMatchObject({ status: 400 });
    expect(await api.ask('GET', inMain('/feeds/demo/buffer?limit=5001'))).toMatchObject({ status: 400 });
  });

  it.each(['outputs', 'replay', 'buffer'])('are refused for a feed there is not: %s', async (list) => {
    const api = apiOf(await bootTestCloud());

    expect(await api.ask('GET', inMain(`/feeds/none/${list}`))).toMatchObject({
      status: 404,
      body: { code: 'feed_not_found' },
    });
  });

  it('are one that is empty for a feed that has said nothing', async () => {
    const api = apiOf(await bootTestCloud());
    await startFeed(api, 'demo', demoTape().feed);

    expect(await api.must('GET', inMain('/feeds/demo/outputs'))).toEqual({ events: [] });
    expect(await api.must('GET', inMain('/feeds/demo/replay'))).toEqual({ events: [] });
    const capture = await captureOf(api);
    expect([capture.header?.record_count, capture.records]).toEqual([0, []]);
    expect(simulated(capture)).toEqual({ answers: [], hash: hashOf([]) });
  });

  it('are told to a viewer of the workspace and to nobody else', async () => {
    const { cloud } = await played({});

    for (const list of ['outputs', 'replay', 'buffer']) {
      const path = inMain(`/feeds/demo/${list}?limit=1`);
      expect((await apiOf(cloud, { role: 'viewer', workspaceId: 'main' }).ask('GET', path)).status).toBe(200);
      expect((await apiOf(cloud, { workspaceId: 'other' }).ask('GET', path)).status).toBe(404);
    }
  });
});

describe('a capture', () => {
  const captured = async () => {
    const api = apiOf(await bootTestCloud());
    await startFeed(api, 'demo', demoTape().feed);
    await play(api, (await demoRecords()).slice(0, 600));
    return { api, capture: await captureOf(api, 50) };
  };

  it('taken while a tape plays ends with the last cut of its first page, and simulates to what was said by then', async () => {
    const { api } = await captured();
    const records = await demoRecords();
    const first = FeedBufferPage.parse(await api.must('GET', inMain('/feeds/demo/buffer?limit=50')));
    const before = await saidBy(api, 'outputs');
    await play(api, records.slice(600, 1_000));

    const rest = await everyPage(api, '/feeds/demo/buffer', { cursor: String(first.nextCursor) });

    const texts = [first.records, ...rest.map((page) => page['records'] as readonly object[])].flat();
    const capture = { header: first.capture, records: texts.map((record) => JSON.stringify(record)) };
    expect(capture.records).toHaveLength(Number(first.capture?.record_count));
    expect(simulated(capture).hash).toBe(hashOf(before));
    expect(hashOf(await saidBy(api, 'outputs'))).not.toBe(hashOf(before));
  });

  it('that was tampered with simulates to another hash', async () => {
    const { api, capture } = await captured();
    const hash = hashOf(await saidBy(api, 'outputs'));
    const at = capture.records.findIndex((text) => text.includes('"SnapshotInputs"'));
    const tampered = capture.records.with(
      at,
      (capture.records[at] ?? '').replace('SnapshotInputs', 'Snapshot'),
    );

    expect(simulated(capture).hash).toBe(hash);
    expect(simulated({ ...capture, records: tampered }).hash).not.toBe(hash);
  });

  it('that lost its last line, or one within, or was given another, is refused and has no hash', async () => {
    const { capture } = await captured();
    const { records } = capture;

    for (const other of [records.slice(0, -1), records.toSpliced(7, 1), [...records, more(records)]]) {
      const { answers, hash } = simulated({ ...capture, records: other });
      expect(hash).toBeUndefined();
      expect(answers.at(-1)).toMatchObject({ error: { code: 'invalid_buffer_record' } });
    }
  });

  it('of a feed whose configuration changed on the way is refused, and its replay is what was said', async () => {
    const { api } = await captured();
    await api.must('POST', inMain('/feeds/demo/drain'));
    await api.cloud.advance(20 * MINUTE_MS);
    await api.must('PUT', inMain('/feeds/demo'), {
      ...demoTape().feed,
      ...hysteresis({ hysteresis: 'decision' }),
    });
    await api.must('POST', inMain('/feeds/demo/start'));
    await api.cloud.settle();
    await play(api, (await demoRecords()).slice(600, 1_000));

    expect((await captureOf(api)).header).toBeUndefined();
    const recorded = await saidBy(api, 'outputs', { limit: 4 });
    expect(new Set(recorded.map((event) => event.engine_mode))).toEqual(new Set(['truth', 'hysteresis']));
    expect(await saidBy(api, 'replay', { limit: 4 })).toEqual(recorded);
  });
});

/** The last record once more, one later. */
const more = (records: readonly string[]): string => {
  const last = JSON.parse(records.at(-1) ?? '') as { readonly ingest_seq: number };
  return JSON.stringify({ ...last, ingest_seq: last.ingest_seq + 1 });
};

describe('runs without an outcome', () => {
  it('end what is told before them, and are named', async () => {
    const api = apiOf(await bootTestCloud());
    await startFeed(api, 'demo', demoTape().feed);
    const records = await demoRecords();
    await play(api, records.slice(0, 400));
    const before = await saidBy(api, 'replay');
    [...api.cloud.mappings].find(([id]) => id.includes('EngineRuns'))?.[1].stop();
    await play(api, records.slice(400, 600));

    const page = FeedOutputPage.parse(await api.must('GET', inMain('/feeds/demo/replay')));

    expect(page.unfinished).toMatchObject({ run_id: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(page.nextCursor).toBeUndefined();
    expect(page.events).toEqual(before);
    expect(before.map(({ run_id }) => run_id)).not.toContain(page.unfinished?.run_id);
  });
});

describe('a page that is full', () => {
  const request = (query: Readonly<Record<string, string>>): ApiRequest => ({
    requestId: 'request',
    principal: person({ tenantId: 'local', workspaceId: 'main', role: 'viewer' }),
    bearer: undefined,
    path: { workspaceId: 'main', feedId: 'demo' },
    query,
    idempotencyKey: undefined,
    body: undefined,
    baseUrl: '',
  });
  const pagesOf = async (operation: Operation): Promise<readonly Readonly<Record<string, unknown>>[]> => {
    const pages: Readonly<Record<string, unknown>>[] = [];
    let cursor: string | undefined;
    do {
      const { body } = await operation(request(cursor === undefined ? {} : { cursor }));
      const page: unknown = typeof body === 'string' ? JSON.parse(body) : body;
      pages.push(page as Readonly<Record<string, unknown>>);
      cursor = (page as { readonly nextCursor?: string }).nextCursor;
    } while (cursor !== undefined);
    return pages;
  };
  const small = async () => {
    const api = apiOf(await bootTestCloud());
    await startFeed(api, 'demo', demoTape().feed);
    await play(api, (await demoRecords()).slice(0, 400), 100);
    return { api, ledger: ledgerOf(api.cloud), whole: await saidBy(api, 'outputs') };
  };

  it.each([{ pageCharactersMax: 1 }, { chunkBytesMax: 1 }, { eventsMax: 1 }])(
    'ends behind the run that filled it, and the next one misses nothing: %o',
    async (bound) => {
      const { ledger, whole } = await small();
      const pages = await pagesOf(
        replayFeed({ ledger, execute: executeRun, bounds: { ...replayLimits, ...bound } }),
      );

      expect(pages.length).toBeGreaterThan(3);
      expect(pages.flatMap((page) => FeedOutputPage.parse(page).events)).toEqual(whole);
    },
  );

  it('ends behind the record that filled it', async () => {
    const { api, ledger } = await small();
    const pages = await pagesOf(listFeedBuffer({ ledger, bounds: { pageCharactersMax: 1 } }));

    const { header, records } = await captureOf(api);
    expect(pages).toHaveLength(Number(header?.record_count));
    expect(
      pages.flatMap((page) => page['records'] as readonly object[]).map((one) => JSON.stringify(one)),
    ).toEqual(records);
  });

  it('of the buffer has every event as it was received, and so has a capture', async () => {
    const api = apiOf(await bootTestCloud());
    await startFeed(api);
    const plain = trade('AAA', 1_000).data as string;
    const events = [
      plain.replace('"raw_payload"', '"trade_id":9007199254740993,"raw_payload"'),
      plain.replace('"price":100', '"price":9007199254740993'),
      plain.replace('"price":100', '"price": 100.0,"odd":[1e999,1E2,0.1000000000000000055],"odd":-0'),
    ];
    await play(
      api,
      [...events, plain.replaceAll('1000', '61000')].map((data) => ({ data, partitionKey: 'venue|AAA|x' })),
    );
    const list = listFeedBuffer({ ledger: ledgerOf(api.cloud), bounds: replayLimits });
    const open = async () => {
      const { body } = await list({ ...request({}), path: { workspaceId: 'main', feedId: 'feed' } });
      return new Response(body as string);
    };
    const lines: unknown[] = [];

    await captureFeed({ open }, 'feed', (line) => Promise.resolve(void lines.push(line)));

    const kept = lines.slice(1).map((line) => String(line).replace(/^.*?"event":/, ''));
    expect(kept.slice(0, 3)).toEqual(events.map((event) => `${event}}`));
    expect(await api.must('GET', inMain('/feeds/feed/buffer'))).toMatchObject({
      records: expect.arrayContaining([expect.objectContaining({ ingest_seq: 3 })]),
    });
  });

  it('tells what the engine says now, and not what was recorded', async () => {
    const { ledger, whole } = await small();
    const silent: typeof executeRun = () => ({
      outcome: { kind: 'failed', errorKind: 'engine_failure', errorDetail: 'another engine' },
      memory: {},
    });

    const [page] = await pagesOf(replayFeed({ ledger, execute: silent, bounds: replayLimits }));

    const ends = FeedOutputPage.parse(page).events.filter(
      ({ event_type }) => event_type !== 'EngineRunStarted',
    );
    expect(ends).toHaveLength(whole.length / 2);
    const kept = whole.filter(({ event_type }) => event_type === 'EngineRunFailed');
    expect(ends.filter((event) => JSON.stringify(event.payload).includes('another engine'))).toHaveLength(
      ends.length - kept.length,
    );
  });
});
