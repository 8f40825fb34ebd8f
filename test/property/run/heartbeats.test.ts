/** Workers may beat as they like: they stay, and the stream of their run grows with time alone. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runTiming } from '#contracts/runs/limits.ts';
import type { RunCommand } from '#domain/run/command.ts';
import { heartbeatIntervalMs } from '#domain/run/heartbeat.ts';
import { START_MS, beat, claim, planOf, sweep, triggered } from '#test/support/run-fixtures.ts';

interface Beat {
  /** Part of the timeout that passes before it, at most the whole of it. */
  readonly afterPart: number;
  readonly said: { readonly progressPct?: number; readonly message?: string };
}

const parts = fc.oneof(
  fc.constantFrom(0, 0.001, 0.249, 0.25, 0.251, 0.999, 1),
  fc.double({ min: 0, max: 1, noNaN: true }),
);

const said: fc.Arbitrary<Beat['said']> = fc.oneof(
  fc.constant({}),
  fc.record({ progressPct: fc.nat(3) }),
  fc.record({ message: fc.constantFrom('', 'one', 'two') }),
);

const timeouts = fc.constantFrom(30, 60, 119, 120, 300, 3_600);

const beats = (what: fc.Arbitrary<Beat['said']>): fc.Arbitrary<readonly Beat[]> =>
  fc.array(fc.record({ afterPart: parts, said: what }), { minLength: 1, maxLength: 60 });

interface Moment {
  readonly atMs: number;
  readonly command: RunCommand;
}

const momentsOf = (timeoutSec: number, given: readonly Beat[]): readonly Moment[] => {
  let atMs = START_MS;
  return given.map(({ afterPart, said: report }) => {
    atMs += Math.floor(afterPart * timeoutSec * 1000);
    return { atMs, command: beat('m.a', report) };
  });
};

const claimed = (heartbeatTimeoutSec: number) =>
  triggered(planOf({ 'm.a': [] }, { policy: { heartbeatTimeoutSec } })).after(claim('m.a'));

describe('heartbeats', () => {
  it('keep the attempt of a worker that beats within its timeout, whenever the run is swept', () => {
    const sweeps = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 });
    fc.assert(
      fc.property(timeouts, beats(said), sweeps, (timeoutSec, given, looks) => {
        const moments = momentsOf(timeoutSec, given);
        // Until the worker has been silent for its timeout and the grace, less a millisecond.
        const lastMs = (moments.at(-1)?.atMs ?? START_MS) + timeoutSec * 1000 + runTiming.heartbeatGraceMs;
        const swept = [...looks, 1].map((part): Moment => {
          const atMs = START_MS + Math.ceil(part * (lastMs - START_MS)) - 1;
          return { atMs, command: sweep(atMs) };
        });
        const story = claimed(timeoutSec);
        // A sweep at the very instant of a heartbeat may come before it.
        for (const { atMs, command } of [...swept, ...moments].sort((left, right) => left.atMs - right.atMs))
          story.at(Math.max(START_MS, atMs)).after(command);
        expect(story.state()).toMatchObject({ tasks: [{ status: 'RUNNING' }] });
      }),
      { numRuns: 300 },
    );
  });

  it('are commits at most once an interval, and at most once in five seconds when they say something', () => {
    fc.assert(
      fc.property(timeouts, fc.boolean(), beats(said), (timeoutSec, isSilent, given) => {
        const moments = momentsOf(timeoutSec, isSilent ? given.map((one) => ({ ...one, said: {} })) : given);
        const story = claimed(timeoutSec);
        let commits = 0;
        for (const { atMs, command } of moments)
          if (story.at(atMs).when(command).events.length > 0) commits += 1;
        const leastMs = isSilent ? heartbeatIntervalMs(timeoutSec) : runTiming.progressIntervalMs;
        const elapsedMs = (moments.at(-1)?.atMs ?? START_MS) - START_MS;
        expect(commits).toBeLessThanOrEqual(1 + Math.floor(elapsedMs / leastMs));
      }),
      { numRuns: 300 },
    );
  });

  it('give a silent worker up at most an interval after timeout and grace', () => {
    fc.assert(
      fc.property(timeouts, beats(said), (timeoutSec, given) => {
        const moments = momentsOf(timeoutSec, given);
        const story = claimed(timeoutSec);
        for (const { atMs, command } of moments) story.at(atMs).after(command);
        const lastMs = moments.at(-1)?.atMs ?? START_MS;
        const goneMs =
          lastMs + timeoutSec * 1000 + runTiming.heartbeatGraceMs + heartbeatIntervalMs(timeoutSec);
        story.at(goneMs).after(sweep(goneMs));
        expect(story.history().at(-1)).toMatchObject({
          type: 'TaskCompleted',
          data: { failure: 'heartbeat_timeout' },
        });
      }),
    );
  });
});
