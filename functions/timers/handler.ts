/** Consumes `timers`: what feeds have to be told later, delayed by the queue itself. */
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { readEnvironment } from '#contracts/config.ts';
import { s3DocumentRelease } from '#adapters/s3/document-release.ts';
import { s3Client } from '#adapters/sdk/s3-client.ts';
import { stepFunctionsClient } from '#adapters/sdk/step-functions-client.ts';
import { stepFunctionsAnswers } from '#adapters/stepfunctions/task-answers.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { lazily, remainingOf } from '#functions/shared/handler.ts';
import type { Invocation, Source } from '#functions/shared/handler.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { eachMessage } from '#functions/shared/queue-batch.ts';
import { actingOf, resumeTokensOf } from '#functions/shared/wiring.ts';
import { fireTimer } from '#functions/timers/timers.ts';

/** Builds the handler from its settings. */
export const createHandler = (source: Source, plugin?: object) => {
  const platform = platformOf(plugin);
  const environment = readEnvironment('timers', source);
  const acting = actingOf('timers', environment, platform);
  const ports = {
    ...acting,
    tokens: resumeTokensOf(environment, platform, acting.telemetry),
    answers: stepFunctionsAnswers(stepFunctionsClient(platform.plugin)),
    loadFeed: (stream: string) => acting.peekOrLoad(feedAggregate, stream),
    reloadFeed: async (stream: string) => (await acting.loadWarm(feedAggregate, stream)).state,
    release: s3DocumentRelease(s3Client(platform.plugin), environment.BLOBS_BUCKET),
    sleep: platform.sleep,
    nowMs: platform.nowMs,
  };
  return async (event: SQSEvent, invocation?: Invocation): Promise<SQSBatchResponse> => {
    const remainingMs = remainingOf(invocation);
    const answer = await eachMessage(event.Records, acting.telemetry, ({ body }) =>
      fireTimer({ ...ports, remainingMs }, body),
    );
    acting.telemetry.flush();
    return answer;
  };
};

/** What AWS calls; it builds itself at the first event. */
export const handler = lazily(createHandler);
