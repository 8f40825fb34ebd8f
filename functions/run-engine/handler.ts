/** Consumes `engine-runs`, one FIFO group per feed and symbol. */
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { readEnvironment } from '#contracts/config.ts';
import { executeRun } from '#domain/market/execute-run.ts';
import { feedSymbolAggregate } from '#domain/market/feed-symbol/feed-symbol.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { feedConfigs } from '#functions/run-engine/feed-configs.ts';
import { runEngine } from '#functions/run-engine/run-engine.ts';
import { lazily } from '#functions/shared/handler.ts';
import type { Source } from '#functions/shared/handler.ts';
import { loadStream } from '#functions/shared/load.ts';
import { chunkReader } from '#functions/shared/market-chunks.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { eachGroup } from '#functions/shared/queue-batch.ts';
import { actingOf } from '#functions/shared/wiring.ts';

/** Builds the handler from its settings. */
export const createHandler = (source: Source, plugin?: object) => {
  const platform = platformOf(plugin);
  const acting = actingOf('run-engine', readEnvironment('run-engine', source), platform);
  const loadFeed = async (stream: string) => (await loadStream(acting.ledger, feedAggregate, stream)).state;
  const ports = {
    ...acting,
    execute: executeRun,
    sleep: platform.sleep,
    nowMs: platform.nowMs,
    loadFeed,
    configOf: feedConfigs(loadFeed),
    loadSymbol: (stream: string) => acting.peekOrLoad(feedSymbolAggregate, stream),
    readRecords: chunkReader(acting.ledger),
  };
  return async (event: SQSEvent): Promise<SQSBatchResponse> => {
    const answer = await eachGroup(event.Records, acting.telemetry, (group) =>
      runEngine(
        ports,
        group.map(({ body, attributes }) => ({
          body,
          sentAtMs: Number(attributes.SentTimestamp),
        })),
      ),
    );
    acting.telemetry.flush();
    return answer;
  };
};

/** What AWS calls; it builds itself at the first event. */
export const handler = lazily(createHandler);
