import { describe, expect, it } from 'vitest';
import { wholeDashboard, wholeList } from '#cli/feed/layer-pages.ts';
import type { Client } from '#cli/client.ts';

/** A server of pages in a row, and what it was asked for. */
const serving = (...pages: readonly object[]) => {
  const asked: unknown[] = [];
  const client: Client = {
    workspace: 'main',
    request: (_method, path, { query = {} } = {}) => {
      asked.push({ path, ...query });
      const place = Number(query['cursor'] ?? 0);
      const more = place + 1 < pages.length ? { nextCursor: String(place + 1) } : {};
      return Promise.resolve({ ...pages[place], ...more });
    },
  };
  return { client, asked };
};

describe('a list of layers', () => {
  it('has what is on every page, in order', async () => {
    const { client, asked } = serving(
      { key: 'truth', regimes: [1, 2] },
      { key: 'truth', regimes: [] },
      { key: 'truth', regimes: [3] },
    );

    const whole = await wholeList(client, 'path', { list: 'regimes', query: { limit: '2' } });

    expect(whole).toEqual({ key: 'truth', regimes: [1, 2, 3] });
    expect(asked).toEqual([
      { path: 'path', limit: '2', cursor: undefined },
      { path: 'path', limit: '2', cursor: '1' },
      { path: 'path', limit: '2', cursor: '2' },
    ]);
  });
});

interface Told {
  readonly run?: readonly [id: string, atMs: number];
  readonly status?: string;
  readonly details?: readonly string[];
  readonly updatedMs?: number | null;
  readonly stale?: readonly string[];
  readonly symbols?: readonly string[];
  readonly asOfMs?: number;
}
const page = ({ run, status = 'OK', stale = [], ...told }: Told = {}) => ({
  dvm_schema: 'dashboard_view_model',
  as_of_ts_ms: told.asOfMs ?? 10,
  source_run_id: run?.[0] ?? null,
  source_engine_timestamp_ms: run?.[1] ?? null,
  system: {
    status,
    components: [
      {
        component_id: 'state_gate',
        status,
        details: told.details ?? [],
        last_update_ts_ms: told.updatedMs ?? null,
      },
    ],
  },
  symbols: (told.symbols ?? []).map((symbol) => ({ symbol })),
  telemetry: {
    ingest: { last_state_gate_event_ts_ms: told.updatedMs ?? null },
    staleness: { is_stale: stale.length > 0, stale_reasons: stale },
  },
});
const whole = (...told: readonly Told[]) => wholeDashboard(serving(...told.map(page)).client, 'path');

describe('a dashboard over pages', () => {
  it('is the page when there is one', async () => {
    const only = { run: ['a', 5], symbols: ['A'] } as const;

    expect(await whole(only)).toEqual(page(only));
  });

  it('has all symbols, and the greatest instants', async () => {
    expect(
      await whole(
        { run: ['b', 5], symbols: ['A', 'B'], asOfMs: 10, updatedMs: 5 },
        { symbols: ['C'], asOfMs: 12, updatedMs: 7 },
        { run: ['a', 4], symbols: [], asOfMs: 11 },
      ),
    ).toEqual(page({ run: ['b', 5], symbols: ['A', 'B', 'C'], asOfMs: 12, updatedMs: 7 }));
  });

  it.each<readonly [Told['run'], Told['run'], Told['run']]>([
    [
      ['a', 5],
      ['b', 5],
      ['b', 5],
    ],
    [
      ['b', 5],
      ['a', 5],
      ['b', 5],
    ],
    [
      ['a', 6],
      ['b', 5],
      ['a', 6],
    ],
    [
      ['a', 5],
      ['b', 6],
      ['b', 6],
    ],
    [undefined, ['b', 0], ['b', 0]],
    [undefined, undefined, undefined],
  ])('of %j and %j is of the run %j', async (one, other, expected) => {
    const told = (run: Told['run']): Told => (run ? { run } : {});

    expect(await whole(told(one), told(other))).toMatchObject({
      source_run_id: expected?.[0] ?? null,
      source_engine_timestamp_ms: expected?.[1] ?? null,
    });
  });

  it.each([
    ['OK', 'OK', 'OK'],
    ['OK', 'DEGRADED', 'DEGRADED'],
    ['UNKNOWN', 'OK', 'OK'],
    ['UNKNOWN', 'UNKNOWN', 'UNKNOWN'],
  ])('with pages that are %s and %s is %s', async (one, other, status) => {
    expect(await whole({ status: one, details: ['A:x'] }, { status: other, details: ['B:y'] })).toMatchObject(
      { system: { status, components: [{ status, details: ['A:x', 'B:y'] }] } },
    );
  });

  it('keeps a component that only one page knows', async () => {
    const other = { ...page(), system: { status: 'OK', components: [] } };

    expect(await wholeDashboard(serving(page(), other).client, 'path')).toMatchObject({
      system: { components: [{ component_id: 'state_gate' }] },
    });
  });

  it('is stale for what every page is, and for what any page could not read', async () => {
    expect(
      await whole(
        { stale: ['stale_over_window', 'missing_state_gate_events'] },
        { stale: ['stale_over_window'] },
      ),
    ).toMatchObject({
      telemetry: { staleness: { is_stale: true, stale_reasons: ['stale_over_window'] } },
    });
    expect(await whole({ stale: ['no_symbols_observed'] }, {})).toMatchObject({
      telemetry: { staleness: { is_stale: false, stale_reasons: [] } },
    });
    expect(await whole({}, { stale: ['ingest_failure'] })).toMatchObject({
      telemetry: { staleness: { stale_reasons: ['ingest_failure'] } },
    });
  });
});
