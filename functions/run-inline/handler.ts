/** Consumes `inline-runs`: a run per message, or one attempt for the queue of an execution location; several at once. */
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { readEnvironment } from '#contracts/config.ts';
import { sqsClient } from '#adapters/sdk/sqs-client.ts';
import { workerQueues } from '#adapters/sqs/worker-queues.ts';
import { dispatchTask, isDispatch } from '#functions/run-inline/dispatch-task.ts';
import { runInline } from '#functions/run-inline/run-inline.ts';
import { runners } from '#functions/run-inline/runners.ts';
import { lazily } from '#functions/shared/handler.ts';
import type { Source } from '#functions/shared/handler.ts';
import { locationGate } from '#functions/shared/location-gate.ts';
import { runLoader } from '#functions/shared/load-run.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { eachMessage } from '#functions/shared/queue-batch.ts';
import { actingOf, taskTokensOf } from '#functions/shared/wiring.ts';

/** Builds the handler from its settings. */
export const createHandler = (source: Source, plugin?: object) => {
  const environment = readEnvironment('run-inline', source);
  const platform = platformOf(plugin);
  const acting = actingOf('run-inline', environment, platform);
  const ports = {
    ...acting,
    loadRun: runLoader(acting),
    perform: acting.ports.perform,
    runners,
    nowMs: platform.nowMs,
    inlineStepsMax: environment.LIMITS.inlineStepsMax,
  };
  const sending = {
    ledger: acting.ledger,
    tokens: taskTokensOf(environment, platform),
    isOpen: locationGate(acting.ledger, platform.nowMs),
    sendTo: workerQueues(sqsClient(platform.plugin), environment.WORKER_QUEUES_URL),
  };
  return async (event: SQSEvent): Promise<SQSBatchResponse> => {
    const answer = await eachMessage(event.Records, acting.telemetry, ({ body, attributes }) =>
      isDispatch(body)
        ? dispatchTask(sending, body)
        : runInline(ports, { body, isRepeat: Number(attributes.ApproximateReceiveCount) > 1 }),
    );
    acting.telemetry.flush();
    return answer;
  };
};

/** What AWS calls; it builds itself at the first event. */
export const handler = lazily(createHandler);
