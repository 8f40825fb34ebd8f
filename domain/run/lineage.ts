/** Evidence of a materialization, byte for byte the same wherever it is shown. */
import type { RunEventData } from '#contracts/runs/run-events.ts';

/** What a success says about where its output went; the partition falls back to the task's. */
export interface Lineage {
  readonly materializationId?: string;
  readonly deltaTable?: string;
  readonly deltaVersion?: number;
  readonly deltaPartition?: string;
}

/** The lineage of a completion, members in the order the reference fixes. */
export const lineageOf = (data: RunEventData<'TaskCompleted'>): Lineage => {
  const { deltaTable, deltaVersion, deltaPartition } = data.output ?? {};
  const partition = deltaPartition ?? data.partitionKey;
  return {
    ...(data.materializationId === undefined ? {} : { materializationId: data.materializationId }),
    ...(deltaTable === undefined ? {} : { deltaTable }),
    ...(deltaVersion === undefined ? {} : { deltaVersion }),
    ...(partition === undefined ? {} : { deltaPartition: partition }),
  };
};

/** The lineage as one JSON text: `runId, taskKey, attempt`, then what is known of the output. */
export const executionLineageRef = (runId: string, data: RunEventData<'TaskCompleted'>): string =>
  JSON.stringify({ runId, taskKey: data.taskKey, attempt: data.attempt, ...lineageOf(data) });
