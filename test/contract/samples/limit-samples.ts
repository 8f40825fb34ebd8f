/** A limit of concurrency that two runs share, told through the real deciders. */
import type { ManifestId } from '#contracts/ids.ts';
import { RunId, TaskKey } from '#contracts/ids.ts';
import { WorkerId } from '#contracts/runs/callbacks.ts';
import { LimitId } from '#contracts/runs/concurrency.ts';
import { concurrency } from '#contracts/runs/limits.ts';
import { attemptId, dispatchId, planId } from '#domain/kernel/ids.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import type { Holder } from '#domain/limit/limit.ts';
import { limitAggregate } from '#domain/limit/limit-aggregate.ts';
import { limitStream } from '#domain/limit/limit-stream.ts';
import { manifestsAggregate } from '#domain/manifest/manifests.ts';
import { defaultPolicy } from '#domain/run/plan.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runStream } from '#domain/run/run-stream.ts';
import { ledgerSamples, sampleFile, SAMPLE_START_MS } from '#test/contract/samples/sample.ts';
import type { Samples } from '#test/contract/samples/sample.ts';
import { scopeOf } from '#test/contract/samples/scope.ts';
import { StreamHarness, stamp } from '#test/support/market-harness.ts';

const runId = RunId.parse('run_01KDYN3M00QV2Z8R4T6W9XACDE');
const limitId = LimitId.parse('key:warehouse');
const taskKey = TaskKey.parse('markets.bars_1m');
const person = { kind: 'user', id: 'ada@example.com' } as const;
const service = { kind: 'service', id: 'commands' } as const;
const word = { capacity: 1, changeNo: 1 };
const instant = new Date(SAMPLE_START_MS).toISOString();

const holder = (attempt: number): Holder => ({ runId, taskKey, attempt });

const ask = (who: Holder) => ({ type: 'RequestSlot', holder: who, priority: 5, known: word }) as const;

/** One holds the slot and another waits; the first is looked after and gives it back, the second is lost. */
const limitEvents = () => {
  const limit = new StreamHarness(limitAggregate, limitStream({ ...scopeOf, limitId }));
  limit.nowMs = SAMPLE_START_MS;
  limit.send(ask(holder(1)));
  limit.send(ask(holder(2)));
  const look = (requestNo: number, standing: 'taken' | 'over') => {
    limit.nowMs += concurrency.leaseMs;
    limit.send({ type: 'SweepLimit', nowMs: limit.nowMs, seen: [{ requestNo, standing }] });
  };
  look(1, 'taken');
  limit.send({ type: 'ReleaseSlot', holder: holder(1) });
  look(2, 'over');
  return limit.events;
};

/** What a limit of which one holds the slot and another waits says of itself now and then. */
const restatedEvents = () => {
  const limit = new StreamHarness(limitAggregate, limitStream({ ...scopeOf, limitId }));
  limit.nowMs = SAMPLE_START_MS;
  limit.send(ask(holder(1)));
  limit.send(ask(holder(2)));
  const sequence = limit.events.length + 1;
  const restated = limitAggregate.restatement?.of(limit.state, sequence);
  return stamp(limit.stream, restated ? [restated] : [], { sequence, occurredAtMs: limit.nowMs });
};

/** More attempts than may wait, as earlier versions recorded it. */
const crowdedEvents = () => {
  const limit = new StreamHarness(limitAggregate, limitStream({ ...scopeOf, limitId }));
  limit.nowMs = SAMPLE_START_MS;
  for (let attempt = 1; attempt <= concurrency.waitersMax + 1; attempt++) limit.send(ask(holder(attempt)));
  const waitingCount = concurrency.waitersMax;
  const late = holder(waitingCount + 2);
  const refused = {
    type: 'SlotRefused',
    idempotencyKey: `slot_refused:${dispatchId(late)}:${waitingCount}`,
    data: { ...late, waitingCount },
  };
  const at = { sequence: limit.events.length + 1, occurredAtMs: limit.nowMs };
  return [...limit.events, ...stamp(limit.stream, [refused], at)];
};

const wish = {
  kind: 'managed_queue',
  workerQueue: 'gpu',
  queueName: 'sluice-dev-worker-36mjdyzefl-gpu',
} as const;
const location = {
  executionLocationId: 'gpu-pool',
  ...wish,
  callbackBaseUrl: 'https://sluice.example.com/dev',
} as const;

const configEvents = () => {
  const manifests = new StreamHarness(
    manifestsAggregate,
    `manifests#${scopeOf.tenantId}/${scopeOf.workspaceId}`,
  );
  manifests.nowMs = SAMPLE_START_MS;
  manifests.send({ type: 'SetLimit', limitId, capacity: 4 });
  manifests.send({ type: 'ConfirmLimit', limitId, changeNo: 1 });
  manifests.send({ type: 'RemoveLimit', limitId });
  manifests.send({ type: 'SetLocation', location });
  manifests.send({ type: 'RemoveLocation', executionLocationId: location.executionLocationId });
  return manifests.events;
};

/** A run asks its limit, which has no place at first, is granted a slot, and gives it back. */
const runEvents = () => {
  const run = new StreamHarness(runAggregate, runStream({ ...scopeOf, runId }));
  run.nowMs = SAMPLE_START_MS;
  run.send({
    type: 'TriggerRun',
    header: {
      runId,
      planId: planId(runId),
      ...scopeOf,
      manifestId: 'man_3f6q2m5x7k4j2h6g5d3s2a4p7z' as ManifestId,
      trigger: { type: 'manual', userId: person.id },
      rootAssets: [taskKey],
      fingerprint: sha256Hex('limited'),
      labels: {},
    },
    plan: {
      defaults: defaultPolicy,
      requiresVisibleOutput: true,
      limits: [{ limitId, ...word }],
      tasks: [{ key: taskKey, limits: [0] }],
    },
  });
  run.send({ type: 'NoteSlotRefusal', taskKey, attempt: 1, limitId, sendNo: 1 });
  run.send({ type: 'GrantSlot', taskKey, attempt: 1, limitId });
  const body = {
    attempt: 1,
    attemptId: attemptId({ runId, taskKey, attempt: 1 }),
    workerId: WorkerId.parse('etl-worker-1'),
    outcome: 'SUCCEEDED' as const,
  };
  run.send({ type: 'CompleteTask', taskKey, report: body });
  run.send({ type: 'ConfirmSlotReturn', taskKey, attempt: 1, limitId });
  return run.events.filter(({ type }) => type.startsWith('TaskSlot'));
};

/** Samples of what a limit records, of what is configured, of what runs record of it, and of what readers get. */
export const limitSamples = (): Samples => {
  const item = { limitId, capacity: 1, source: 'manifest', held: 1, waiting: 1 };
  return {
    ...ledgerSamples('limit', [...limitEvents(), ...crowdedEvents(), ...restatedEvents()], () => service),
    ...ledgerSamples('manifests', configEvents(), ({ type }) => (type === 'LimitTold' ? service : person)),
    ...ledgerSamples('run', runEvents(), () => service),
    [sampleFile('requests', 'SetLimitRequest')]: { capacity: 4 },
    [sampleFile('requests', 'SetExecutionLocationRequest')]: wish,
    [sampleFile('answers', 'ExecutionLocation')]: location,
    [sampleFile('answers', 'ExecutionLocationList')]: { executionLocations: [location] },
    [sampleFile('answers', 'RemovedExecutionLocation')]: { executionLocationId: 'gpu-pool' },
    [sampleFile('answers', 'LimitItem')]: item,
    [sampleFile('answers', 'LimitList')]: { limits: [item] },
    [sampleFile('answers', 'LimitRead')]: {
      ...item,
      holders: [
        {
          ...holder(1),
          grantedAt: instant,
          leaseUntil: new Date(SAMPLE_START_MS + concurrency.leaseMs).toISOString(),
        },
      ],
      waiters: [{ ...holder(2), position: 1, priority: 5, requestedAt: instant }],
    },
  };
};
