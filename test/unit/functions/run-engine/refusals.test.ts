/** What the engine's function does with messages that do not list their chunks, and with outcomes nobody takes. */
import { describe, expect, it } from 'vitest';
import type { EngineRunsMessage } from '#contracts/market/engine-run.ts';
import type { CommandOutcome } from '#domain/kernel/commit.ts';
import { executeRun } from '#domain/market/execute-run.ts';
import type { Feed } from '#domain/market/feed/state.ts';
import { runEngine } from '#functions/run-engine/run-engine.ts';
import type { RunEnginePorts } from '#functions/run-engine/run-engine.ts';
import { witness } from '#test/support/ledger.ts';
import { batchRecord, demoConfig, FeedHarness, marketEvent } from '#test/support/market-harness.ts';

/** A feed that has planned a run for each of so many seconds, and the messages it owes. */
const planned = (
  seconds: number,
): { readonly feed: FeedHarness; readonly messages: readonly EngineRunsMessage[] } => {
  const feed = new FeedHarness(demoConfig());
  const messages: EngineRunsMessage[] = [];
  for (let second = 1; second <= seconds; second++) {
    feed.ingest([batchRecord(second, marketEvent({ recv_ts_ms: second * 1_000 + 500 }))]);
    messages.push(...feed.messages());
  }
  return { feed, messages };
};

const running = async (
  feed: FeedHarness,
  messages: readonly object[],
  more: Partial<RunEnginePorts> = {},
) => {
  const telemetry = witness();
  const cuts: unknown[] = [];
  let runNo = 0;
  const commits = [{ stream: feed.stream, sequence: 1, events: feed.events }];
  const ports: RunEnginePorts = {
    telemetry,
    ledger: {
      read: (_: string, from: number) => Promise.resolve(from === 1 ? commits : []),
    } as unknown as RunEnginePorts['ledger'],
    mailbox: {
      send: (_, { command }) => {
        const { runs } = command as unknown as { runs: readonly { runNo: number }[] };
        runNo = runs.at(-1)?.runNo ?? runNo;
        return Promise.resolve({ kind: 'committed', state: { runNo } } as never);
      },
    },
    loadFeed: () => Promise.resolve(feed.state),
    loadSymbol: () => Promise.resolve({ runNo } as never),
    readRecords: (_, refs, cut) => {
      cuts.push([refs.length, cut]);
      return Promise.resolve([]);
    },
    execute: executeRun,
    sleep: () => Promise.resolve(),
    nowMs: () => 0,
    configOf: () => Promise.resolve(feed.feed.config),
    ...more,
  };
  const done = runEngine(
    ports,
    messages.map((message) => ({ body: JSON.stringify(message), sentAtMs: 0 })),
  );
  await done.catch(() => undefined);
  return { done, telemetry, cuts, runNo: () => runNo };
};

describe('a message', () => {
  it('that does not list its chunks has them looked up in the ledger of its feed, as far as its cut goes', async () => {
    const { feed, messages } = planned(3);
    const unlisted = messages.map((message) => ({
      ...message,
      chunks: { isComplete: false, fromSequence: 1, refs: [] },
    }));

    const { cuts, telemetry, runNo } = await running(feed, unlisted);

    expect(runNo()).toBe(2);
    expect(cuts).toEqual([
      [1, [1, 1]],
      [1, [2, 2]],
    ]);
    expect(telemetry.counted.get('orchestrator.engine.runs')).toBe(2);
  });

  it('is given back when nobody takes its outcomes', async () => {
    const { feed, messages } = planned(2);
    const refused = {
      kind: 'rejected',
      rejection: { code: 'contention', message: 'busy' },
    } as unknown as CommandOutcome<never>;

    const { done, telemetry } = await running(feed, messages, {
      mailbox: { send: () => Promise.resolve(refused) },
    });

    await expect(done).rejects.toThrow(/refused its runs: busy/);
    expect(telemetry.counted.get('orchestrator.engine.runs')).toBeUndefined();
  });

  it.each([
    ['does not exist', { status: 'none' }],
    ['owes nothing', { status: 'started' }],
  ])('behind a gap is run as it is when its feed %s', async (_, state) => {
    const { feed, messages } = planned(3);

    const { runNo } = await running(feed, messages.slice(-1), {
      loadFeed: () => Promise.resolve(state as Feed),
    });

    expect(runNo()).toBe(2);
  });
});
