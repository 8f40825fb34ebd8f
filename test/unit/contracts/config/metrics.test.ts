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

  it('counts the product of the values of all dimensions', () => {
    expect(seriesCount({ unit: 'Count', meaning: '', dimensions: [] })).toBe(1);
    expect(seriesCount({ unit: 'Count', meaning: '', dimensions: ['plane', 'kind'] })).toBe(12);
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
