/** A read model built from whatever deliveries there were equals one built from the ledger alone (law 1). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runProjection } from '#domain/run/run-projection.ts';
import type { RunCommand } from '#domain/run/command.ts';
import type { StoredCommit } from '#domain/ports/ledger.ts';
import { compact } from '#functions/shared/compaction.ts';
import { handleCommands } from '#functions/shared/command-handler.ts';
import { adaptersOf, commandPorts, requestOf, streamedCommits, witness } from '#test/support/ledger.ts';
import { localStage } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';
import {
  beat,
  claim,
  fail,
  planOf,
  retry,
  stream,
  succeed,
  sweep,
  triggerOf,
} from '#test/support/run-fixtures.ts';

const edges = { 'm.a': [], 'm.b': ['m.a'], 'm.c': ['m.a'], 'm.d': ['m.b', 'm.c'] };
const tasks = Object.keys(edges);

interface Step {
  readonly kind: 'claim' | 'succeed' | 'fail' | 'beat' | 'retry' | 'sweep';
  readonly task: string;
  readonly attempt: number;
  readonly waitMs: number;
}

const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom('claim', 'claim', 'succeed', 'succeed', 'fail', 'beat', 'retry', 'sweep'),
    task: fc.constantFrom(...tasks),
    attempt: fc.integer({ min: 1, max: 2 }),
    waitMs: fc.constantFrom(0, 1_000, 61_000, 400_000),
  }),
  { maxLength: 40 },
);

const commandOf = ({ kind, task, attempt }: Step, nowMs: number): RunCommand => {
  switch (kind) {
    case 'claim':
      return claim(task, 'wk-1', attempt);
    case 'succeed':
      return succeed(task, attempt);
    case 'fail':
      return fail(task, attempt);
    case 'beat':
      return beat(task, { attempt });
    case 'retry':
      return retry(task, attempt);
    case 'sweep':
      return sweep(nowMs, ...tasks);
  }
};

const written = async (given: readonly Step[]): Promise<LocalStage> => {
  const stage = await localStage();
  const ports = commandPorts(stage);
  const handle = (command: RunCommand) =>
    handleCommands(ports, runAggregate, { requests: [requestOf(stream, command, { isAnswered: true })] });
  await handle(triggerOf(planOf(edges)));
  for (const step of given) {
    stage.clock.jump(stage.clock.nowMs() + step.waitMs);
    await handle(commandOf(step, stage.clock.nowMs()));
  }
  return stage;
};

const digestAfter = async (
  stage: LocalStage,
  batches: readonly (readonly StoredCommit[])[],
): Promise<string> => {
  const { ledger } = adaptersOf(stage);
  const { views } = adaptersOf(await localStage());
  const telemetry = witness();
  for (const batch of batches)
    await compact({ views, ledger, telemetry, nowMs: stage.clock.nowMs }, { run: runProjection }, batch);
  expect(telemetry.counted.get('ProjectionFailures')).toBeUndefined();
  const { rows } = await views.partition(stream);
  expect(rows.length).toBeGreaterThan(0);
  return sha256Hex(canonicalJson(rows));
};

describe('the read model of runs', () => {
  it('is the same however its commits were delivered', async () => {
    const deliveries = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 7 })), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(steps, deliveries, async (given, chosen) => {
        const stage = await written(given);
        const commits = streamedCommits(stage);
        // Batches that overlap, repeat, leave out and come in any order; the newest commit comes at last.
        const batches = chosen.map(([start, length]) => {
          const from = start % commits.length;
          return commits.slice(from, from + length);
        });

        const live = await digestAfter(stage, [...batches, commits.slice(-1)]);
        const rebuilt = await digestAfter(
          stage,
          commits.map((commit) => [commit]),
        );

        expect(live).toBe(rebuilt);
      }),
      { numRuns: 30 },
    );
  });
});
