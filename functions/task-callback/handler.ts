/** Serves the callbacks of workers. */
import { readEnvironment } from '#contracts/config.ts';
import { runLimits } from '#contracts/runs/limits.ts';
import { lazily } from '#functions/shared/handler.ts';
import type { Source } from '#functions/shared/handler.ts';
import { httpHandler } from '#functions/shared/http.ts';
import { runLoader } from '#functions/shared/load-run.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { actingOf, taskTokensOf } from '#functions/shared/wiring.ts';
import { uploadAttemptLog } from '#functions/task-callback/attempt-log.ts';
import { reportAttemptVisibility } from '#functions/task-callback/attempt-visibility.ts';
import { callbackOperation } from '#functions/task-callback/task-callback.ts';

/** Builds the handler from its settings. */
export const createHandler = (source: Source, plugin?: object) => {
  const environment = readEnvironment('task-callback', source);
  const platform = platformOf(plugin);
  const acting = actingOf('task-callback', environment, platform);
  const ports = {
    ...acting,
    loadRun: runLoader(acting),
    tokens: taskTokensOf(environment, platform),
    nowMs: platform.nowMs,
    callbackQueueTasksMin: environment.LIMITS.callbackQueueTasksMin,
  };
  return httpHandler({
    operations: {
      reportTaskStarted: callbackOperation(ports, 'started'),
      reportTaskHeartbeat: callbackOperation(ports, 'heartbeat'),
      reportTaskCompleted: callbackOperation(ports, 'completed'),
      uploadAttemptLog: uploadAttemptLog(ports),
      reportAttemptVisibility: reportAttemptVisibility(ports),
    },
    telemetry: acting.telemetry,
    bodyBytesMax: environment.LIMITS.requestBytesMax,
    bodyBytesMaxOf: { uploadAttemptLog: runLimits.logRequestBytesMax },
    nowMs: platform.nowMs,
  });
};

/** What AWS calls; it builds itself at the first event. */
export const handler = lazily(createHandler);
