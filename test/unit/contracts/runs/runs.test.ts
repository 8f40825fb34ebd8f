import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  CompletedRequest,
  HeartbeatRequest,
  StartedRequest,
  TaskTokenClaims,
} from '#contracts/runs/callbacks.ts';
import { ClaimRequest, DispatchEnvelope } from '#contracts/runs/claim.ts';
import { runLimits } from '#contracts/runs/limits.ts';
import { DeployManifestRequest } from '#contracts/runs/manifest.ts';
import { ManifestDeployed } from '#contracts/runs/manifest-events.ts';
import { Plan } from '#contracts/runs/plan.ts';
import { ListQuery, RunListQuery } from '#contracts/runs/read.ts';
import { RunEvent } from '#contracts/runs/run-events.ts';
import { publicRunState } from '#contracts/runs/states.ts';
import type { RunStatus, TaskStatus, publicTaskState } from '#contracts/runs/states.ts';
import { TaskOutput } from '#contracts/runs/task-output.ts';
import { TriggerRunRequest } from '#contracts/runs/trigger.ts';
import { deployManifest } from '#domain/manifest/manifests.ts';
import { asset, manifest, validated } from '#test/support/manifest-fixtures.ts';
import {
  START_MS,
  beat,
  cancel,
  claim,
  fail,
  planOf,
  retry,
  succeed,
  sweep,
  triggered,
} from '#test/support/run-fixtures.ts';

const report = { attempt: 1, attemptId: `att_${'a'.repeat(24)}`, workerId: 'wk-7' };
const isValid = (schema: { safeParse: (value: unknown) => { success: boolean } }, value: unknown): boolean =>
  schema.safeParse(value).success;

describe('callbacks', () => {
  it('accept the reference bodies', () => {
    expect(
      isValid(StartedRequest, { ...report, startedAt: '2026-01-02T21:00:41Z', traceparent: '00-a-b-01' }),
    ).toBe(true);
    expect(isValid(HeartbeatRequest, { ...report, progressPct: 40, message: 'day 2 of 5' })).toBe(true);
    expect(
      isValid(CompletedRequest, {
        ...report,
        outcome: 'CANCELLED',
        cancelledDuringPhase: 'load',
        partialProgress: { rows: 1 },
      }),
    ).toBe(true);
  });

  it.each([
    [StartedRequest, { ...report, surprise: 1 }],
    [StartedRequest, { ...report, attempt: 0 }],
    [StartedRequest, { ...report, attempt: runLimits.attemptsMax + 1 }],
    [StartedRequest, { ...report, attemptId: 'att_x' }],
    [StartedRequest, { ...report, workerId: '' }],
    [HeartbeatRequest, { ...report, progressPct: 101 }],
    [HeartbeatRequest, { ...report, progressPct: 0.5 }],
    [HeartbeatRequest, { ...report, progressPct: -1 }],
    [CompletedRequest, { ...report, outcome: 'SKIPPED' }],
    [CompletedRequest, { ...report, outcome: 'FAILED', error: { category: 'OTHER', message: 'x' } }],
    [CompletedRequest, { ...report, outcome: 'SUCCEEDED', output: {}, result: {} }],
    [CompletedRequest, { ...report, outcome: 'SUCCEEDED', output: { deltaVersion: 1.5 } }],
    [CompletedRequest, { ...report, outcome: 'SUCCEEDED', output: { deltaVersion: '42' } }],
  ])('refuse a body out of shape or range (%#)', (schema, body) => {
    expect(isValid(schema, body)).toBe(false);
  });

  it('take both sides of the bounds', () => {
    expect(isValid(HeartbeatRequest, { ...report, progressPct: 0 })).toBe(true);
    expect(isValid(HeartbeatRequest, { ...report, progressPct: 100 })).toBe(true);
  });

  it('read result as output', () => {
    const body = CompletedRequest.parse({ ...report, outcome: 'SUCCEEDED', result: { deltaTable: 't' } });
    expect(body.output).toMatchObject({ deltaTable: 't' });
    expect(body).not.toHaveProperty('result');
  });

  it('tolerate further claims in a token', () => {
    const claims = {
      taskId: 'ct1_AA',
      tenantId: 'a',
      workspaceId: 'b',
      runId: `run_${'0'.repeat(26)}`,
      exp: 1,
      ...report,
    };
    expect(TaskTokenClaims.parse(claims)).not.toHaveProperty('exp');
  });
});

describe('a task output', () => {
  it('always carries its lineage members', () => {
    expect(Object.keys(TaskOutput.parse({}))).toEqual(['deltaTable', 'deltaVersion', 'deltaPartition']);
    expectTypeOf<TaskOutput>().toHaveProperty('deltaTable');
    const carries = (output: TaskOutput): unknown => output.deltaTable;
    const complete = { deltaTable: undefined, deltaVersion: undefined, deltaPartition: undefined };
    expect(carries(complete)).toBeUndefined();
    // @ts-expect-error a lineage member may be undefined, but never be left out
    carries({ deltaTable: 't', deltaVersion: 1 });
    // @ts-expect-error the version is a number
    carries({ ...complete, deltaVersion: '42' });
  });

  it('refuses lineage that is malformed', () => {
    expect(isValid(TaskOutput, { deltaTable: '' })).toBe(false);
    expect(isValid(TaskOutput, { deltaVersion: -1 })).toBe(false);
    expect(isValid(TaskOutput, { deltaPartition: 7 })).toBe(false);
  });
});

describe('claims and envelopes', () => {
  it('have defaults and bounds', () => {
    expect(ClaimRequest.parse({ workerId: 'w' })).toEqual({
      workerId: 'w',
      queue: 'default-queue',
      maxTasks: 1,
      waitMs: 0,
    });
    const bounds = [
      [{ maxTasks: 10, waitMs: 20_000 }, true],
      [{ maxTasks: 11 }, false],
      [{ maxTasks: 0 }, false],
      [{ waitMs: 20_001 }, false],
      [{ waitMs: -1 }, false],
      [{ queue: 'No Queue' }, false],
    ] as const;
    for (const [more, expected] of bounds)
      expect(isValid(ClaimRequest, { workerId: 'w', ...more })).toBe(expected);
  });

  it('read the published envelope and members it does not know', () => {
    const envelope = {
      tenantId: 'acme',
      workspaceId: 'prod',
      taskId: 'ct1_MDFKUThaM1Q1TjZNN1A4UTlSMFMxVDJWM1cAbWFya2V0cy5iYXJzXzFt',
      taskKey: 'markets.bars_1m',
      runId: 'run_01JQ8Z3T5N6M7P8Q9R0S1T2V3W',
      attempt: 1,
      attemptId: 'att_a7376ffcf0268ca0d38f1338',
      dispatchId: 'dispatch:run_01JQ8Z3T5N6M7P8Q9R0S1T2V3W:markets.bars_1m:1',
      partitionKey: 'date=d:2026-01-02',
      heartbeatTimeoutSec: 300,
      workerQueue: 'default-queue',
      callbackBaseUrl: 'http://127.0.0.1:8080',
      taskToken: 'jwt',
      tokenExpiresAt: '2026-01-02T22:00:05Z',
      payload: {},
    };
    expect(DispatchEnvelope.parse(envelope)).toEqual(envelope);
    expect(isValid(DispatchEnvelope, { ...envelope, newer: true })).toBe(true);
  });
});

describe('triggers and lists', () => {
  it('fill in what a trigger leaves out', () => {
    expect(TriggerRunRequest.parse({ selection: ['m.a'] })).toEqual({
      selection: ['m.a'],
      includeUpstream: false,
      includeDownstream: false,
      labels: {},
    });
  });

  it.each([
    { selection: [] },
    {},
    { selection: ['m.a'], partitions: [{ key: 'date', value: 'x' }], partitionKey: 'date=d:2026-01-02' },
    { selection: ['m.a'], runKey: 'k'.repeat(257) },
    { selection: ['m.a'], runKey: '' },
    { selection: ['x'.repeat(257)] },
    { selection: ['m.a'], labels: { ['k'.repeat(129)]: 'v' } },
    { selection: ['m.a'], labels: { k: 'v'.repeat(2049) } },
    { selection: ['m.a'], labels: Object.fromEntries(Array.from({ length: 129 }, (_, i) => [`k${i}`, ''])) },
    { selection: ['m.a'], surprise: true },
  ])('refuse a trigger out of bounds (%#)', (body) => {
    expect(isValid(TriggerRunRequest, body)).toBe(false);
  });

  it('take a trigger at its bounds', () => {
    const labels = Object.fromEntries(Array.from({ length: 128 }, (_, i) => [`k${i}`, 'v'.repeat(2048)]));
    expect(
      isValid(TriggerRunRequest, { selection: ['x'.repeat(256)], runKey: 'k'.repeat(256), labels }),
    ).toBe(true);
  });

  it('page by 1 to 200', () => {
    expect(RunListQuery.parse({})).toEqual({ limit: 20 });
    expect(ListQuery.parse({ limit: '200' })).toEqual({ limit: 200 });
    expect(isValid(ListQuery, { limit: '0' })).toBe(false);
    expect(isValid(ListQuery, { limit: '201' })).toBe(false);
    expect(isValid(RunListQuery, { state: 'DONE' })).toBe(false);
  });
});

describe('manifests', () => {
  it('are strict and within bounds', () => {
    const body = manifest([asset('m', 'a', [])]);
    expect(isValid(DeployManifestRequest, body)).toBe(true);
    expect(isValid(DeployManifestRequest, { ...body, extra: 1 })).toBe(false);
    const withRetry = (retry: object) => manifest([asset('m', 'a', [], { execution: { retry } })]);
    expect(isValid(DeployManifestRequest, withRetry({ maxAttempts: 20 }))).toBe(true);
    expect(isValid(DeployManifestRequest, withRetry({ maxAttempts: 21 }))).toBe(false);
    expect(isValid(DeployManifestRequest, withRetry({ factor: 0.5 }))).toBe(false);
    expect(
      isValid(
        DeployManifestRequest,
        manifest([asset('m', 'a', [], { execution: { heartbeatTimeoutSec: 29 } })]),
      ),
    ).toBe(false);
    expect(
      isValid(
        DeployManifestRequest,
        manifest([asset('m', 'a', [], { execution: { heartbeatTimeoutSec: 30 } })]),
      ),
    ).toBe(true);
  });
});

describe('facts', () => {
  const stripped = (event: {
    readonly type: string;
    readonly idempotencyKey: string;
    readonly data: object;
  }) => ({
    type: event.type,
    idempotencyKey: event.idempotencyKey,
    data: event.data,
  });

  it('of a run that lives through everything parse as they were written', () => {
    const names = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`m.t${i}`, []]));
    const story = triggered(
      planOf({ ...names, 'm.y': ['m.t2'], 'm.z': ['m.t0'] }, { partitionKey: 'date=d:2026-01-02' }),
    )
      .after(
        claim('m.t0'),
        beat('m.t0', { message: 'x' }),
        succeed('m.t0', 1, { deltaTable: 't', deltaVersion: 1 }),
      )
      .after(claim('m.t1'), cancel('m.t1'), fail('m.t2', 1, 'DATA_QUALITY'), fail('m.t3'))
      .at(START_MS + 60_000)
      .after(retry('m.t3'), sweep(START_MS + 60_000, 'm.t4'));
    const types = new Set(story.history().map(({ type }) => type));
    expect([...types].sort()).toEqual([
      'PlanCreated',
      'RunTriggered',
      'TaskCompleted',
      'TaskDispatched',
      'TaskHeartbeatRecorded',
      'TaskReadied',
      'TaskRedispatched',
      'TaskSkipped',
      'TaskStarted',
    ]);
    for (const event of story.history()) expect(RunEvent.safeParse(stripped(event)).error).toBeUndefined();
    const small = triggered(planOf({ 'm.a': [], 'm.b': ['m.a'] })).after(cancel('m.a'));
    for (const event of small.history()) expect(RunEvent.safeParse(stripped(event)).error).toBeUndefined();
    expect(Plan.safeParse(story.history()[1]?.data['plan']).success).toBe(true);
  });

  it('of a deploy parse too', () => {
    const scope = { tenantId: 'acme', workspaceId: 'prod', userId: 'u' };
    const { deployment } = deployManifest(scope, validated(manifest([asset('m', 'a', [])]))).command;
    const event = { type: 'ManifestDeployed', idempotencyKey: 'k', data: { ...deployment, deployNumber: 1 } };
    expect(isValid(ManifestDeployed, event)).toBe(true);
  });
});

describe('states', () => {
  it('have one public word each', () => {
    expectTypeOf<keyof typeof publicTaskState>().toEqualTypeOf<TaskStatus>();
    expectTypeOf<keyof typeof publicRunState>().toEqualTypeOf<RunStatus>();
    // @ts-expect-error a status that is not mapped is an error of the compiler
    const partial: Record<TaskStatus, string> = { BLOCKED: 'PENDING' };
    expect(partial).toBeDefined();
    const word = (status: RunStatus): string => {
      switch (status) {
        case 'TRIGGERED':
        case 'RUNNING':
        case 'SUCCEEDED':
        case 'FAILED':
          return publicRunState[status];
        // @ts-expect-error there is no such status
        case 'PAUSED':
          return 'never';
        case 'CANCELLED':
        case 'TIMED_OUT':
          return publicRunState[status];
      }
    };
    expect(word('TRIGGERED')).toBe('PENDING');
  });
});
