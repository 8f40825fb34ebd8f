import { beforeEach, describe, expect, it } from 'vitest';

import type { FaultRule } from '#local/dispatch/faults.ts';
import type { MappingFaults } from '#local/mapping/mapping.ts';
import { apiOf, bootTestCloud, insist } from '#test/support/cloud.ts';
import type { Api, TestCloud } from '#test/support/cloud.ts';
import { distinct, published, readFeed } from '#test/support/cloud-market.ts';
import type { Put } from '#test/support/cloud-market.ts';
import { commitsIn, numberingFaults } from '#test/support/cloud-stores.ts';
import { demoRecords, marketOutcome, play, startDemoFeed } from '#test/support/demo-market.ts';
import type { MarketOutcome } from '#test/support/demo-market.ts';

const MINUTE_MS = 60_000;
let records: readonly Put[] = [];
let calm: MarketOutcome;

const stage = async (faults: readonly FaultRule[] = [], seed = 7): Promise<Api> => {
  const api = apiOf(await bootTestCloud({ faults, seed }));
  await insist(api, () => startDemoFeed(api));
  await api.cloud.advance(MINUTE_MS);
  return api;
};

/** What comes of the records when nothing goes wrong; played once for all tests. */
const playCalmly = async (): Promise<void> => {
  if (records.length > 0) return;
  records = (await demoRecords()).slice(0, 600);
  const api = await stage();
  await play(api, records);
  calm = await marketOutcome(api.cloud);
};

beforeEach(playCalmly);

/** Lets time pass until as much was published as without faults; whether it came to that. */
const recovers = async (cloud: TestCloud): Promise<boolean> => {
  for (let minutes = 0; minutes < 60; minutes += 2) {
    await cloud.advance(2 * MINUTE_MS);
    if (distinct(await published(cloud)).length >= calm.events.length) {
      await cloud.advance(2 * MINUTE_MS);
      return true;
    }
  }
  return false;
};

const mappingOf = (cloud: TestCloud, name: string) => {
  const found = [...cloud.mappings].find(([id]) => id.includes(name));
  if (!found) throw new Error(`no mapping ${name} among ${[...cloud.mappings.keys()].join(', ')}`);
  return found[1];
};

const mappingFaults: Readonly<Record<string, MappingFaults>> = {
  'redelivers every third batch': { redeliver: ({ delivery }) => delivery % 3 === 0 },
  'splits batches anew each time': { take: ({ delivery }) => 1 + ((delivery * 7) % 60) },
  'loses every second answer after the work was done': { loseAnswer: ({ delivery }) => delivery % 2 === 0 },
};

describe('the demo tape, when a mapping misbehaves,', () => {
  it.each(
    ['MarketEvents', 'EngineRuns', 'LedgerToCompact', 'LedgerToPublish'].flatMap((name) =>
      Object.entries(mappingFaults).map(([what, faults]) => [name, what, faults] as const),
    ),
  )('%s %s: says and shows the same', async (name, _, faults) => {
    const api = await stage();
    mappingOf(api.cloud, name).inject(limited(faults));
    await play(api, records, 200);
    expect(await recovers(api.cloud)).toBe(true);
    expect(await marketOutcome(api.cloud)).toEqual(calm);
    expect(await readFeed(api, 'demo')).toMatchObject({ recordCount: records.length });
    expect(numberingFaults(await commitsIn(api.cloud))).toEqual([]);
  });
});

/** A fault that never ends is no fault but a broken system. */
const limited = ({ redeliver, take, loseAnswer }: MappingFaults): MappingFaults => {
  let left = 12;
  const atMost = (hit: boolean | undefined): boolean => hit === true && left-- > 0;
  return {
    ...(redeliver ? { redeliver: (place) => atMost(redeliver(place)) } : {}),
    ...(take ? { take } : {}),
    ...(loseAnswer ? { loseAnswer: (place) => atMost(loseAnswer(place)) } : {}),
  };
};

const used: readonly (readonly [FaultRule['service'], string])[] = [
  ['dynamodb', 'PutItem'],
  ['dynamodb', 'Query'],
  ['dynamodb', 'GetItem'],
  ['dynamodb', 'UpdateItem'],
  ['dynamodb', 'BatchGetItem'],
  ['sqs', 'SendMessageBatch'],
  ['kinesis', 'PutRecord'],
];

describe('the demo tape, when an operation of AWS fails now and then,', () => {
  it.each(
    used.flatMap(([service, operation]) =>
      (['lost-answer', 'throttle', 'duplicate'] as const).map((kind) => [service, operation, kind] as const),
    ),
  )('%s.%s by %s: says and shows the same', async (service, operation, kind) => {
    const rule = { service, operation, kind, probability: 0.25, hitsMax: 25 } as const;
    const api = await stage([rule]);
    await play(api, records, 200);
    expect(await recovers(api.cloud)).toBe(true);
    expect(api.cloud.counts().faults).toBeGreaterThan(0);
    expect(await marketOutcome(api.cloud)).toEqual(calm);
    expect(numberingFaults(await commitsIn(api.cloud))).toEqual([]);
  });
});

describe('the demo tape, when everything goes wrong now and then,', () => {
  it.each([1, 2, 3, 4])('says and shows the same, seed %i', async (seed) => {
    const kinds = ['lost-answer', 'throttle', 'duplicate'] as const;
    const rules = used.flatMap(([service, operation]) =>
      kinds.map((kind) => ({ service, operation, kind, probability: 0.08, hitsMax: 10 })),
    );
    const api = await stage(rules, seed);
    const all = Object.assign({}, ...Object.values(mappingFaults)) as MappingFaults;
    for (const mapping of api.cloud.mappings.values()) mapping.inject(limited(all));
    await play(api, records, 150);
    expect(await recovers(api.cloud)).toBe(true);
    expect(await marketOutcome(api.cloud)).toEqual(calm);
    expect(numberingFaults(await commitsIn(api.cloud))).toEqual([]);
  });
});
