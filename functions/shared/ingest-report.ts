/** What ingestion says of itself, in the names of the market reference, section 7. */
import type { RecordsSpilled } from '#contracts/market/feed-spill.ts';
import type { BatchPlan, BatchRecord } from '#domain/market/feed/plan-batch.ts';
import type { ExistingFeed } from '#domain/market/feed/state.ts';
import { groupBy } from '#domain/kernel/group-by.ts';
import type { Telemetry } from '#domain/ports/outside.ts';

/** Lines of log one commit writes at most; what is left is counted all the same. */
const LINES_MAX = 50;

/** A commit that was made: the feed before and after it, and what it took in. */
export interface Ingested {
  readonly before: ExistingFeed;
  readonly after: ExistingFeed;
  readonly plan: BatchPlan;
  /** The records the plan consumed, duplicates included. */
  readonly records: readonly BatchRecord[];
  readonly nowMs: number;
}

/** Counts and logs one commit of a feed: a line for each source and symbol with its last record, and one for each failure. */
export const reportIngested = (telemetry: Telemetry, ingested: Ingested): void => {
  const { plan, after } = ingested;
  telemetry.count('orchestrator.ingest.count', plan.records.length);
  if (!plan.ingested.fromSpill) telemetry.count('market_data.events.count', plan.records.length);
  telemetry.count('RecordsRepeated', plan.duplicateCount);
  telemetry.count('orchestrator.scheduler.ticks', plan.planned.ticks.length);
  if (plan.ingested.decodeFailures > 0)
    telemetry.count('market_data.decode_failures.count', plan.ingested.decodeFailures);
  reportBuffer(telemetry, after);
  reportTimes(telemetry, ingested);
  reportRecords(telemetry, ingested);
  reportFailures(telemetry, ingested);
};

/** Tells for how long a batch that met a paused feed had waited in its stream until it was taken in or spilled. */
export const reportWaited = (
  { telemetry, nowMs }: { readonly telemetry: Telemetry; readonly nowMs: () => number },
  { ingestionPaused }: Pick<ExistingFeed, 'ingestionPaused'>,
  [first]: readonly BatchRecord[],
): void => {
  if (ingestionPaused && first)
    telemetry.count('market_data.backpressure.blocked_ms', Math.max(0, nowMs() - first.arrivalMs));
};

/** Tells that records arrived and wait in the object store. */
export const reportSpilled = (telemetry: Telemetry, stream: string, { count }: RecordsSpilled): void => {
  telemetry.count('market_data.events.count', count);
  telemetry.count('RecordsSpilled', count);
  telemetry.log('info', 'records wait in the object store because the buffer is full', { stream, count });
};

const reportBuffer = (telemetry: Telemetry, { lastSeq, lastIngestTsMs, buffer }: ExistingFeed): void => {
  const depth = lastSeq - buffer.prunedSeq;
  telemetry.count('orchestrator.buffer.depth', depth);
  telemetry.count(
    'orchestrator.buffer.age_ms',
    depth === 0 || buffer.prunedSeq === 0 ? 0 : lastIngestTsMs - buffer.prunedTsMs,
  );
};

const reportTimes = (telemetry: Telemetry, { before, plan, records, nowMs }: Ingested): void => {
  const lastTick = plan.planned.ticks.at(-1);
  if (lastTick && before.config.clock === 'arrival')
    telemetry.count('orchestrator.scheduler.lag_ms', Math.max(0, nowMs - lastTick.plannedTsMs));
  if (before.ingestionPaused)
    telemetry.count('orchestrator.backpressure.blocked_ms', nowMs - before.ingestionPaused.sinceMs);
  const latencies = records.flatMap(({ event: { recvTsMs, exchangeTsMs } }) =>
    recvTsMs === undefined || exchangeTsMs === undefined ? [] : [recvTsMs - exchangeTsMs],
  );
  if (latencies.length > 0)
    telemetry.count(
      'market_data.exchange_to_recv.latency_ms',
      latencies.reduce((greatest, latency) => Math.max(greatest, latency), 0),
    );
};

const reportRecords = (telemetry: Telemetry, { before, after, records }: Ingested): void => {
  const groups = groupBy(records, ({ event }) => `${event.sourceId}|${event.symbol}`);
  for (const group of [...groups.values()].slice(0, LINES_MAX)) {
    const last = group.at(-1)?.event;
    if (!last) continue;
    telemetry.log('debug', 'orchestrator.ingest', {
      stream: before.stream,
      source_id: last.sourceId,
      symbol: last.symbol,
      ingest_seq: after.lastSeq,
      recv_ts_ms: last.recvTsMs,
      exchange_ts_ms: last.exchangeTsMs,
      count: group.length,
    });
  }
};

const reportFailures = (telemetry: Telemetry, { before, records }: Ingested): void => {
  const failures = records.filter(({ event }) => event.decodeFault !== undefined);
  for (const { event } of failures.slice(0, LINES_MAX))
    telemetry.log('warn', 'market_data.decode_failure', {
      stream: before.stream,
      source_id: event.sourceId,
      symbol: event.symbol,
      recv_ts_ms: event.recvTsMs,
      exchange_ts_ms: event.exchangeTsMs,
      error_kind: event.decodeFault?.errorKind,
      error_detail: event.decodeFault?.errorDetail,
    });
};
