import { describe, expect, it } from 'vitest';
import {
  LifecycleCall,
  OrchestratorHealth,
  OrchestratorState,
  RetryPolicy,
} from '#contracts/market/operation.ts';
import { changeState, exhausted, healthOf } from '#domain/market/operation/lifecycle.ts';
import { afterFailure, retryDelays } from '#domain/market/operation/retry.ts';

const policy = (
  min_delay_ms: number,
  max_delay_ms: number,
  max_attempts: number,
  max_elapsed_ms: number | null = null,
): RetryPolicy => RetryPolicy.parse({ min_delay_ms, max_delay_ms, max_attempts, max_elapsed_ms });

describe('the delays of a retry policy', () => {
  it.each([
    [policy(100, 1_000, 6), [100, 200, 400, 800, 1_000, 1_000]],
    [policy(250, 5_000, 5), [250, 500, 1_000, 2_000, 4_000]],
    [policy(100, 150, 4), [100, 150, 150, 150]],
    [policy(100, 1_000, 6, 500), [100, 200]],
    [policy(100, 1_000, 6, 300), [100, 200]],
    [policy(100, 1_000, 6, 299), [100]],
    [policy(100, 1_000, 6, 99), []],
  ])('of %j are %j', (of, delays) => {
    expect(retryDelays(of)).toEqual(delays);
  });

  it('are waited for between attempts, and none after the last', () => {
    const after = [1, 2, 3, 4].map((attempts) => afterFailure(attempts, policy(100, 1_000, 3)));

    expect(after).toEqual([
      { kind: 'wait', delayMs: 100 },
      { kind: 'wait', delayMs: 200 },
      { kind: 'exhausted' },
      { kind: 'exhausted' },
    ]);
  });

  it('leave one attempt where they allow none', () => {
    expect(afterFailure(1, policy(100, 1_000, 6, 99))).toEqual({ kind: 'exhausted' });
    expect(afterFailure(1, policy(1, 1, 1))).toEqual({ kind: 'exhausted' });
  });
});

describe('the life of an orchestrator', () => {
  const allowed: Readonly<Record<string, string>> = {
    'init start': 'running',
    'drained start': 'running',
    'running drain': 'drained',
  };

  it.each(
    OrchestratorState.options.flatMap((state) => LifecycleCall.options.map((call) => [state, call] as const)),
  )('from %s by %s', (state, call) => {
    const always = { stop: 'stopped', degrade: 'degraded', start: undefined, drain: undefined }[call];
    const to = always ?? allowed[`${state} ${call}`];

    expect(changeState(state, call)).toEqual(
      to === undefined
        ? { kind: 'refused', message: `cannot ${call} from ${state}` }
        : { kind: 'changed', state: to },
    );
  });

  it('is ready when it runs and nothing is paused', () => {
    const flags = [false, true];
    const ready = OrchestratorState.options
      .flatMap((state) =>
        flags.flatMap((ingestion_paused) =>
          flags.map((scheduling_paused) => healthOf({ state, ingestion_paused, scheduling_paused })),
        ),
      )
      .map((health) => OrchestratorHealth.parse(health))
      .filter((health) => health.ready);

    expect(ready).toEqual([
      { ready: true, state: 'running', ingestion_paused: false, scheduling_paused: false },
    ]);
  });

  it.each([
    ['ingest', 'IngestionFailure', {}],
    ['buffer', 'BufferAppendFailure', { state: 'degraded', ingestion_paused: true }],
    ['engine', 'EngineRunFailure', {}],
    ['publish', 'PublishFailure', { scheduling_paused: true }],
  ] as const)('after the %s gave up is told as %s', (domain, error, change) => {
    const standing = { state: 'running', ingestion_paused: false, scheduling_paused: false } as const;

    const told = exhausted(domain, standing);

    expect([told.error, told.standing]).toEqual([error, { ...standing, ...change }]);
    expect(told.message).toMatch(/ retries exhausted$/);
  });
});
