/** Spilling as the functions do it, with a feed in memory: what others do meanwhile, and what is lost. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { MarketSymbol } from '#contracts/ids.ts';
import type { FeedCommand } from '#contracts/market/feed.ts';
import type { ExistingFeed } from '#domain/market/feed/state.ts';
import type { StoredCommit } from '#domain/ports/ledger.ts';
import { ingestFeed } from '#functions/shared/ingest-feed.ts';
import { drainSpill, spillStream } from '#functions/shared/spill-records.ts';
import type { SpillPorts } from '#functions/shared/spill-records.ts';
import { witness } from '#test/support/ledger.ts';
import {
  batchRecord,
  demoConfig,
  FEED_STREAM,
  FeedHarness,
  marketEvent,
} from '#test/support/market-harness.ts';

const SHARD = 'shard-0';
const record = (sequence: number) =>
  batchRecord(sequence, marketEvent({ recv_ts_ms: sequence * 1_000 + 500 }));
const batch = (...sequences: readonly number[]) => ({ shardId: SHARD, records: sequences.map(record) });

describe('a feed whose buffer is full', () => {
  let feed: FeedHarness;
  let documents: Map<string, string>;
  let telemetry: ReturnType<typeof witness>;
  let asked: string[];
  /** What the feed answers to its next commands instead of deciding them. */
  let refusals: string[];

  const begin = (retention: object = {}): void => {
    const buffer_retention = { max_records: 2, on_full: 'spill', ...retention };
    feed = new FeedHarness(demoConfig({ buffer_retention }));
    feed.ingest([record(1), record(2)]);
  };
  beforeEach(() => {
    begin();
    documents = new Map();
    telemetry = witness();
    asked = [];
    refusals = [];
  });

  const commitsFrom = (sequence: number): readonly StoredCommit[] =>
    feed.events
      .slice(sequence - 1)
      .map((event) => ({ sequence: event.sequence, events: [event] }) as unknown as StoredCommit);

  const send = (command: FeedCommand): object => {
    asked.push(command.type);
    const code = command.type === 'SpillRecords' ? refusals.shift() : undefined;
    if (code !== undefined)
      return { kind: 'rejected', rejection: { code, message: 'not so' }, state: feed.state };
    return { kind: 'committed', events: feed.send(command), state: feed.state };
  };

  const portsOf = (more: Partial<SpillPorts> = {}): SpillPorts => ({
    telemetry,
    ledger: {
      read: (_: string, sequence: number) => Promise.resolve(commitsFrom(sequence)),
      tail: () => Promise.resolve({ commits: [], states: [], isWhole: true }),
      document: (stream: string) => Promise.resolve(documents.get(stream)),
      putDocument: (stream: string, text: string) => {
        documents.set(stream, text);
        return Promise.resolve('blob');
      },
    } as unknown as SpillPorts['ledger'],
    mailbox: { send: (_, { command }) => Promise.resolve(send(command as never) as never) },
    loadFeed: () => Promise.resolve(feed.state),
    reloadFeed: () => Promise.resolve(feed.state),
    removal: {
      removeDocument: (stream) => {
        documents.delete(stream);
        return Promise.resolve();
      },
    },
    engineDepth: () => Promise.resolve(0),
    sleep: () => Promise.resolve(),
    remainingMs: () => 60_000,
    nowMs: () => 0,
    ...more,
  });
  const ingest = (...sequences: readonly number[]) => ingestFeed(portsOf(), FEED_STREAM, batch(...sequences));
  const spills = () => [...documents.keys()].filter((stream) => stream.startsWith('spill#'));
  const makeRoom = (): void => {
    const runNo = feed.feed.symbols.get('AAA')?.runNo ?? 0;
    feed.send({ type: 'AcknowledgeRuns', symbols: [{ symbol: 'AAA' as MarketSymbol, runNo }] });
  };
  /** The feed as somebody knows it who has not heard since. */
  const before = (): ExistingFeed => feed.feed;

  it('spills once, says that it is paused once, and drops what comes again', async () => {
    await ingest(3, 4);
    await ingest(4, 5);
    await ingest(3, 4, 5);

    expect(feed.feed).toMatchObject({ lastSeq: 2, spill: { recordCount: 3 } });
    expect(asked.filter((type) => type === 'SpillRecords')).toHaveLength(2);
    expect(asked.filter((type) => type === 'PauseIngestion')).toHaveLength(1);
    expect(asked.at(-1)).toBe('ConfirmBatch');
    expect(telemetry.counted.get('RecordsSpilled')).toBe(3);
    expect(telemetry.counted.get('RecordsRepeated')).toBe(4);
  });

  it('takes in what waits before what is new, and deletes what it has', async () => {
    await ingest(3);
    await ingest(4);
    makeRoom();
    expect(spills()).toHaveLength(2);

    await ingest(5);

    expect(feed.feed).toMatchObject({ lastSeq: 4, spill: { recordCount: 1 } });
    expect(spills()).toHaveLength(1);
    makeRoom();
    await drainSpill(portsOf(), feed.feed);
    expect(feed.feed.lastSeq).toBe(5);
    expect(feed.feed.spill).toBeUndefined();
    expect(spills()).toEqual([]);
  });

  it('keeps the rest of an object whose first records it had room for', async () => {
    await ingest(3, 4, 5);
    makeRoom();

    await drainSpill(portsOf(), feed.feed);
    expect(feed.feed).toMatchObject({ lastSeq: 4, spill: { recordCount: 1, index: 2 } });
    expect(spills()).toHaveLength(1);
    makeRoom();
    await drainSpill(portsOf(), feed.feed);

    expect(feed.feed.lastSeq).toBe(5);
    expect(spills()).toEqual([]);
  });

  it('goes on when an object it has taken in cannot be deleted', async () => {
    await ingest(3);
    makeRoom();

    const removal = { removeDocument: () => Promise.reject(new Error('not now')) };
    await drainSpill(portsOf({ removal }), feed.feed);

    expect(feed.feed.lastSeq).toBe(3);
    expect(telemetry.logged.at(-1)).toMatchObject({ level: 'warn', fields: { errorMessage: 'not now' } });
  });

  it('spills as much as it may, and gives the rest back', async () => {
    begin({ max_spilled_records: 2 });

    await expect(ingest(3, 4, 5)).rejects.toThrow('capacity exceeded');
    expect(feed.feed.spill?.recordCount).toBe(2);
    await expect(ingest(3, 4, 5)).rejects.toThrow('has 2, at most 2 are taken');
    expect(telemetry.counted.get('market_data.backpressure.count')).toBe(2);
  });

  it('gives all of it back when it blocks', async () => {
    begin({ on_full: 'block' });

    await expect(ingest(3)).rejects.toMatchObject({ code: 'buffer_full' });
    expect(asked).not.toContain('SpillRecords');
    expect(documents.size).toBe(0);
  });

  it('looks again when it moved while a batch was being spilled, a bounded number of times', async () => {
    refusals = ['contention'];
    await ingest(3);
    expect(feed.feed.spill?.recordCount).toBe(1);

    refusals = Array.from({ length: 50 }, () => 'contention');
    await expect(ingest(4)).rejects.toThrow('moved each time a batch was to be spilled');
    expect(asked.filter((type) => type === 'SpillRecords')).toHaveLength(2 + 21);
  });

  it('gives a batch back at once that it refuses to spill', async () => {
    refusals = ['feed_state_conflict'];

    await expect(ingest(3)).rejects.toThrow('refused to spill: not so');
  });

  it('goes on from where others left it when they took in what it was about to', async () => {
    await ingest(3);
    makeRoom();
    const known = before();
    await drainSpill(portsOf(), feed.feed);

    const after = await drainSpill(portsOf(), known);

    expect(after.lastSeq).toBe(3);
    expect(after.spill).toBeUndefined();
  });

  it('says that records that wait are not there, or that no event tells of them, and leaves them waiting', async () => {
    await ingest(3);
    makeRoom();
    documents.clear();

    const spill = { sequence: 999, index: 0, recordCount: 1, sinceMs: 0 };
    for (const [waiting, detail] of [
      [feed.feed, /^spilled records .* are missing$/],
      [{ ...feed.feed, spill }, /^no event of /],
    ] as const) {
      const telemetry = witness();

      const after = await drainSpill({ ...portsOf(), telemetry }, waiting);

      expect(after.spill).toEqual(waiting.spill);
      expect(telemetry.counted.get('IngestionFailures')).toBe(1);
      expect(telemetry.logged).toMatchObject([
        {
          level: 'warn',
          message: 'orchestrator.failure',
          fields: {
            failure_domain: 'ingest',
            error_kind: 'spill_unreadable',
            error_detail: expect.stringMatching(detail) as string,
          },
        },
      ]);
    }
  });

  it('names its objects by their content under the feed', async () => {
    await ingest(3);

    const [event] = feed.events.filter(({ type }) => type === 'RecordsSpilled');
    expect(spills()).toEqual([spillStream(FEED_STREAM, String(event?.data['hash']))]);
    expect(spills()[0]).toMatch(/^spill#acme\/prod\/demo#[0-9a-f]{64}$/);
  });
});
