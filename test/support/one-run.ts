/** The smallest market flow: three records of an instrument of its own that make exactly one engine run. */
import { physicalName } from '#contracts/naming.ts';
import type { Client } from '#cli/client.ts';

/** The instrument of a source. */
export const instrumentOf = (sourceId: string): string => `${sourceId}-GOLD`;

/** The stream market records are put on. */
export const marketStream = physicalName('dev', 'market-events');
/** The stream orchestrator events come out of. */
export const outputStream = physicalName('dev', 'orchestrator-events');

const BOUNDARY_MS = Date.UTC(2026, 4, 4, 12, 3);

/** A candle, the inputs at the boundary, and a candle that passes it. */
export const oneRun = (sourceId: string): readonly string[] => {
  const record = (event_type: string, atMs: number, normalized: object): string =>
    JSON.stringify({
      schema: 'raw_market_event',
      schema_version: '1',
      event_type,
      source_id: sourceId,
      symbol: instrumentOf(sourceId),
      exchange_ts_ms: atMs,
      recv_ts_ms: atMs,
      raw_payload: '{}',
      normalized,
      channel: event_type,
      payload_content_type: 'application/json',
    });
  const prices = { open: 1, high: 2, low: 1, close: 2, volume: 3, interval_ms: 60_000, is_final: true };
  return [
    record('Candle', BOUNDARY_MS - 60_000, prices),
    record('SnapshotInputs', BOUNDARY_MS, { timestamp_ms: BOUNDARY_MS, market: { price: 2 } }),
    record('Candle', BOUNDARY_MS + 60_000, prices),
  ];
};

/** Creates the feed that takes the source in. */
export const createFeed = async (client: Client, sourceId: string): Promise<void> => {
  const sources = [{ source_id: sourceId, symbols: [instrumentOf(sourceId)] }];
  await client.request('PUT', `{ws}/feeds/${sourceId}`, { body: { sources, clock: 'record' } });
};

/** The feeds the read models know: records find a feed once it stands there. */
export const feedIds = async (client: Client): Promise<readonly string[]> => {
  const { feeds } = (await client.request('GET', '{ws}/feeds')) as {
    feeds: readonly { readonly feedId: string }[];
  };
  return feeds.map(({ feedId }) => feedId);
};
