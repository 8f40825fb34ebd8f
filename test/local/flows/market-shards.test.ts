/** A market stream of three shards whose records come shuffled, late and more than once. */
import { describe, expect, it } from 'vitest';

import { demoTape } from '#tools/tape/demo-tape.ts';
import { published, readShards, startFeed } from '#test/support/cloud-market.ts';
import type { Put } from '#test/support/cloud-market.ts';
import { apiOf, bootTestCloud, inMain } from '#test/support/cloud.ts';
import type { Api } from '#test/support/cloud.ts';
import { demoRecords, play } from '#test/support/demo-market.ts';
import { edited, ofType } from '#test/support/edited-assembly.ts';
import { captureOf, hashOf, saidBy, simulated } from '#test/support/feed-replay.ts';
import { seededChance } from '#local/dispatch/faults.ts';

const MARKET_STREAM = 'sluice-dev-market-events';
const SHARDS = 3;

const threeShards = (): Promise<string> =>
  edited((resources) => {
    for (const [, { Properties }] of ofType(resources, 'AWS::Kinesis::Stream'))
      if (Properties['Name'] === MARKET_STREAM) Properties['ShardCount'] = SHARDS;
  });

/** Records of a stretch of the tape out of order, some put twice, a few only with a later stretch. */
const disturbed = (records: readonly Put[], seed: number): readonly Put[] => {
  const chance = seededChance(seed);
  const placed = records.flatMap((record, index) => {
    const lateBy = chance() < 0.05 ? 60 : 12 * chance();
    const one = { record, at: index + lateBy };
    return chance() < 0.1 ? [one, { record, at: index + 40 * chance() }] : [one];
  });
  return placed.sort((left, right) => left.at - right.at).map(({ record }) => record);
};

const played = async (seed: number, records: readonly Put[]): Promise<Api> => {
  const api = apiOf(await bootTestCloud({ assemblyDir: await threeShards(), seed }));
  const hysteresis = {
    engine: { engine_mode: 'hysteresis' },
    engine_options: { snapshot_source: 'composer' },
  };
  await startFeed(api, 'demo', { ...demoTape().feed, ...hysteresis, emit_skipped: false });
  const mapping = [...api.cloud.mappings.values()].find(({ setting }) => setting.id.includes('MarketEvents'));
  let left = 10;
  mapping?.inject({
    redeliver: ({ delivery }) => delivery % 3 === 0 && left-- > 0,
    take: ({ delivery }) => 1 + ((delivery * 7) % 20),
  });
  await play(api, disturbed(records, seed), 90);
  const last = JSON.parse(Buffer.from(records.at(-1)?.data ?? []).toString()) as {
    readonly recv_ts_ms: number;
  };
  await api.must('POST', inMain('/feeds/demo/ticks'), { passedMs: last.recv_ts_ms + 300_000 });
  await api.cloud.advance(180_000);
  return api;
};

/** Whether a list is found in another in its order. */
const isWithin = (few: readonly string[], many: readonly string[]): boolean => {
  let from = 0;
  return few.every((text) => {
    const found = many.indexOf(text, from);
    from = found + 1;
    return found >= 0;
  });
};

describe('a stream of three shards', () => {
  it.each([1, 2])(
    'gives one buffer, of which live, replay and simulation say the same, seed %i',
    async (seed) => {
      const records = (await demoRecords()).slice(0, 420);
      const api = await played(seed, records);

      const shards = await readShards(api.cloud, MARKET_STREAM);
      expect(shards.filter((texts) => texts.length > 0)).toHaveLength(SHARDS);
      const capture = await captureOf(api);
      const texts = capture.records.map((line) =>
        JSON.stringify((JSON.parse(line) as { readonly event: object }).event),
      );
      expect(texts).toHaveLength(shards.flat().length);
      for (const shard of shards) expect(isWithin(shard, texts)).toBe(true);

      const live = await published(api.cloud);
      const recorded = await saidBy(api, 'outputs');
      const replayed = await saidBy(api, 'replay');
      expect(recorded.length).toBeGreaterThan(0);
      expect(replayed).toEqual(recorded);
      const { hash } = simulated(capture);
      expect([hashOf(live), hashOf(recorded)]).toEqual([hash, hash]);
    },
  );
});
