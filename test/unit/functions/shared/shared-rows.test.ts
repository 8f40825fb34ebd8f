/** Several streams and one row: whoever loses a race merges again, and the row is that of the ledger. */
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { RunId } from '#contracts/ids.ts';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import type { Projection, Row } from '#domain/kernel/projection.ts';
import type { StoredCommit } from '#domain/ports/ledger.ts';
import type { RunCommand } from '#domain/run/command.ts';
import { attemptId, planId } from '#domain/kernel/ids.ts';
import { partitionRowsKey } from '#domain/run/partition-rows.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runProjection } from '#domain/run/run-projection.ts';
import { runStream } from '#domain/run/run-stream.ts';
import { handleCommands } from '#functions/shared/command-handler.ts';
import { compact } from '#functions/shared/compaction.ts';
import { adaptersOf, commandPorts, requestOf, streamedCommits, witness } from '#test/support/ledger.ts';
import { localStage } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';
import { claim, fail, planOf, retry, scope, succeed, triggerOf } from '#test/support/run-fixtures.ts';

const DAY = 'date=d:2026-01-02';
const runIdOf = (run: number): RunId => RunId.parse(`run_${String(run).padStart(26, '0')}`);
const streamOf = (run: number): string => runStream({ ...scope, runId: runIdOf(run) });

type Step = readonly [
  run: number,
  command: 'claim' | 'succeed' | 'fail' | 'retry',
  attempt: number,
  waitMs?: number,
];

/** The same command as of another run: attempt ids name theirs. */
const ofRun = (run: number, command: RunCommand, attempt: number): RunCommand => {
  const id = attemptId({ runId: runIdOf(run), taskKey: 'm.a', attempt });
  if ('attemptId' in command) return { ...command, attemptId: id };
  return 'report' in command
    ? ({ ...command, report: { ...command.report, attemptId: id } } as RunCommand)
    : command;
};

const commandOf = {
  claim: (attempt: number) => claim('m.a', 'wk-1', attempt),
  succeed: (attempt: number) => succeed('m.a', attempt, { deltaTable: 'm.a', deltaVersion: attempt }),
  fail: (attempt: number) => fail('m.a', attempt),
  retry: (attempt: number) => retry('m.a', attempt),
};

/** Two runs of one asset and one partition, whose attempts follow these steps. */
const written = async (steps: readonly Step[]): Promise<LocalStage> => {
  const stage = await localStage();
  const ports = commandPorts(stage);
  const send = async (run: number, command: RunCommand): Promise<void> => {
    await handleCommands(ports, runAggregate, {
      requests: [requestOf(streamOf(run), command, { isAnswered: true })],
    });
  };
  const plan = planOf({ 'm.a': [] }, { partitionKey: DAY });
  for (const run of [1, 2])
    await send(run, triggerOf(plan, { runId: runIdOf(run), planId: planId(runIdOf(run)) }));
  for (const [run, command, attempt, waitMs = 1_000] of steps) {
    stage.clock.jump(stage.clock.nowMs() + waitMs);
    await send(run, ofRun(run, commandOf[command](attempt), attempt));
  }
  return stage;
};

const partitionsOf = async (views: ReturnType<typeof adaptersOf>['views']): Promise<readonly Row[]> =>
  (await views.partition(partitionRowsKey(scope, 'm.a'))).rows;

const compactInto = async (
  stage: LocalStage,
  views: ReturnType<typeof adaptersOf>['views'],
  batches: readonly (readonly StoredCommit[])[],
  projection: Projection = runProjection,
) => {
  const telemetry = witness();
  const { ledger } = adaptersOf(stage);
  for (const batch of batches)
    await compact({ views, ledger, telemetry, nowMs: stage.clock.nowMs }, { run: projection }, batch);
  return telemetry;
};

/** Run 1 fails and waits for its retry while run 2 succeeds; then run 1 fails again. */
const overlapping: readonly Step[] = [
  [1, 'claim', 1],
  [1, 'fail', 1],
  [2, 'claim', 1],
  [2, 'succeed', 1],
  [1, 'retry', 1, 60_000],
  [1, 'claim', 2],
  [1, 'fail', 2],
];

describe('the row of a partition that two runs attempt', () => {
  let stage: LocalStage;
  let views: ReturnType<typeof adaptersOf>['views'];
  beforeEach(async () => {
    stage = await written(overlapping);
    ({ views } = adaptersOf(stage));
  });

  const EXPECTED = {
    assetKey: 'm.a',
    partitionKey: DAY,
    lastAttemptRunId: runIdOf(1),
    lastAttemptOutcome: 'failed',
    lastMaterializationRunId: runIdOf(2),
    lastMaterializationCodeVersion: 'git-1',
    deltaTable: 'm.a',
    deltaVersion: 1,
    deltaPartition: DAY,
    executionLineageRef: JSON.stringify({
      runId: runIdOf(2),
      taskKey: 'm.a',
      attempt: 1,
      deltaTable: 'm.a',
      deltaVersion: 1,
      deltaPartition: DAY,
    }),
  };

  it('has the failed attempt that is followed by another, and the success of before it', async () => {
    await compactInto(stage, views, [streamedCommits(stage)]);

    expect(await partitionsOf(views)).toMatchObject([{ sk: `p#${DAY}`, data: EXPECTED }]);
  });

  it('takes an older success that arrives after a newer failure, and leaves the failure', async () => {
    const commits = streamedCommits(stage);
    const of = (run: number) => commits.filter(({ stream }) => stream === streamOf(run));

    await compactInto(stage, views, [of(1)]);
    const before = await partitionsOf(views);
    await compactInto(stage, views, [of(2)]);

    expect(before).toMatchObject([{ data: { lastAttemptRunId: runIdOf(1) } }]);
    expect(before[0]?.data).not.toHaveProperty('lastMaterializationRunId');
    expect(await partitionsOf(views)).toMatchObject([{ data: EXPECTED }]);
  });

  it('writes nothing for what an earlier delivery already said', async () => {
    const commits = streamedCommits(stage);
    await compactInto(stage, views, [commits]);
    // The rows of the runs are gone, as after a crash before they were written; that of the partition is not.
    const fresh = adaptersOf(await localStage()).views;
    for (const row of await partitionsOf(views)) await fresh.replace(row, undefined);
    let replaced = 0;
    const counting = {
      ...fresh,
      replace: (...given: Parameters<typeof fresh.replace>) => {
        replaced += 1;
        return fresh.replace(...given);
      },
    };

    await compactInto(stage, counting, [commits]);

    expect(replaced).toBe(0);
    expect(await partitionsOf(fresh)).toEqual(await partitionsOf(views));
  });

  it('merges again when another writer came between, and loses nothing of either', async () => {
    const commits = streamedCommits(stage);
    let raced = false;
    const racing = {
      ...views,
      replace: async (...given: Parameters<typeof views.replace>) => {
        if (!raced) {
          raced = true;
          await compactInto(stage, views, [commits.filter(({ stream }) => stream === streamOf(2))]);
        }
        return views.replace(...given);
      },
    };

    await compactInto(stage, racing, [commits.filter(({ stream }) => stream === streamOf(1))]);

    expect(raced).toBe(true);
    expect(await partitionsOf(views)).toMatchObject([{ data: EXPECTED }]);
  });

  it('fails the batch when others change the row at each of 50 tries', async () => {
    let tries = 0;
    const beaten = {
      ...views,
      replace: () => {
        tries += 1;
        return Promise.resolve(false);
      },
    };

    const ofOneRun = streamedCommits(stage).filter(({ stream }) => stream === streamOf(2));

    await expect(compactInto(stage, beaten, [ofOneRun])).rejects.toThrow(
      `the row partition#acme/prod/m.a p#${DAY} was changed by others at each of 50 tries`,
    );

    expect(tries).toBe(50);
  });

  it('replaces a damaged row that has no version of its kind', async () => {
    const key = { pk: partitionRowsKey(scope, 'm.a'), sk: `p#${DAY}` };
    await views.put({ ...key, version: 7, data: { lost: true } });

    await compactInto(stage, views, [streamedCommits(stage)]);

    expect(await views.get(key)).toMatchObject({ data: EXPECTED });
  });

  it('reports an event its projection cannot read, once, and goes on', async () => {
    const faulty: Projection = {
      ...runProjection,
      shared: {
        statements: (event) => {
          if (event.sequence === 5) throw new Error('cannot read five');
          return runProjection.shared?.statements(event) ?? [];
        },
        merge: (one) => one,
      },
    };

    const telemetry = await compactInto(stage, views, [streamedCommits(stage).slice(0, 4)], faulty);

    expect(telemetry.counted.get('ProjectionFailures')).toBe(1);
    expect(telemetry.logged).toMatchObject([{ fields: { sequence: 5, errorMessage: 'cannot read five' } }]);
  });
});

describe('the rows of partitions', () => {
  it('are those of the ledger, whatever streams came first, late or twice', async () => {
    const kinds = fc.constantFrom('claim', 'claim', 'succeed', 'fail', 'retry');
    const steps = fc.array(
      fc.tuple(
        fc.integer({ min: 1, max: 2 }),
        kinds,
        fc.integer({ min: 1, max: 2 }),
        fc.constantFrom(0, 1_000, 61_000),
      ),
      { minLength: 4, maxLength: 24 },
    );
    const order = fc.array(fc.nat(), { minLength: 2, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(steps, order, async (given, chosen) => {
        const stage = await written(given);
        const commits = streamedCommits(stage);
        const rowsAfter = async (batches: readonly (readonly StoredCommit[])[]): Promise<string> => {
          const { views } = adaptersOf(await localStage());
          await compactInto(stage, views, batches);
          return canonicalJson(await partitionsOf(views));
        };
        const shuffled = chosen.map((place) =>
          commits.slice(place % commits.length).slice(0, 1 + (place % 3)),
        );

        const live = await rowsAfter([...shuffled, [...commits].reverse()]);
        const rebuilt = await rowsAfter(commits.map((commit) => [commit]));

        expect(live).toBe(rebuilt);
      }),
      { numRuns: 15 },
    );
  });
});
