import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import {
  dashboardNames,
  dashboardOf,
  dashboardSeriesMax,
  metricCatalogue,
  seriesCount,
  seriesMax,
} from '#contracts/metrics.ts';
import type { DashboardName, Metric } from '#contracts/metrics.ts';
import { inProject, trackedFiles } from '#test/support/tracked-files.ts';

const metrics: readonly (readonly [string, Metric])[] = Object.entries(metricCatalogue);

describe('the metric catalogue', () => {
  it('multiplies to few enough series to be affordable and to fit free dashboards', () => {
    const seriesOn = (dashboard: DashboardName): number =>
      metrics
        .filter(([name]) => dashboardOf(name) === dashboard)
        .reduce((sum, [, metric]) => sum + seriesCount(metric), 0);

    for (const dashboard of dashboardNames)
      expect(seriesOn(dashboard), dashboard).toBeLessThanOrEqual(dashboardSeriesMax);
    expect(dashboardNames.reduce((sum, dashboard) => sum + seriesOn(dashboard), 0)).toBeLessThanOrEqual(
      seriesMax,
    );
  });

  it('has the names of the market reference', () => {
    const reference = {
      orchestrator: [
        'ingest.count',
        'buffer.depth',
        'buffer.age_ms',
        'buffer.append_failures',
        'scheduler.ticks',
        'scheduler.lag_ms',
        'engine.runs',
        'engine.duration_ms',
        'publish.count',
        'publish.latency_ms',
        'backpressure.count',
        'backpressure.blocked_ms',
      ],
      market_data: [
        'transport.state',
        'transport.reconnects',
        'events.count',
        'decode_failures.count',
        'exchange_to_recv.latency_ms',
        'backpressure.count',
        'backpressure.blocked_ms',
      ],
      state_gate: ['gate_decisions', 'transitions', 'resets', 'failures', 'halted', 'processing_lag_ms'],
      analysis_engine: ['artifacts', 'module_failures', 'run_status', 'idempotency_skips'],
      dashboards: [
        'snapshots.produced',
        'snapshot_latency_ms',
        'builder.lag_ms',
        'renderer.frames',
        'failures',
      ],
    };

    const named = metrics.map(([name]) => name).filter((name) => name.includes('.'));

    expect(new Set(named)).toEqual(
      new Set(Object.entries(reference).flatMap(([plane, names]) => names.map((name) => `${plane}.${name}`))),
    );
  });

  it('holds nothing that nobody counts', () => {
    const sources = trackedFiles()
      .filter((name) => /^(functions|domain|cli)\/.*\.ts$/.test(name))
      .map((name) => readFileSync(inProject(name), 'utf8'))
      .join('\n');

    expect(metrics.filter(([name]) => !sources.includes(`'${name}'`)).map(([name]) => name)).toEqual([]);
  });

  it('counts the product of the values of all dimensions', () => {
    expect(seriesCount({ unit: 'Count', meaning: '', dimensions: [] })).toBe(1);
    expect(seriesCount({ unit: 'Count', meaning: '', dimensions: ['plane', 'kind'] })).toBe(14);
  });

  it('alarms only on metrics that are one series', () => {
    for (const [name, { alarm, dimensions }] of metrics)
      if (alarm !== undefined) expect(dimensions, name).toEqual([]);
  });

  it('says of each metric what it means, and its unit in its name', () => {
    for (const [name, { meaning, unit }] of metrics) {
      expect(meaning.length).toBeGreaterThan(10);
      expect(/(Ms|_ms)$/.test(name)).toBe(unit === 'Milliseconds');
    }
  });
});
