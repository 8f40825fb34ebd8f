/** The fact an ended attempt leaves, whether a worker reported it or Sluice gave the attempt up. */
import type { CompletedRequest, WorkerId } from '#contracts/runs/callbacks.ts';
import { runLimits } from '#contracts/runs/limits.ts';
import type { RetryPolicy } from '#contracts/runs/plan.ts';
import type { AttemptFailure, AttemptOutcome, RunEventData } from '#contracts/runs/run-events.ts';
import type { TaskError, TaskOutput } from '#contracts/runs/task-output.ts';
import { attemptId } from '#domain/kernel/ids.ts';
import { redactJson, redactSecrets } from '#domain/kernel/redact.ts';
import { attemptRef, record } from '#domain/run/draft.ts';
import type { Draft } from '#domain/run/draft.ts';
import { reportHashOf } from '#domain/run/guard.ts';
import { isRetryable, retryAtMs } from '#domain/run/retry.ts';
import { isBeingStopped, originOf, plannedTask, policyOf } from '#domain/run/run.ts';
import { safeText } from '#domain/run/safe-text.ts';

/** The worker id under which Sluice itself ends attempts. */
export const SWEEPER = 'sweeper' as WorkerId;

/** Records a worker's completion of its attempt. */
export const completeByReport = (draft: Draft, taskIndex: number, report: CompletedRequest): void => {
  const { outcome, output, metrics, cancelledDuringPhase, partialProgress, workerId } = report;
  const { retry } = policyOf(originOf(draft.run).plan, taskIndex);
  const error = report.error && safeError(report.error, retry);
  const { materializationId } = output ?? {};
  complete(draft, taskIndex, {
    attempt: report.attempt,
    workerId,
    outcome,
    reportHash: reportHashOf(report),
    ...(error === undefined ? {} : { error }),
    ...(materializationId === undefined ? {} : { materializationId }),
    ...(output === undefined ? {} : { output: safeOutput(output) }),
    ...(metrics === undefined ? {} : { metrics }),
    ...(cancelledDuringPhase === undefined ? {} : { cancelledDuringPhase: safeText(cancelledDuringPhase) }),
    ...(partialProgress === undefined ? {} : { partialProgress: safeProgress(partialProgress) }),
  });
};

/** Records that Sluice gave an attempt up. */
export const completeByFailure = (
  draft: Draft,
  taskIndex: number,
  given: {
    readonly attempt: number;
    /** Default `FAILED`. */
    readonly outcome?: AttemptOutcome;
    readonly failure: AttemptFailure;
    readonly error: TaskError;
  },
): void => {
  const { attempt, outcome = 'FAILED', failure } = given;
  const { retry } = policyOf(originOf(draft.run).plan, taskIndex);
  const error = { ...given.error, retryable: isRetryable(given.error, retry.retryOn) };
  const hashed = { attempt, attemptId: attemptId(attemptRef(originOf(draft.run), taskIndex, attempt)) };
  complete(draft, taskIndex, {
    attempt,
    workerId: SWEEPER,
    outcome,
    reportHash: reportHashOf({ ...hashed, workerId: SWEEPER, outcome: 'FAILED', error }),
    failure,
    error,
  });
};

type Ending = Omit<
  RunEventData<'TaskCompleted'>,
  'taskIndex' | 'taskKey' | 'attemptId' | 'retryAtMs' | 'assetKey' | 'partitionKey' | 'codeVersion'
>;

const complete = (draft: Draft, taskIndex: number, ending: Ending): void => {
  const origin = originOf(draft.run);
  const ref = attemptRef(origin, taskIndex, ending.attempt);
  const { key, assetKey } = plannedTask(origin.plan, taskIndex);
  const { partitionKey } = origin.plan;
  const { codeVersion } = origin.header;
  const { retry } = policyOf(origin.plan, taskIndex);
  const hasFailed = ending.outcome === 'FAILED' || ending.outcome === 'TIMED_OUT';
  // What fails while its run is being stopped has stopped: no other attempt follows.
  const isStopped = hasFailed && isBeingStopped(draft.run, taskIndex);
  const retryAt =
    hasFailed && !isStopped ? retryAtMs(retry, { ref, error: ending.error, nowMs: draft.nowMs }) : undefined;
  record(draft, {
    type: 'TaskCompleted',
    idempotencyKey: `finished:${ref.runId}:${key}:${ending.attempt}`,
    data: {
      taskIndex,
      taskKey: key,
      attemptId: attemptId(ref),
      ...ending,
      ...(isStopped ? { outcome: 'CANCELLED' as const } : {}),
      ...(retryAt === undefined ? {} : { retryAtMs: retryAt }),
      ...(assetKey === undefined ? {} : { assetKey }),
      ...(partitionKey === undefined ? {} : { partitionKey }),
      ...(codeVersion === undefined ? {} : { codeVersion }),
    },
  });
};

/** The error with its retryability made explicit, so that no reader needs the table of categories. */
const safeError = (error: TaskError, { retryOn }: RetryPolicy): TaskError => ({
  category: error.category,
  message: safeText(error.message),
  ...(error.stackTrace === undefined
    ? {}
    : { stackTrace: safeText(error.stackTrace, runLimits.stackTraceLengthMax) }),
  retryable: isRetryable(error, retryOn),
});

const safeOutput = (output: TaskOutput): TaskOutput => ({
  ...output,
  ...(output.outputPath === undefined ? {} : { outputPath: redactSecrets(output.outputPath) }),
  ...(output.publishError === undefined ? {} : { publishError: safeText(output.publishError) }),
});

type Progress = Exclude<CompletedRequest['partialProgress'], undefined>;

const safeProgress = (progress: Progress): Progress => {
  const bytes = Buffer.byteLength(JSON.stringify(progress), 'utf8');
  return bytes <= runLimits.partialProgressBytesMax
    ? (redactJson(progress) as Progress)
    : { omittedBytes: bytes };
};
