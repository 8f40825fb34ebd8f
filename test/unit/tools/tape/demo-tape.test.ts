import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { jsonlRecords } from '#cli/tape/jsonl.ts';
import { EngineRunFailed } from '#contracts/market/feed-symbol.ts';
import { feedEvents } from '#contracts/market/feed.ts';
import { decodeRecord, routeEvent } from '#domain/market/ingest.ts';
import type { BatchRecord } from '#domain/market/feed/plan-batch.ts';
import { FeedHarness, symbolHarness, validConfig } from '#test/support/market-harness.ts';
import { demoTape } from '#tools/tape/demo-tape.ts';
import { seededRandom } from '#tools/tape/random.ts';

const { lines, feed: feedConfig } = demoTape();

/** A tape is played after it was recorded. */
const PLAYED_AT_MS = Date.parse('2026-06-01T00:00:00Z');

const play = async () => {
  const config = validConfig(feedConfig);
  const feed = new FeedHarness(config);
  const numbered = async function* () {
    for (const [index, text] of lines.entries()) yield { line: index + 1, text };
  };
  const symbols = new Map(['BTC-PERP', 'ETH-PERP', 'SOL-PERP'].map((name) => [name, symbolHarness(name)]));
  for await (const { data, partitionKey, position } of jsonlRecords(numbered())) {
    const event = decodeRecord({ data, partitionKey, arrivalMs: PLAYED_AT_MS });
    if (event.kind === 'refused') throw new Error(event.message);
    expect(routeEvent([{ feedId: 'demo', config }], event).kind).toBe('routed');
    const record: BatchRecord = { sequenceNumber: String(position), arrivalMs: 0, event };
    feed.ingest([record]);
    for (const message of feed.messages())
      symbols.get(message.symbol)?.send({ type: 'RecordRuns', runs: [...feed.execute(message)] });
  }
  return { feed, runs: [...symbols.values()].flatMap((symbol) => symbol.events) };
};

it('is committed as its seed generates it', () => {
  const folder = new URL('../../../../events/tapes/', import.meta.url);

  expect(readFileSync(new URL('demo.jsonl', folder), 'utf8')).toBe(`${lines.join('\n')}\n`);
  expect(JSON.parse(readFileSync(new URL('demo.feed.json', folder), 'utf8'))).toEqual(feedConfig);
});

it('is another tape with another seed', () => {
  expect(demoTape(7).lines).not.toEqual(lines);
  expect(seededRandom(1).pick(['only'])).toBe('only');
});

it('shows many regimes, every failure of a snapshot, duplicates and decode failures', async () => {
  const { feed, runs } = await play();

  const planned = feed.events
    .filter((event) => event.type === 'TicksPlanned')
    .flatMap((event) => feedEvents.TicksPlanned.parse(event.data).ticks);
  const failures = runs
    .filter((event) => event.type === 'EngineRunFailed')
    .map((event) => EngineRunFailed.parse(event.data));
  const outputs = runs.map((event) => JSON.stringify(event.data['regimeOutput'] ?? {}));
  const regimes = new Set(outputs.flatMap((text) => /"regime":"(\w+)"/.exec(text)?.[1] ?? []));

  expect([planned.length, runs.length]).toEqual([13, 39]);
  expect(regimes.size).toBeGreaterThanOrEqual(5);
  expect(failures.map(({ errorKind }) => errorKind)).toEqual(Array(4).fill('missing_snapshot_inputs'));
  expect(outputs.join()).toContain('INVALID_EVIDENCE_SYMBOL_MISMATCH');
  expect(outputs.join()).toContain('INVALID_EVIDENCE_REGIME');
  expect(outputs.join()).toContain('Market ATR z-score');
  const ids = lines.flatMap((line) => /"source_event_id":"([^"]+)"/.exec(line)?.[1] ?? []);
  expect(ids.length - new Set(ids).size).toBeGreaterThan(10);
  expect(lines.filter((line) => line.startsWith('{"raw'))).toHaveLength(4);
});
