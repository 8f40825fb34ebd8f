/** Stories of asset runs, told through the real decider, from which the samples are taken. */
import { attemptsOf } from '#domain/run/attempts.ts';
import type { RecordedEvent } from '#contracts/event.ts';
import type { AssetKey, ManifestId } from '#contracts/ids.ts';
import { RunId, TaskKey } from '#contracts/ids.ts';
import { CompletedRequest, HeartbeatRequest, StartedRequest, WorkerId } from '#contracts/runs/callbacks.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import { RunEventRead } from '#contracts/runs/read.ts';
import { attemptId, callbackTaskId, dispatchId, planId } from '#domain/kernel/ids.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import { defaultPolicy } from '#domain/run/plan.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runStream } from '#domain/run/run-stream.ts';
import { runDetail, runItem } from '#domain/run/run-detail.ts';
import { runRowAfter } from '#domain/run/run-rows.ts';
import type { RunRow } from '#domain/run/run-rows.ts';
import { why } from '#domain/run/waiting.ts';
import { storeTaskLog, taskLogAggregate, taskLogStream } from '#domain/task-log/task-log.ts';
import { ledgerSamples, sampleFile, SAMPLE_START_MS } from '#test/contract/samples/sample.ts';
import type { Samples } from '#test/contract/samples/sample.ts';
import { scopeOf } from '#test/contract/samples/scope.ts';
import { StreamHarness } from '#test/support/market-harness.ts';

const runId = RunId.parse('run_01KDYN3M00QV2Z8R4T6W9XACDE');
const manifestId = 'man_3f6q2m5x7k4j2h6g5d3s2a4p7z' as ManifestId;
const workerId = WorkerId.parse('etl-worker-1');
const partitionKey = 'date=d:2026-01-01';

const planOf = (edges: Readonly<Record<string, readonly string[]>>): Plan => {
  const names = Object.keys(edges);
  return {
    partitionKey,
    defaults: defaultPolicy,
    requiresVisibleOutput: true,
    tasks: names.map((name) => ({
      key: TaskKey.parse(name),
      assetKey: name as AssetKey,
      ...(edges[name]?.length ? { dependsOn: edges[name].map((upstream) => names.indexOf(upstream)) } : {}),
    })),
  };
};

const story = (
  edges: Readonly<Record<string, readonly string[]>>,
  header: { readonly timeoutSec?: number } = {},
) => {
  const harness = new StreamHarness(runAggregate, runStream({ ...scopeOf, runId }));
  harness.nowMs = SAMPLE_START_MS;
  harness.send({
    type: 'TriggerRun',
    header: {
      runId,
      planId: planId(runId),
      ...scopeOf,
      manifestId,
      trigger: { type: 'manual', userId: 'ada@example.com' },
      rootAssets: Object.keys(edges).slice(-1),
      runKey: 'daily-2026-01-01',
      fingerprint: sha256Hex('daily-2026-01-01'),
      labels: { team: 'research' },
      codeVersion: 'git-4c1f0de',
      ...header,
    },
    plan: planOf(edges),
  });
  return harness;
};

type Story = ReturnType<typeof story>;

const place = (key: string, attempt = 1) => ({
  attempt,
  attemptId: attemptId({ runId, taskKey: key, attempt }),
  workerId,
});

const claim = (run: Story, key: string, attempt = 1): void => {
  run.nowMs += 1_500;
  run.send({ type: 'ClaimTask', taskKey: TaskKey.parse(key), ...place(key, attempt) });
};

const succeeded = (key: string, attempt = 1) => ({
  ...place(key, attempt),
  outcome: 'SUCCEEDED',
  completedAt: new Date(SAMPLE_START_MS + 60_000).toISOString(),
  output: {
    materializationId: `mat_${sha256Hex(key).slice(0, 24)}`,
    rowCount: 1_440,
    byteSize: 182_311,
    outputPath: `s3://lake/${key.replace('.', '/')}/date=2026-01-01/`,
    deltaTable: key,
    deltaVersion: 17,
    deltaPartition: 'date=2026-01-01',
    outputVisibilityState: 'VISIBLE',
    publishedAt: new Date(SAMPLE_START_MS + 59_000).toISOString(),
  },
  metrics: { cpuTimeMs: 8_120, peakMemoryBytes: 268_435_456, ioReadBytes: 912_331, ioWriteBytes: 182_311 },
});

const ended = (key: string, outcome: 'FAILED' | 'CANCELLED') => ({
  ...place(key),
  outcome,
  ...(outcome === 'FAILED'
    ? { error: { category: 'DATA_QUALITY', message: '12 of 1440 bars have no volume', retryable: false } }
    : { cancelledDuringPhase: 'load' }),
});

const complete = (run: Story, key: string, report: object): void => {
  run.nowMs += 58_000;
  run.send({ type: 'CompleteTask', taskKey: TaskKey.parse(key), report: CompletedRequest.parse(report) });
};

const heartbeat = (key: string) => ({
  ...place(key),
  heartbeatAt: new Date(SAMPLE_START_MS + 30_000).toISOString(),
  progressPct: 40,
  message: 'read 576 of 1440 bars',
});

/** Bars succeed, their features are found wanting, and the report that needs both is skipped. */
const failingStory = (): Story => {
  const run = story({
    'markets.bars_1m': [],
    'markets.features': ['markets.bars_1m'],
    'reports.daily': ['markets.features'],
  });
  claim(run, 'markets.bars_1m');
  run.send({
    type: 'HeartbeatTask',
    taskKey: TaskKey.parse('markets.bars_1m'),
    report: HeartbeatRequest.parse(heartbeat('markets.bars_1m')),
  });
  complete(run, 'markets.bars_1m', succeeded('markets.bars_1m'));
  claim(run, 'markets.features');
  return run;
};

/** A worker gives its task up; what follows is cancelled with it. */
const cancelledStory = (): Story => {
  const run = story({ 'markets.bars_1m': [], 'reports.daily': ['markets.bars_1m'] });
  claim(run, 'markets.bars_1m');
  complete(run, 'markets.bars_1m', ended('markets.bars_1m', 'CANCELLED'));
  return run;
};

/** Somebody asks for the run to end while its deadline passes; the one attempt under way is given up. */
const stoppedStory = (): Story => {
  const run = story({ 'markets.bars_1m': [], 'reports.daily': ['markets.bars_1m'] }, { timeoutSec: 60 });
  claim(run, 'markets.bars_1m');
  run.send({ type: 'CancelRun', requestedBy: 'ada@example.com', reason: 'the tape of the wrong day' });
  run.nowMs += 600_000;
  run.send({ type: 'SweepRun', nowMs: run.nowMs, lostOffers: [] });
  return run;
};

/** More ready tasks than the dispatch window takes, and an offer that was lost. */
const crowdedStory = (): Story => {
  const keys = Array.from({ length: 101 }, (_, index) => `markets.shard_${String(index).padStart(3, '0')}`);
  const bars = 'markets.bars_1m';
  const run = story({ [bars]: [], ...Object.fromEntries(keys.map((key) => [key, [bars]])) });
  claim(run, bars);
  complete(run, bars, succeeded(bars));
  run.nowMs += 120_000;
  run.send({ type: 'SweepRun', nowMs: run.nowMs, lostOffers: [keys[0] ?? ''] });
  return run;
};

/** The bars are published only after the run has ended. */
const publishedStory = (): Story => {
  const key = 'markets.bars_1m';
  const run = story({ [key]: [] });
  claim(run, key);
  const { output, ...report } = succeeded(key);
  const { publishedAt: _at, ...pending } = { ...output, outputVisibilityState: 'PENDING' };
  complete(run, key, { ...report, output: pending });
  run.nowMs += 30_000;
  run.send({ type: 'ReportOutputVisibility', taskKey: TaskKey.parse(key), report: published() });
  return run;
};

const published = () => ({
  attempt: 1,
  visibilityState: 'VISIBLE' as const,
  publishedAt: new Date(SAMPLE_START_MS + 90_000).toISOString(),
});

const actorOf = ({ type }: RecordedEvent): RecordedEvent['actor'] => {
  if (/^(Task(Started|Heartbeat|Completed)|Output)/.test(type)) return { kind: 'worker', id: workerId };
  return /^(RunTriggered|PlanCreated|RunCancelRequested)$/.test(type)
    ? { kind: 'user', id: 'ada@example.com' }
    : { kind: 'service', id: 'sweep' };
};

/** Samples of run events, of what workers send, and of what readers of runs get. */
export const runSamples = (): Samples => {
  const running = failingStory();
  const waiting = why(running.state);
  complete(running, 'markets.features', ended('markets.features', 'FAILED'));
  const stories = [running, cancelledStory(), stoppedStory(), crowdedStory(), publishedStory()];
  return {
    ...ledgerSamples(
      'run',
      stories.flatMap(({ events }) => events),
      actorOf,
    ),
    ...readSamples(running.events),
    [sampleFile('answers', 'RunWhy')]: waiting,
    ...workerSamples(),
  };
};

const readSamples = (events: readonly RecordedEvent[]): Samples => {
  const detail = runDetail(events);
  if (!detail) throw new Error('the story has no run');
  const row = events.reduce<RunRow | undefined>((known, event) => runRowAfter(known, event), undefined);
  const ledger = Object.values(ledgerSamples('run', events, actorOf)) as readonly RecordedEvent[];
  return {
    [sampleFile('answers', 'RunRead')]: detail,
    [sampleFile('answers', 'TaskPage')]: { tasks: detail.tasks },
    [sampleFile('answers', 'TaskRead')]: detail.tasks[0],
    [sampleFile('answers', 'AttemptList')]: { attempts: attemptsOf(events, 'markets.features') },
    [sampleFile('answers', 'RunPage')]: {
      runs: row ? [runItem(row)] : [],
      nextCursor: Buffer.from('["runs#local/main","0001"]').toString('base64url'),
    },
    [sampleFile('answers', 'RunEventPage')]: {
      events: ledger
        .slice(0, 2)
        .map(({ stream: _stream, occurredAtMs, ...event }) =>
          RunEventRead.parse({ ...event, occurredAt: new Date(occurredAtMs).toISOString() }),
        ),
    },
    [sampleFile('requests', 'RerunRequest')]: {
      mode: 'subset',
      selection: ['markets.features'],
      includeDownstream: true,
      runKey: 'fix-features-1',
    },
    [sampleFile('answers', 'RerunResponse')]: {
      runId: 'run_01JQ8Z3T5N6M7P8Q9R0S1T2V3X',
      planId: planId(RunId.parse('run_01JQ8Z3T5N6M7P8Q9R0S1T2V3X')),
      state: 'RUNNING',
      created: true,
      createdAt: new Date(SAMPLE_START_MS + 3_600_000).toISOString(),
      parentRunId: runId,
      rerunKind: 'SUBSET',
      rerunReason: 'subset_selection',
    },
    [sampleFile('requests', 'BackfillRunKeyRequest')]: {
      runKey: 'eod:2026-01-02',
      selection: ['markets.features'],
      includeUpstream: true,
    },
    [sampleFile('answers', 'BackfillRunKeyResponse')]: {
      runKey: 'eod:2026-01-02',
      runId,
      requestFingerprint: sha256Hex('daily-2026-01-01'),
      updated: false,
      createdAt: detail.createdAt,
    },
    [sampleFile('requests', 'CancelRunRequest')]: { reason: 'the tape of the wrong day' },
    [sampleFile('answers', 'CancelRunResponse')]: {
      runId,
      state: 'CANCELLING',
      cancelledAt: new Date(SAMPLE_START_MS).toISOString(),
    },
    [sampleFile('answers', 'TriggerRunResponse')]: {
      runId,
      planId: planId(runId),
      state: 'RUNNING',
      created: true,
      createdAt: detail.createdAt,
    },
    [sampleFile('requests', 'TriggerRunRequest')]: {
      selection: ['reports.daily'],
      includeUpstream: true,
      partitions: [{ key: 'date', value: '2026-01-01' }],
      runKey: 'daily-2026-01-01',
      labels: { team: 'research' },
    },
  };
};

const logSamples = (taskKey: string): Samples => {
  const output = { stdout: 'read 1440 bars\nwrote 1440 bars\n', stderr: '' };
  const logPlace = { ...scopeOf, runId, taskKey: TaskKey.parse(taskKey), attempt: 1 };
  const { command } = storeTaskLog(logPlace, output);
  const harness = new StreamHarness(taskLogAggregate, taskLogStream(logPlace));
  harness.nowMs = SAMPLE_START_MS + 61_000;
  harness.send(command);
  const { path, sizeBytes } = command.log;
  return {
    ...ledgerSamples('task-log', harness.events, () => ({ kind: 'worker', id: workerId })),
    [sampleFile('requests', 'UploadLogRequest')]: { taskKey, attempt: 1, ...output },
    [sampleFile('requests', 'AttemptLogRequest')]: { ...place(taskKey), ...output },
    [sampleFile('answers', 'UploadLogResponse')]: { path, sizeBytes },
  };
};

const workerSamples = (): Samples => {
  const key = 'markets.bars_1m';
  const serverTime = new Date(SAMPLE_START_MS + 60_000).toISOString();
  const task = { runId, taskKey: key };
  return {
    [sampleFile('requests', 'ClaimRequest')]: {
      workerId,
      queue: 'default-queue',
      maxTasks: 4,
      waitMs: 20_000,
    },
    [sampleFile('requests', 'StartedRequest')]: StartedRequest.parse({
      ...place(key),
      startedAt: new Date(SAMPLE_START_MS).toISOString(),
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    }),
    [sampleFile('requests', 'HeartbeatRequest')]: heartbeat(key),
    [sampleFile('requests', 'CompletedRequest')]: succeeded(key),
    ...logSamples(key),
    [sampleFile('requests', 'OutputVisibilityRequest')]: published(),
    [sampleFile('requests', 'AttemptVisibilityRequest')]: { ...place(key), ...published() },
    [sampleFile('answers', 'OutputVisibilityResponse')]: {
      taskKey: key,
      attempt: 1,
      outputVisibilityState: 'VISIBLE',
      runState: 'SUCCEEDED',
    },
    [sampleFile('answers', 'ClaimResponse')]: {
      tasks: [
        {
          ...scopeOf,
          taskId: callbackTaskId(task),
          taskKey: key,
          runId,
          attempt: 1,
          attemptId: place(key).attemptId,
          dispatchId: dispatchId({ ...task, attempt: 1 }),
          partitionKey,
          heartbeatTimeoutSec: 300,
          workerQueue: 'default-queue',
          callbackBaseUrl: 'http://127.0.0.1:4600',
          taskToken: 'HEADER.CLAIMS.SIGNATURE',
          tokenExpiresAt: new Date(SAMPLE_START_MS + 86_400_000).toISOString(),
          payload: {},
        },
      ],
    },
    [sampleFile('answers', 'StartedResponse')]: { acknowledged: true, serverTime },
    [sampleFile('answers', 'HeartbeatResponse')]: { acknowledged: true, shouldCancel: false, serverTime },
    [sampleFile('answers', 'CompletedResponse')]: { acknowledged: true, finalState: 'SUCCEEDED', serverTime },
    [sampleFile('answers', 'CallbackError')]: {
      code: 'stale_attempt',
      error: 'stale_attempt',
      message: 'attempt 1 was superseded by attempt 2',
      requestId: '6f1c2f0e-6f0f-4b42-9a63-0f8f4f7c2f55',
      retryable: false,
      expectedAttempt: 2,
      receivedAttempt: 1,
    },
    [sampleFile('messages', 'FunctionAnswer')]: {
      outcome: 'SUCCEEDED',
      output: { rowCount: 390, deltaTable: 'markets.bars', deltaVersion: 42 },
      metrics: { cpuTimeMs: 1_200 },
    },
    [sampleFile('messages', 'InlineRunMessage')]: { stream: runStream({ ...scopeOf, runId }) },
    [sampleFile('messages', 'RetryTaskInput')]: {
      runId,
      ...scopeOf,
      taskKey: key,
      attempt: 1,
      retryAt: new Date(SAMPLE_START_MS + 90_000).toISOString(),
    },
  };
};
