/** The demo tape on a test cloud, and everything that must come out of it whatever happened on the way. */
import { findTape, tapeLines } from '#cli/tape/open-tape.ts';
import { jsonlRecords } from '#cli/tape/jsonl.ts';
import type { Cloud } from '#local/boot/cloud.ts';
import { demoTape } from '#tools/tape/demo-tape.ts';
import { distinct, published, putRecords, startFeed } from '#test/support/cloud-market.ts';
import type { Put } from '#test/support/cloud-market.ts';
import { contentsOf, rowsOf } from '#test/support/cloud-stores.ts';
import type { Api } from '#test/support/cloud.ts';

/** The records of the tape that ships, in order. */
export const demoRecords = async (): Promise<readonly Put[]> => {
  const records: Put[] = [];
  for await (const record of jsonlRecords(tapeLines(await findTape('events/tapes/demo.jsonl'))))
    records.push(record);
  return records;
};

/** Creates the feed of the tape under the name `demo`. */
export const startDemoFeed = (api: Api): Promise<void> => startFeed(api, 'demo', demoTape().feed);

/** What a played tape has led to, without anything that depends on timing. */
export interface MarketOutcome {
  /** Distinct published events, sorted: what was said. */
  readonly events: readonly string[];
  /** Distinct published events by symbol, in the order in which they were first published. */
  readonly bySymbol: Readonly<Record<string, readonly string[]>>;
  /** Read-model rows without operational members. */
  readonly rows: Readonly<Record<string, unknown>>;
}

/** The outcome as it stands. */
export const marketOutcome = async (cloud: Cloud): Promise<MarketOutcome> => {
  const events = await published(cloud);
  const symbols = [...new Set(events.map(({ symbol }) => symbol))].sort();
  return {
    events: [...distinct(events)].sort(),
    bySymbol: Object.fromEntries(
      symbols.map((symbol) => [symbol, distinct(events.filter((event) => event.symbol === symbol))]),
    ),
    rows: contentsOf(await rowsOf(cloud)),
  };
};

/** Puts records some at a time and lets everything happen that follows at once. */
export const play = async (api: Api, records: readonly Put[], atOnce = 500): Promise<void> => {
  for (let start = 0; start < records.length; start += atOnce) {
    await putRecords(api.cloud, records.slice(start, start + atOnce));
    await api.cloud.settle();
  }
};
