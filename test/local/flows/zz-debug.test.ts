import { it, expect } from 'vitest';
import { apiOf, bootTestCloud } from '#test/support/cloud.ts';
import { published, readFeed, engineRuns } from '#test/support/cloud-market.ts';
import { demoRecords, play, startDemoFeed, marketOutcome } from '#test/support/demo-market.ts';
import { commitsIn, numberingFaults } from '#test/support/cloud-stores.ts';
let calm: any;
const seeds = Array.from({length: 1}, (_, i) => i + 100);
const ops = [['dynamodb','PutItem'],['dynamodb','Query'],['dynamodb','GetItem'],['dynamodb','UpdateItem'],['dynamodb','DeleteItem'],['dynamodb','BatchGetItem'],['sqs','SendMessageBatch'],['kinesis','PutRecord'],['s3','PutObject'],['s3','GetObject']] as const;
import { appendFileSync } from "node:fs"; const say = (t: string) => appendFileSync("/tmp/zz.log", t + "\n");
it.each(seeds)('seed %i', async (seed) => {
  const records = (await demoRecords()).slice(0, 900);
  if (!calm) { const api = apiOf(await bootTestCloud()); await startDemoFeed(api); await play(api, records); calm = await marketOutcome(api.cloud); }
  const faults = ops.flatMap(([service, operation]) => (['lost-answer','throttle','duplicate','delay'] as const).map((kind) => ({ service, operation, kind, probability: 0.08, hitsMax: 15, delayMs: 700 })));
  const api = apiOf(await bootTestCloud({ faults, seed }));
  for (let i = 0; i < 30; i++) { say('try '+i); try { const p = startDemoFeed(api).then(() => true, () => false); let d = false; p.then(() => { d = true; }); await api.cloud.advanceUntil(() => d, 10000); if (await p) break; } catch {} }
  say('feed up'); await api.cloud.advance(60000); say('adv');
  let x = seed; const rnd = () => (x = (x * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
  for (const m of api.cloud.mappings.values()) { let left = 10; m.inject({ take: () => 1 + Math.floor(rnd() * 80), redeliver: () => rnd() < 0.2 && left-- > 0, loseAnswer: () => rnd() < 0.15 && left-- > 0 }); }
  say("play"); await play(api, records, 150 + Math.floor(rnd() * 200));
  say("played"); let n = 0;
  for (let i = 0; i < 60; i++) { await api.cloud.advance(60000); const e = await published(api.cloud).catch(() => []); n = new Set(e.map((v) => JSON.stringify(v))).size; if (n >= calm.events.length) break; }
  await api.cloud.advance(180000);
  const o = await marketOutcome(api.cloud);
  expect(numberingFaults(await commitsIn(api.cloud))).toEqual([]);
  expect(o.events.length).toBe(calm.events.length);
  expect(o).toEqual(calm);
});
