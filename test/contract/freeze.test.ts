import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type * as z from 'zod';
import { AnalysisEngineEvent } from '#contracts/market/analysis.ts';
import { FeatureSnapshot } from '#contracts/market/composer.ts';
import { DashboardViewModel } from '#contracts/market/dashboard.ts';
import { EngineMode, EngineRunRecord } from '#contracts/market/engine-run.ts';
import { EvidenceSnapshot } from '#contracts/market/evidence-matrix.ts';
import { parseFeedConfig } from '#contracts/market/feed-config-rules.ts';
import { HysteresisState, HysteresisStoreRecord } from '#contracts/market/hysteresis.ts';
import { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import { normalizedShapes, RawMarketEvent } from '#contracts/market/raw-market-event.ts';
import { RegimeState } from '#contracts/market/regime.ts';
import { StateGateEvent } from '#contracts/market/state-gate.ts';
import { engineRunId } from '#domain/market/run-id.ts';
import { cell, codes, numberedItems, section, tableRows } from '#test/support/markdown.ts';
import { testTitles } from '#test/support/test-titles.ts';
import { inProject } from '#test/support/tracked-files.ts';

const note = readFileSync(inProject('docs/guide/contract-freeze.md'), 'utf8');

type Shape = Readonly<Record<string, z.ZodType>>;
const literalOf = (shape: Shape, member: string): unknown => (shape[member] as z.ZodLiteral).value;
const shapesOf = (union: { readonly options: readonly { readonly shape: Shape }[] }): readonly Shape[] =>
  union.options.map(({ shape }) => shape);
const typesOf = (union: { readonly options: readonly { readonly shape: Shape }[] }): readonly unknown[] =>
  shapesOf(union).map((shape) => literalOf(shape, 'event_type'));
const shapeOf = (type: unknown): Shape =>
  shapesOf(OrchestratorEvent).find((shape) => literalOf(shape, 'event_type') === type) ?? {};

describe('the note of what is frozen', () => {
  it('names every schema, its version and its event types', () => {
    const dashboard = DashboardViewModel.shape;
    const schemas: readonly (readonly [Shape, readonly unknown[]])[] = [
      [RawMarketEvent.shape, Object.keys(normalizedShapes)],
      [shapeOf('EngineRunStarted'), typesOf(OrchestratorEvent)],
      [StateGateEvent.options[0].shape, typesOf(StateGateEvent)],
      [AnalysisEngineEvent.options[0].shape, typesOf(AnalysisEngineEvent)],
      [{ schema: dashboard.dvm_schema, schema_version: dashboard.dvm_schema_version }, []],
      ...[HysteresisState, HysteresisStoreRecord, RegimeState, FeatureSnapshot, EvidenceSnapshot].map(
        ({ shape }) => [shape, []] as const,
      ),
    ];

    const told = tableRows(note, 'schema').map((row) => [
      ...codes(cell(row, 'schema')),
      ...codes(cell(row, 'version')),
      new Set(codes(cell(row, 'event types'))),
    ]);

    expect(told).toEqual(
      schemas.map(([shape, types]) => [
        literalOf(shape, 'schema'),
        literalOf(shape, 'schema_version'),
        new Set(types),
      ]),
    );
  });

  it('names every member of an orchestrator event, and whether it is always there', () => {
    const told = tableRows(section(note, 'An OrchestratorEvent'), 'member').map((row) => [
      codes(cell(row, 'member'))[0],
      cell(row, 'always there') === 'yes',
    ]);

    for (const shape of shapesOf(OrchestratorEvent))
      expect(Object.fromEntries(told)).toEqual(
        Object.fromEntries(
          Object.entries(shape).map(([name, type]) => [name, !type.safeParse(undefined).success]),
        ),
      );
  });

  it('names the members of every payload', () => {
    const rows = tableRows(note, 'event type');
    const told = rows.map((row) => [
      codes(cell(row, 'event type'))[0],
      codes(cell(row, 'members of `payload`')),
    ]);

    expect(new Set(told.map(([type]) => type))).toEqual(new Set(typesOf(OrchestratorEvent)));
    for (const [type, members] of told) {
      const { payload } = shapeOf(type);
      expect(members, String(type)).toEqual(Object.keys((payload as Partial<z.ZodObject>).shape ?? {}));
    }
  });

  it('has the formula of run ids', () => {
    const members = numberedItems(section(note, 'The id of a run')).map((item) => codes(item)[0] ?? '');

    fc.assert(
      fc.property(
        fc.record({
          symbol: fc.string({ minLength: 1 }),
          engine_timestamp_ms: fc.maxSafeNat(),
          cut_end_ingest_seq: fc.maxSafeNat(),
          engine_mode: fc.constantFrom(...EngineMode.options),
        }),
        (record) => {
          const given = new Map<string, unknown>(Object.entries(record));
          const text = members.map((member) => String(given.get(member))).join('|');

          expect(createHash('sha256').update(text, 'utf8').digest('hex')).toBe(
            engineRunId({
              symbol: record.symbol,
              engineTimestampMs: record.engine_timestamp_ms,
              cutEnd: record.cut_end_ingest_seq,
              engineMode: record.engine_mode,
            }),
          );
        },
      ),
    );
  });

  it('says of every other member of a run record why it does not enter the id', () => {
    const inside = section(note, 'The id of a run');
    const entering = numberedItems(inside).flatMap(codes);
    const others = tableRows(inside, 'member of the record').flatMap((row) =>
      codes(cell(row, 'member of the record')),
    );

    expect(new Set([...entering, ...others, 'run_id'])).toEqual(new Set(Object.keys(EngineRunRecord.shape)));
    expect(entering.filter((member) => others.includes(member))).toEqual([]);
  });
});

/** The members of a value by their dotted paths, arrays as `[]`. */
const leaves = (value: unknown, path: string): readonly (readonly [string, unknown])[] => {
  if (Array.isArray(value)) return value.flatMap((item) => leaves(item, `${path}[]`));
  if (typeof value !== 'object' || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([name, member]) =>
    leaves(member, path === '' ? name : `${path}.${name}`),
  );
};

/** A configuration with one more key, given by its path and its value in code marks. */
const withKey = (
  config: Readonly<Record<string, unknown>>,
  [path, value]: readonly [string, string],
): Readonly<Record<string, unknown>> => {
  const [block = '', member] = path.split('.');
  const given: unknown = JSON.parse(codes(value)[0] ?? '');
  return {
    ...config,
    [block]: member === undefined ? given : { ...(config[block] as object | undefined), [member]: given },
  };
};

describe('the keys one symbol needs end to end', () => {
  const rows = tableRows(note, 'key').map(
    (row) => [codes(cell(row, 'key'))[0] ?? '', cell(row, 'when it is left out')] as const,
  );
  const sources = [{ source_id: 'venue', symbols: ['AAA'] }];
  const others = ['engine_options', 'state_gate', 'analysis_engine', 'dashboards'];

  it('are those of the configuration with its defaults', () => {
    const result = parseFeedConfig({ sources });
    const filled = Object.entries(result.kind === 'valid' ? result.config : {})
      .filter(([name]) => !others.includes(name))
      .flatMap(([name, value]) => leaves(value, name));

    expect(rows).toEqual(
      filled.map(([key, value]) => [
        key,
        key.startsWith('sources') ? 'refused' : `\`${JSON.stringify(value)}\``,
      ]),
    );
  });

  it('are refused without a source or its symbols, and complete with them', () => {
    const config = rows.filter(([, value]) => value !== 'refused').reduce(withKey, {});

    expect(parseFeedConfig({ ...config, sources })).toEqual(parseFeedConfig({ sources }));
    for (const missing of [undefined, [{ symbols: ['AAA'] }], [{ source_id: 'venue' }]])
      expect(parseFeedConfig({ ...config, sources: missing }).kind).toBe('invalid');
  });

  it('have an interval where a timer ticks', () => {
    expect(parseFeedConfig({ sources, scheduler: { mode: 'timer', timer_interval_ms: 1 } }).kind).toBe(
      'valid',
    );
    expect(parseFeedConfig({ sources, scheduler: { mode: 'timer' } }).kind).toBe('invalid');
  });
});

it('has a test that is there for every non-goal', () => {
  const rows = tableRows(note, 'non-goal');
  const missing = rows.filter((row) => {
    const [file = ''] = codes(cell(row, 'file'));
    return testTitles(file)?.has(cell(row, 'test that holds it')) !== true;
  });

  expect(rows.length).toBeGreaterThanOrEqual(8);
  expect(missing).toEqual([]);
});
