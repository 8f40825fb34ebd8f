/** Consumes `function-tasks`: an attempt per message, several at once. */
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { readEnvironment } from '#contracts/config.ts';
import { lambdaFunctions } from '#adapters/lambda/functions.ts';
import { lambdaClient } from '#adapters/sdk/lambda-client.ts';
import { runTask } from '#functions/run-task/run-task.ts';
import { lazily, remainingOf } from '#functions/shared/handler.ts';
import type { Invocation, Source } from '#functions/shared/handler.ts';
import { locationGate } from '#functions/shared/location-gate.ts';
import { runLoader } from '#functions/shared/load-run.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { eachMessage } from '#functions/shared/queue-batch.ts';
import { actingOf, taskTokensOf } from '#functions/shared/wiring.ts';

/** Builds the handler from its settings. */
export const createHandler = (source: Source, plugin?: object) => {
  const environment = readEnvironment('run-task', source);
  const platform = platformOf(plugin);
  const acting = actingOf('run-task', environment, platform);
  const ports = {
    ...acting,
    loadRun: runLoader(acting),
    tokens: taskTokensOf(environment, platform),
    isOpen: locationGate(acting.ledger, platform.nowMs),
    invoke: lambdaFunctions(lambdaClient(platform.plugin)),
    nowMs: platform.nowMs,
    sleep: platform.sleep,
    functionStepsMax: environment.LIMITS.functionStepsMax,
  };
  return async (event: SQSEvent, invocation?: Invocation): Promise<SQSBatchResponse> => {
    const work = { ...ports, remainingMs: remainingOf(invocation) };
    const answer = await eachMessage(event.Records, acting.telemetry, ({ body }) => runTask(work, body));
    acting.telemetry.flush();
    return answer;
  };
};

/** What AWS calls; it builds itself at the first event. */
export const handler = lazily(createHandler);
