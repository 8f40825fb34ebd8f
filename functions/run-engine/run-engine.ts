/**
 * Runs the regime engine for planned runs of one feed and symbol, in order, and records the outcomes: one commit
 * for many runs. A run is never skipped: when an earlier one is missing, its message was lost, and what is missing
 * is read from the feed's ledger, which is the authority for replay.
 */
import type { RecordedEvent } from '#contracts/event.ts';
import { EngineRunsMessage } from '#contracts/market/engine-run.ts';
import type { ChunkRef, PlannedRun } from '#contracts/market/engine-run.ts';
import type { FeedSymbolCommand, FinishedRun } from '#contracts/market/feed-symbol.ts';
import { isSkipped } from '#domain/market/cut.ts';
import { executeRun } from '#domain/market/execute-run.ts';
import { feedSymbolAggregate } from '#domain/market/feed-symbol/feed-symbol.ts';
import type { FeedSymbolState } from '#contracts/market/feed-state.ts';
import { chunksOfCut, runsToResend } from '#domain/market/feed/resend.ts';
import type { ExistingFeed, Feed } from '#domain/market/feed/state.ts';
import { sliceOfTexts } from '#domain/market/slice.ts';
import { feedSymbolStream, parseFeedStream } from '#domain/market/streams.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import type { ReadRecords } from '#functions/shared/market-chunks.ts';
import { readEvents } from '#functions/shared/read-events.ts';

export interface RunEnginePorts {
  readonly ledger: LedgerReader;
  readonly mailbox: Mailbox;
  readonly loadFeed: (stream: string) => Promise<Feed>;
  readonly loadSymbol: (stream: string) => Promise<FeedSymbolState>;
  readonly readRecords: ReadRecords;
  readonly telemetry: Telemetry;
}

/** Runs of one commit; with two published events each it stays below 256 KB. */
const RUNS_PER_COMMIT_MAX = 40;

/** Works off the messages of one group, which are of one feed and symbol, in order. */
export const runEngine = async (ports: RunEnginePorts, bodies: readonly string[]): Promise<void> => {
  const messages = bodies.map((body) => EngineRunsMessage.parse(JSON.parse(body)));
  for (const message of messages) {
    const stream = feedSymbolStream({ ...parseFeedStream(message.feedStream), symbol: message.symbol });
    const { runNo } = await ports.loadSymbol(stream);
    const first = message.runs.find((run) => run.runNo > runNo);
    if (!first) continue;
    if (first.runNo > runNo + 1) await runMissing(ports, { message, stream, runNo });
    await runMessage(ports, message, stream);
  }
};

const runMessage = async (
  ports: RunEnginePorts,
  message: EngineRunsMessage,
  stream: string,
): Promise<void> => {
  const { runNo } = await ports.loadSymbol(stream);
  const runs = message.runs.filter((run) => run.runNo > runNo);
  for (let start = 0; start < runs.length; start += RUNS_PER_COMMIT_MAX) {
    const finished = await finish(ports, message, runs.slice(start, start + RUNS_PER_COMMIT_MAX));
    await record(ports, stream, finished);
  }
};

const finish = async (
  ports: RunEnginePorts,
  message: EngineRunsMessage,
  runs: readonly PlannedRun[],
): Promise<readonly FinishedRun[]> => {
  const { symbol, feedStream, engineMode } = message;
  const finished: FinishedRun[] = [];
  for (const run of runs) {
    if (isSkipped(run)) {
      finished.push({ ...run, engineMode, attempts: 1, outcome: { kind: 'skipped' } });
      continue;
    }
    const refs = await refsOf(ports.ledger, message, run);
    const records = await ports.readRecords({ feedStream, symbol }, refs, [run.cutStart, run.cutEnd]);
    const { outcome } = executeRun({ ...run, symbol }, sliceOfTexts(records));
    finished.push({ ...run, engineMode, attempts: 1, outcome });
  }
  return finished;
};

/** A cut over more chunks than a message lists finds them in the feed's ledger. */
const refsOf = async (
  ledger: LedgerReader,
  { chunks, feedStream }: EngineRunsMessage,
  run: PlannedRun,
): Promise<readonly ChunkRef[]> => {
  if (chunks.isComplete) return chunks.refs;
  const isEnough = (event: RecordedEvent): boolean =>
    event.type === 'RecordsIngested' && lastSeqOf(event) >= run.cutEnd;
  const events = await readEvents(ledger, feedStream, chunks.fromSequence, isEnough);
  return chunksOfCut(events, [run.cutStart, run.cutEnd]);
};

const lastSeqOf = (event: RecordedEvent): number => (event.data['chunk'] as ChunkRef).lastSeq;

const record = async (ports: RunEnginePorts, stream: string, runs: readonly FinishedRun[]): Promise<void> => {
  const [first] = runs;
  if (!first) return;
  const command: FeedSymbolCommand = { type: 'RecordRuns', runs: [...runs] };
  const outcome = await ports.mailbox.send(feedSymbolAggregate, {
    stream,
    command,
    commandId: `runs:${stream}:${first.runNo}:${runs.length}`,
    actor: { kind: 'service', id: 'run-engine' },
    correlationId: stream,
  });
  if (outcome.kind === 'rejected')
    throw new Error(`${stream} refused its runs: ${outcome.rejection.message}`);
  ports.telemetry.count('orchestrator.engine.runs', runs.length);
  const failed = runs.filter(({ outcome: { kind } }) => kind === 'failed').length;
  if (failed > 0) ports.telemetry.count('EngineRunsFailed', failed);
};

const runMissing = async (
  ports: RunEnginePorts,
  { message, stream, runNo }: { message: EngineRunsMessage; stream: string; runNo: number },
): Promise<void> => {
  const feed = await ports.loadFeed(message.feedStream);
  if (feed.status === 'none' || !feed.unacknowledged) return;
  for (const missing of await missingRuns(ports.ledger, feed, { symbol: message.symbol, runNo })) {
    const isBefore = missing.runs.some((run) => run.runNo < (message.runs[0]?.runNo ?? 0));
    if (isBefore) await runMessage(ports, missing, stream);
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
