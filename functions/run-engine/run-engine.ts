/**
 * Runs the regime engine for planned runs of one feed and symbol, in order, and records the outcomes: one commit
 * for many runs. A run is never skipped: when an earlier one is missing, its message was lost, and what is missing
 * is read from the feed's ledger, which is the authority for replay.
 */
import { EngineRunsMessage } from '#contracts/market/engine-run.ts';
import type { PlannedRun } from '#contracts/market/engine-run.ts';
import type { FeedConfig } from '#contracts/market/feed-config.ts';
import type { FeedSymbolCommand, FinishedRun } from '#contracts/market/feed-symbol.ts';
import type { FeedSymbolState } from '#contracts/market/feed-state.ts';
import { feedSymbolAggregate } from '#domain/market/feed-symbol/feed-symbol.ts';
import { layersOf } from '#domain/market/layers/config.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { runsToResend } from '#domain/market/feed/resend.ts';
import type { ExistingFeed, Feed } from '#domain/market/feed/state.ts';
import { feedSymbolStream, parseFeedStream } from '#domain/market/streams.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import { finishRuns } from '#functions/run-engine/finish-runs.ts';
import type { FinishPorts } from '#functions/run-engine/finish-runs.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { chunksToRead } from '#functions/shared/market-chunks.ts';
import type { ReadRecords } from '#functions/shared/market-chunks.ts';
import { readEvents } from '#functions/shared/read-events.ts';

export interface RunEnginePorts extends FinishPorts {
  readonly ledger: LedgerReader;
  readonly mailbox: Mailbox;
  readonly loadFeed: (stream: string) => Promise<Feed>;
  /** The configuration under which the runs of a message were planned. */
  readonly configOf: (
    message: Pick<EngineRunsMessage, 'feedStream' | 'configSequence'>,
  ) => Promise<FeedConfig>;
  readonly loadSymbol: (stream: string) => Promise<FeedSymbolState>;
  readonly readRecords: ReadRecords;
  readonly telemetry: Telemetry;
}

/** Runs and bytes of one commit: with what is published of them it stays below 256 KB. */
const RUNS_PER_COMMIT_MAX = 40;
const BYTES_PER_COMMIT_MAX = 40_000;

/** A message of the queue and when it was sent. */
export interface SentMessage {
  readonly body: string;
  readonly sentAtMs: number;
}

/** Works off the messages of one group, which are of one feed and symbol, in order. */
export const runEngine = async (ports: RunEnginePorts, sent: readonly SentMessage[]): Promise<void> => {
  for (const { body, sentAtMs } of sent) {
    const message = EngineRunsMessage.parse(JSON.parse(body));
    const stream = feedSymbolStream({ ...parseFeedStream(message.feedStream), symbol: message.symbol });
    const { runNo } = await ports.loadSymbol(stream);
    const first = message.runs.find((run) => run.runNo > runNo);
    if (!first) continue;
    const config = await ports.configOf(message);
    await tellAge(ports, config, { message, sentAtMs });
    if (first.runNo > runNo + 1) await runMissing(ports, config, { message, stream, runNo });
    await runMessage(ports, config, { message, stream });
  }
};

/** A message that has waited for longer than the feed allows tells it to hold back what it plans from now on. */
const tellAge = async (
  { mailbox, nowMs }: RunEnginePorts,
  { output_publish: { max_block_ms: limit } }: FeedConfig,
  { message, sentAtMs }: { readonly message: EngineRunsMessage; readonly sentAtMs: number },
): Promise<void> => {
  const observed = nowMs() - sentAtMs;
  if (limit === null || observed <= limit) return;
  const stream = message.feedStream;
  await mailbox.send(feedAggregate, {
    stream,
    command: { type: 'PauseScheduling', reason: 'queue_age', observed, limit },
    commandId: `queue-age:${stream}:${sentAtMs}`,
    actor: { kind: 'service', id: 'run-engine' },
    correlationId: stream,
  });
};

interface Addressed {
  readonly message: EngineRunsMessage;
  readonly stream: string;
}

const runMessage = async (
  ports: RunEnginePorts,
  config: FeedConfig,
  { message, stream }: Addressed,
): Promise<void> => {
  let state = await ports.loadSymbol(stream);
  for (;;) {
    const { runNo } = state;
    const runs = message.runs.filter((run) => run.runNo > runNo).slice(0, RUNS_PER_COMMIT_MAX);
    if (runs.length === 0) return;
    const finished = await finishRuns(ports, {
      config,
      symbol: message.symbol,
      engineMode: message.engineMode,
      memory: state,
      runs,
      bytesMax: BYTES_PER_COMMIT_MAX,
      recordsOf: (run) => recordsOf(ports, message, run),
    });
    const layers = layersOf(config, message.symbol);
    const publishRetry = config.publish_retry;
    state = await record(ports, stream, { type: 'RecordRuns', runs: [...finished], layers, publishRetry });
  }
};

const recordsOf = async (ports: RunEnginePorts, message: EngineRunsMessage, run: PlannedRun) => {
  const { symbol, feedStream } = message;
  const refs = await chunksToRead(ports.ledger, message, run);
  return ports.readRecords({ feedStream, symbol }, refs, [run.cutStart, run.cutEnd]);
};

const record = async (
  { mailbox, telemetry }: RunEnginePorts,
  stream: string,
  command: FeedSymbolCommand,
): Promise<FeedSymbolState> => {
  const { runs } = command;
  const outcome = await mailbox.send(feedSymbolAggregate, {
    stream,
    command,
    commandId: `runs:${stream}:${String(runs[0]?.runNo)}:${runs.length}`,
    actor: { kind: 'service', id: 'run-engine' },
    correlationId: stream,
  });
  if (outcome.kind === 'rejected')
    throw new Error(`${stream} refused its runs: ${outcome.rejection.message}`);
  const failedCount = runs.filter((run) => run.outcome.kind === 'failed').length;
  telemetry.count('orchestrator.engine.runs', runs.filter(isExecuted).length);
  if (failedCount > 0) telemetry.count('EngineRunsFailed', failedCount);
  return outcome.state;
};

const isExecuted = ({ outcome }: FinishedRun): boolean => outcome.kind !== 'skipped';

const runMissing = async (
  ports: RunEnginePorts,
  config: FeedConfig,
  { message, stream, runNo }: Addressed & { readonly runNo: number },
): Promise<void> => {
  const feed = await ports.loadFeed(message.feedStream);
  if (feed.status === 'none' || !feed.unacknowledged) return;
  for (const missing of await missingRuns(ports.ledger, feed, { symbol: message.symbol, runNo })) {
    const isBefore = missing.runs.some((run) => run.runNo < (message.runs[0]?.runNo ?? 0));
    if (isBefore) await runMessage(ports, config, { message: missing, stream });
  }
};

const missingRuns = async (
  ledger: LedgerReader,
  feed: ExistingFeed,
  { symbol, runNo }: { readonly symbol: string; readonly runNo: number },
): Promise<readonly EngineRunsMessage[]> => {
  const events = await readEvents(ledger, feed.stream, feed.unacknowledged?.sequence ?? 1);
  return runsToResend(feed, events, new Map([[symbol, runNo]])).filter(
    (message) => message.symbol === symbol,
  );
};
