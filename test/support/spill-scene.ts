/** The functions of ingestion around one feed in memory: its ledger, its documents, and what was asked of it. */
import type { MarketSymbol } from '#contracts/ids.ts';
import type { FeedCommand } from '#contracts/market/feed.ts';
import type { BufferedRecord } from '#domain/market/chunk.ts';
import type { BatchRecord } from '#domain/market/feed/plan-batch.ts';
import type { StoredCommit } from '#domain/ports/ledger.ts';
import { ingestFeed } from '#functions/shared/ingest-feed.ts';
import { chunkRecords } from '#functions/shared/market-chunks.ts';
import { drainSpill } from '#functions/shared/spill-records.ts';
import type { SpillPorts } from '#functions/shared/spill-records.ts';
import { witness } from '#test/support/ledger.ts';
import { demoConfig, FEED_STREAM, FeedHarness } from '#test/support/market-harness.ts';

export const SHARD = 'shard-0';

/** A feed and what ingestion does to it. */
export class SpillScene {
  readonly feed: FeedHarness;
  readonly documents = new Map<string, string>();
  readonly telemetry = witness();
  /** The types of the commands the feed was asked for. */
  readonly asked: string[] = [];
  /** What the feed answers to its next commands that spill instead of deciding them. */
  refusals: string[] = [];
  /** How often the feed's symbols were asked how far their runs are. */
  symbolLoads = 0;

  constructor(config: Readonly<Record<string, unknown>>) {
    this.feed = new FeedHarness(demoConfig(config));
  }

  /** The ports, some of them replaced. */
  ports(more: Partial<SpillPorts> = {}): SpillPorts {
    return {
      telemetry: this.telemetry,
      ledger: this.ledger,
      mailbox: { send: (_, { command }) => Promise.resolve(this.send(command as never) as never) },
      loadFeed: () => Promise.resolve(this.feed.state),
      reloadFeed: () => Promise.resolve(this.feed.state),
      release: {
        releaseDocument: (stream) => {
          this.documents.delete(stream);
          return Promise.resolve();
        },
      },
      engineDepth: () => Promise.resolve(0),
      sleep: () => Promise.resolve(),
      remainingMs: () => 60_000,
      nowMs: () => 0,
      ...more,
    };
  }

  /** Decides a command as the feed's mailbox does. */
  send(command: FeedCommand): object {
    this.asked.push(command.type);
    const code = command.type === 'SpillRecords' ? this.refusals.shift() : undefined;
    if (code !== undefined)
      return { kind: 'rejected', rejection: { code, message: 'not so' }, state: this.feed.state };
    const events = this.feed.send(command);
    return { kind: events.length > 0 ? 'committed' : 'unchanged', events, state: this.feed.state };
  }

  ingest(records: readonly BatchRecord[]): Promise<void> {
    return ingestFeed(this.ports(), FEED_STREAM, { shardId: SHARD, records });
  }

  async drain(): Promise<void> {
    await drainSpill(this.ports(), this.feed.feed);
  }

  /** Every run that is planned has ended, and the feed knows. */
  acknowledge(): void {
    const known = [...this.feed.feed.symbols].map(([symbol, { runNo }]) => ({
      symbol: symbol as MarketSymbol,
      runNo,
    }));
    const symbols = known.filter(({ runNo }) => runNo > 0);
    if (symbols.length > 0) this.feed.send({ type: 'AcknowledgeRuns', symbols });
  }

  /** The names of the objects that hold spilled records. */
  spills(): readonly string[] {
    return [...this.documents.keys()].filter((stream) => stream.startsWith('spill#'));
  }

  /** Every record the buffer took in, in order. */
  async buffered(): Promise<readonly BufferedRecord[]> {
    const records: BufferedRecord[] = [];
    for (const { type, data } of this.feed.events)
      if (type === 'RecordsIngested')
        records.push(...(await chunkRecords(this.ledger, FEED_STREAM, data['chunk'] as never)));
    return records;
  }

  private get ledger(): SpillPorts['ledger'] {
    return {
      read: (_: string, sequence: number) => Promise.resolve(this.commitsFrom(sequence)),
      tail: () => {
        this.symbolLoads += 1;
        return Promise.resolve({ commits: [], states: [], isWhole: true });
      },
      document: (stream: string) => Promise.resolve(this.documents.get(stream)),
      putDocument: (stream: string, text: string) => {
        this.documents.set(stream, text);
        return Promise.resolve('blob');
      },
    } as unknown as SpillPorts['ledger'];
  }

  private commitsFrom(sequence: number): readonly StoredCommit[] {
    return this.feed.events
      .slice(sequence - 1)
      .map((event) => ({ sequence: event.sequence, events: [event] }) as unknown as StoredCommit);
  }
}
