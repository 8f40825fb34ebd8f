import { describe, expect, it } from 'vitest';
import { FeedConfigInput } from '#contracts/market/feed-config.ts';
import { parseFeedConfig } from '#contracts/market/feed-config-rules.ts';
import { routeShapes } from '#contracts/route-shapes.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { feedSymbolAggregate } from '#domain/market/feed-symbol/feed-symbol.ts';
import { manifestsAggregate } from '#domain/manifest/manifests.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { inProject } from '#test/support/tracked-files.ts';
import { frozenFaults } from '#tools/check/frozen.ts';
import { generatedFaults } from '#tools/check/generated.ts';
import { openApiFaults } from '#tools/check/openapi.ts';
import { sampleFaults } from '#tools/check/samples.ts';
import { ledgerEventData } from '#tools/generate/ledger-events.ts';
import { answerBodies, requestBodies, shapeFile, wireShapes } from '#tools/generate/wire-shapes.ts';

const root = inProject('.');

it('reads every sample today, and every sample keeps to its frozen schema', () => {
  expect(sampleFaults(root)).toEqual([]);
});

it('has changed published schemas additively only', () => {
  expect(frozenFaults(root)).toEqual([]);
});

it('has generated files that are what their sources say, twice', () => {
  expect(generatedFaults(root)).toEqual([]);
});

it('describes the API without a fault', () => {
  expect(openApiFaults(root)).toEqual([]);
});

it.each([runAggregate, manifestsAggregate, feedAggregate, feedSymbolAggregate])(
  'publishes every event type the aggregate $kind knows',
  ({ kind, eventTypes }) => {
    expect(Object.keys(ledgerEventData[kind] ?? {}).sort()).toEqual([...eventTypes].sort());
  },
);

it('publishes every body a route takes or gives', () => {
  const named = new Set<unknown>([...Object.values(requestBodies), ...Object.values(answerBodies)]);
  const bodies = Object.values(routeShapes).flatMap(({ body, answers }) => [
    ...(body ? [body] : []),
    // What is text has no shape.
    ...Object.values(answers).flatMap(({ schema, contentType }) =>
      schema && contentType === undefined ? [schema] : [],
    ),
  ]);

  expect(bodies.filter((body) => !named.has(body))).toEqual([]);
});

it('gives every shape a file of its own', () => {
  expect(new Set(wireShapes.map(shapeFile)).size).toBe(wireShapes.length);
});

describe('a feed configuration as documented and as parsed', () => {
  const sources = [{ source_id: 'demo', symbols: ['BTC-PERP'] }];

  it.each([
    [{ sources }],
    [{ sources, scheduler: {} }],
    [{ sources, scheduler: { mode: 'timer', timer_interval_ms: 1 } }],
    [{ sources, scheduler: { boundary_interval_ms: 1, boundary_delay_ms: 0 } }],
    [{ sources, engine: {}, clock: 'record' }],
    [{ sources: [] }],
    [{ sources: [{ source_id: '', symbols: ['A'] }] }],
    [{ sources: [{ source_id: 'demo', symbols: [] }] }],
    [{ sources, scheduler: { mode: 'timer' } }],
    [{ sources, scheduler: { mode: 'timer', timer_interval_ms: 0 } }],
    [{ sources, scheduler: { mode: 'cron' } }],
    [{ sources, scheduler: { boundary_delay_ms: -1 } }],
    [{ sources, engine: { engine_mode: 'hysteresis' } }],
    [{ sources, clock: 'wall' }],
    [{ sources, extra: 1 }],
    [{}],
  ])('%j is answered alike', (value: object) => {
    expect(FeedConfigInput.safeParse(value).success).toBe(parseFeedConfig(value).kind === 'valid');
  });
});
