import { describe, expect, it } from 'vitest';

import type { FaultRule } from '#local/dispatch/faults.ts';
import type { MappingFaults } from '#local/mapping/mapping.ts';
import { demoTape } from '#tools/tape/demo-tape.ts';
import { apiOf, bootTestCloud } from '#test/support/cloud.ts';
import type { Api } from '#test/support/cloud.ts';
import { published, readFeed, startFeed } from '#test/support/cloud-market.ts';
import { demoRecords, play } from '#test/support/demo-market.ts';
import { captureOf, hashOf, saidBy, simulated } from '#test/support/feed-replay.ts';

const MINUTE_MS = 60_000;

const hysteresis = (engine_options: object) => ({
  engine: { engine_mode: 'hysteresis' },
  engine_options,
});

const modes: readonly (readonly [string, object])[] = [
  ['truth', {}],
  ['decision hysteresis', hysteresis({ hysteresis: 'decision' })],
  ['belief hysteresis', hysteresis({ hysteresis: 'belief' })],
  [
    'the composer with remembered candles',
    hysteresis({ snapshot_source: 'composer', hysteresis: 'belief', candle_window: 64, deduplicate: true }),
  ],
];

const kinds = ['lost-answer', 'throttle', 'duplicate'] as const;
const operations = [
  ['dynamodb', 'PutItem'],
  ['dynamodb', 'Query'],
  ['sqs', 'SendMessageBatch'],
  ['kinesis', 'PutRecord'],
] as const;
const faults: readonly FaultRule[] = operations.flatMap(([service, operation]) =>
  kinds.map((kind) => ({ service, operation, kind, probability: 0.08, hitsMax: 10 })),
);

/** Batches come again, in other parts, and after their work was done; not for ever. */
const misbehave = ({ cloud }: Api): void => {
  for (const mapping of cloud.mappings.values()) {
    let left = 12;
    const atMost = (hit: boolean): boolean => hit && left-- > 0;
    const rules: MappingFaults = {
      redeliver: ({ delivery }) => atMost(delivery % 3 === 0),
      take: ({ delivery }) => 1 + ((delivery * 7) % 60),
      loseAnswer: ({ delivery }) => atMost(delivery % 2 === 0),
    };
    mapping.inject(rules);
  }
};

/** Lets time pass until every planned run has been said and told. */
const settleAll = async (api: Api): Promise<void> => {
  for (let minutes = 0; minutes < 40; minutes += 2) {
    await api.cloud.advance(2 * MINUTE_MS);
    const ended = new Set((await published(api.cloud)).map(({ run_id }) => run_id));
    if (ended.size > 0 && ended.size === (await readFeed(api, 'demo')).plannedRunCount) return;
  }
  throw new Error('the feed did not come to rest');
};

const asked = async (api: Api, act: () => Promise<unknown>): Promise<void> => {
  for (let tries = 1; ; tries++) {
    try {
      await act();
      return;
    } catch (error) {
      if (tries === 20) throw error;
      await api.cloud.settle();
    }
  }
};

const played = async (over: object, rules: readonly FaultRule[] = []): Promise<Api> => {
  const api = apiOf(await bootTestCloud({ faults: rules, seed: 3 }));
  await asked(api, () => startFeed(api, 'demo', { ...demoTape().feed, ...over }));
  await api.cloud.advance(MINUTE_MS);
  if (rules.length > 0) misbehave(api);
  await play(api, (await demoRecords()).slice(0, 700), 150);
  await settleAll(api);
  return api;
};

describe('a feed that met throttles, lost answers and redeliveries', () => {
  it.each(modes)('says, recorded, replays and simulates one and the same: %s', async (_name, over) => {
    const api = await played(over, faults);
    expect(api.cloud.counts().faults).toBeGreaterThan(0);

    const live = await published(api.cloud);
    const recorded = await saidBy(api, 'outputs');
    const replayed = await saidBy(api, 'replay', { limit: 3 });
    const simulation = simulated(await captureOf(api, 97));

    expect(live.length).toBeGreaterThan(recorded.length);
    expect(replayed).toEqual(recorded);
    expect([hashOf(live), hashOf(recorded), hashOf(replayed)]).toEqual(
      Array.from({ length: 3 }, () => simulation.hash),
    );
  });
});
