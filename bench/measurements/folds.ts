/** The pure core by itself, and loads and compaction on top of it: no disk is waited for where none is named. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { packedBytes } from '#adapters/dynamodb/attributes.ts';
import { runTiming } from '#contracts/runs/limits.ts';
import { prepareCommit } from '#domain/kernel/commit.ts';
import type { CommandRequest } from '#domain/kernel/commit.ts';
import { emptyStream, foldEvents } from '#domain/kernel/stream.ts';
import type { BufferedRecord } from '#domain/market/chunk.ts';
import { executeRun } from '#domain/market/execute-run.ts';
import { sliceOfTexts } from '#domain/market/slice.ts';
import type { StoredCommit } from '#domain/ports/ledger.ts';
import type { RunCommand } from '#domain/run/command.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { projections } from '#functions/shared/aggregates.ts';
import { compact } from '#functions/shared/compaction.ts';
import { eventIds } from '#functions/shared/event-ids.ts';
import { loadStream } from '#functions/shared/load.ts';
import { benchPlan, benchRun, STEPS } from '#bench/chain-run.ts';
import { openLedgerRig, silent } from '#bench/ledger-rig.ts';
import type { LedgerRig } from '#bench/ledger-rig.ts';
import type { Measure, Row } from '#bench/measurement.ts';

const HISTORY_EVENTS = 10_000;
const HISTORY_TASKS = 500;
const COMPACTED_RUNS = 400;
/** Commits of one batch of the ledger stream, and how many runs are under way in it. */
const BATCH_COMMITS = 100;
const RUNS_AT_ONCE = 50;

/** Events folded per second, and what loads and compaction add to it. */
export const measure: Measure = async ({ root }) => {
  const rig = await openLedgerRig();
  try {
    const history = longHistory();
    return [
      ...measureFold(history),
      ...(await measureLoads(rig, history)),
      ...(await measureCompaction(rig)),
      measureEngine(root),
    ];
  } finally {
    await rig.close();
  }
};

/** Seconds of the fastest of several tries: what the code costs when nothing disturbs it. */
const fastest = async (tries: number, act: () => unknown): Promise<number> => {
  let least = Infinity;
  for (let attempt = 0; attempt < tries; attempt++) {
    const startedMs = performance.now();
    await act();
    least = Math.min(least, performance.now() - startedMs);
  }
  return least / 1000;
};

/** The commits of one stream, decided command by command. */
const commitsFor = (requests: readonly CommandRequest<RunCommand>[]): readonly StoredCommit[] => {
  const mintEventId = eventIds();
  let loaded = emptyStream(runAggregate);
  return requests.flatMap((request, index) => {
    // Far enough apart that every heartbeat is recorded.
    const nowMs = 1_767_225_600_000 + index * runTiming.heartbeatIntervalMs;
    const setting = { nowMs, mintEventId, storedBytes: packedBytes };
    const { commit, next } = prepareCommit(runAggregate, [request], { loaded, setting });
    loaded = next;
    return commit ? [commit] : [];
  });
};

/** A run of 500 tasks with enough heartbeats to make 10,000 events. */
const longHistory = (): readonly StoredCommit[] => {
  const run = benchRun(benchPlan(HISTORY_TASKS, false));
  const beats = Math.floor((HISTORY_EVENTS - HISTORY_TASKS * 3) / HISTORY_TASKS);
  const requests = [run.trigger];
  for (let index = 0; index < HISTORY_TASKS; index++) {
    requests.push(run.claim(index));
    for (let beat = 1; beat <= beats; beat++) requests.push(run.heartbeat(index, beat));
    requests.push(run.complete(index));
  }
  return commitsFor(requests);
};

const FOLD_TRIES = 5;

const measureFold = (history: readonly StoredCommit[]): readonly Row[] => {
  const events = history.flatMap((commit) => commit.events);
  let least = Infinity;
  for (let attempt = 0; attempt < FOLD_TRIES; attempt++) {
    const startedMs = performance.now();
    foldEvents(runAggregate, emptyStream(runAggregate), events);
    least = Math.min(least, performance.now() - startedMs);
  }
  return [
    { what: 'history', value: events.length, unit: 'events' },
    { what: 'fold', value: (events.length / least) * 1000, unit: 'events/s' },
  ];
};

const APPENDS_AT_ONCE = 200;
const READ_LIMIT = 1_000;

const measureLoads = async (rig: LedgerRig, history: readonly StoredCommit[]): Promise<readonly Row[]> => {
  for (let start = 0; start < history.length; start += APPENDS_AT_ONCE)
    await Promise.all(
      history.slice(start, start + APPENDS_AT_ONCE).map((commit) => rig.ledger.append(commit)),
    );
  const stream = history[0]?.stream ?? '';
  const fromState = await fastest(20, () => loadStream(rig.ledger, runAggregate, stream));
  const whole = await fastest(3, async () => {
    let folded = emptyStream(runAggregate);
    for (;;) {
      const commits = await rig.ledger.read(stream, folded.version + 1, READ_LIMIT);
      for (const { events } of commits) folded = foldEvents(runAggregate, folded, events);
      if (commits.length < READ_LIMIT) return;
    }
  });
  return [
    { what: 'load from the newest state', value: fromState * 1000, unit: 'ms' },
    { what: 'load by folding the whole history', value: whole * 1000, unit: 'ms' },
  ];
};

const measureCompaction = async (rig: LedgerRig): Promise<readonly Row[]> => {
  const commits = interleaved(Array.from({ length: COMPACTED_RUNS }, () => commitsFor(chainRequests())));
  rig.reset();
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  for (let start = 0; start < commits.length; start += BATCH_COMMITS)
    await compact(
      { views: rig.views, ledger: rig.ledger, telemetry: silent, nowMs: () => 0 },
      projections,
      commits.slice(start, start + BATCH_COMMITS),
    );
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const counts = rig.counts();
  const rows = counts['dynamodb.PutItem'] ?? 0;
  const reads = counts['dynamodb.BatchGetItem'] ?? 0;
  return [
    { what: 'compaction: rows', value: rows / seconds, unit: 'rows/s' },
    { what: 'compaction: commits', value: commits.length / seconds, unit: 'commits/s' },
    { what: 'compaction: CPU', value: (user + system) / 1000 / rows, unit: 'ms/row' },
    { what: 'compaction: rows written', value: rows / COMPACTED_RUNS, unit: '/run' },
    { what: 'compaction: reads', value: reads / COMPACTED_RUNS, unit: '/run' },
  ];
};

const chainRequests = (): readonly CommandRequest<RunCommand>[] => {
  const run = benchRun();
  const steps = Array.from({ length: STEPS }, (_, index) => [run.claim(index), run.complete(index)]);
  return [run.trigger, ...steps.flat()];
};

/** So many runs at once, each a commit further in turn, as the ledger stream shows them. */
const interleaved = (runs: readonly (readonly StoredCommit[])[]): readonly StoredCommit[] => {
  const commits: StoredCommit[] = [];
  for (let start = 0; start < runs.length; start += RUNS_AT_ONCE) {
    const together = runs.slice(start, start + RUNS_AT_ONCE);
    const longest = Math.max(...together.map((run) => run.length));
    for (let index = 0; index < longest; index++)
      commits.push(...together.flatMap((run) => run.slice(index, index + 1)));
  }
  return commits;
};

const ENGINE_RUNS = 20_000;
const SLICE_RECORDS = 40;

/** Engine runs over slices of the demo tape. */
const measureEngine = (root: string): Row => {
  const records = readFileSync(path.join(root, 'events/tapes/demo.jsonl'), 'utf8')
    .split('\n')
    .map((text, index): BufferedRecord => ({ ingestSeq: index + 1, ingestTsMs: 0, symbol: 'BTC-PERP', text }))
    .filter(({ text }) => text.includes('"BTC-PERP"') && !text.startsWith('{"raw'));
  const slices = records.flatMap(({ text }, index) => {
    const event = JSON.parse(text) as { event_type: string; normalized: { timestamp_ms: number } };
    if (event.event_type !== 'SnapshotInputs') return [];
    const run = { symbol: 'BTC-PERP', engineTimestampMs: event.normalized.timestamp_ms };
    return [{ run, records: records.slice(Math.max(0, index + 1 - SLICE_RECORDS), index + 1) }];
  });
  const startedMs = performance.now();
  for (let count = 0; count < ENGINE_RUNS; count++) {
    const slice = slices[count % slices.length];
    if (slice) executeRun(slice.run, sliceOfTexts(slice.records));
  }
  const seconds = (performance.now() - startedMs) / 1000;
  return { what: 'engine', value: ENGINE_RUNS / seconds, unit: 'runs/s' };
};
