/** What the compiler has to refuse: this file fails the type check, not the run, when a promise is broken. */
import { describe, expectTypeOf, it } from 'vitest';
import type { AssetKey, AttemptId, RunId, TaskKey, TenantId, WorkspaceId } from '#contracts/ids.ts';
import { RunId as RunIdSchema } from '#contracts/ids.ts';
import type { RunEventData, RunEventType } from '#contracts/runs/run-events.ts';
import type { RunStatus, TaskStatus } from '#contracts/runs/states.ts';
import type { TaskOutput } from '#contracts/runs/task-output.ts';
import type { Effect } from '#domain/kernel/effect.ts';
import type { RunCommand } from '#domain/run/command.ts';

const run = RunIdSchema.parse('run_01JQ8Z3T5N6M7P8Q9R0S1T2V3W');

describe('branded ids', () => {
  it('do not mix', () => {
    expectTypeOf<RunId>().not.toExtend<TaskKey>();
    expectTypeOf<TaskKey>().not.toExtend<AssetKey>();
    expectTypeOf<AttemptId>().not.toExtend<RunId>();
    expectTypeOf<TenantId>().not.toExtend<WorkspaceId>();
    expectTypeOf<RunId>().toExtend<string>();
    // @ts-expect-error a text is no run id before it was parsed
    const text: RunId = 'run_01JQ8Z3T5N6M7P8Q9R0S1T2V3W';
    // @ts-expect-error a run id is no task key
    const key: TaskKey = run;
    expectTypeOf(text).toEqualTypeOf<RunId>();
    expectTypeOf(key).toEqualTypeOf<TaskKey>();
  });
});

describe('task output', () => {
  it('always carries its lineage members, present or undefined', () => {
    expectTypeOf<TaskOutput>().toHaveProperty('deltaTable').toEqualTypeOf<string | undefined>();
    expectTypeOf<Pick<TaskOutput, 'deltaTable' | 'deltaVersion' | 'deltaPartition'>>().toEqualTypeOf<{
      readonly deltaTable: string | undefined;
      readonly deltaVersion: number | undefined;
      readonly deltaPartition: string | undefined;
    }>();
    // @ts-expect-error code that builds an output must name its lineage
    const output: TaskOutput = { materializationId: 'mat_1', rowCount: 1 };
    expectTypeOf(output).toEqualTypeOf<TaskOutput>();
  });
});

describe('unions', () => {
  it('are switched over without a default, so that a new member stops the build', () => {
    const letterOf = (status: RunStatus): string => {
      switch (status) {
        case 'TRIGGERED':
        case 'RUNNING':
          return 'open';
        case 'SUCCEEDED':
        case 'FAILED':
        case 'CANCELLED':
        case 'TIMED_OUT':
          return 'ended';
      }
    };
    // @ts-expect-error what forgets members returns nothing for them
    const forgetful = (status: RunStatus): string => {
      if (status === 'RUNNING') return 'open';
    };
    expectTypeOf(letterOf).returns.toEqualTypeOf<string>();
    expectTypeOf(forgetful).parameter(0).toEqualTypeOf<RunStatus>();
  });

  it('are mapped whole, so that a forgotten member is a fault', () => {
    // @ts-expect-error every status of a task needs an entry
    const words: Record<TaskStatus, string> = { READY: 'ready' };
    expectTypeOf(words).toExtend<object>();
  });

  it('name exactly what they hold', () => {
    expectTypeOf<Effect['kind']>().toEqualTypeOf<
      'offer-task' | 'withdraw-task' | 'start-execution' | 'send-message' | 'issue-command'
    >();
    expectTypeOf<RunCommand['type']>().toExtend<string>();
    expectTypeOf<RunEventData<'RunCompleted'>>().toHaveProperty('outcome');
    expectTypeOf<'RunExploded'>().not.toExtend<RunEventType>();
  });
});

describe('data', () => {
  it('is readonly', () => {
    const rename = (data: RunEventData<'RunTriggered'>): void => {
      // @ts-expect-error what was recorded is never changed
      data.fingerprint = 'other';
    };
    expectTypeOf(rename).parameter(0).toEqualTypeOf<RunEventData<'RunTriggered'>>();
  });
});
