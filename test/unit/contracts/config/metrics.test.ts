import { describe, expect, it } from 'vitest';

import { dashboardSeriesMax, metricCatalogue, seriesCount, seriesMax } from '#contracts/metrics.ts';
import type { Metric } from '#contracts/metrics.ts';

const metrics: readonly (readonly [string, Metric])[] = Object.entries(metricCatalogue);

describe('the metric catalogue', () => {
  it('multiplies to few enough series to be affordable and to fit one free dashboard', () => {
    const total = metrics.reduce((sum, [, metric]) => sum + seriesCount(metric), 0);

    expect(total).toBeLessThanOrEqual(seriesMax);
    expect(total).toBeLessThanOrEqual(dashboardSeriesMax);
  });

  it('counts the product of the values of all dimensions', () => {
    expect(seriesCount({ unit: 'Count', meaning: '', dimensions: [] })).toBe(1);
    expect(seriesCount({ unit: 'Count', meaning: '', dimensions: ['plane', 'kind'] })).toBe(8);
  });

  it('alarms only on metrics that are one series', () => {
    for (const [name, { alarm, dimensions }] of metrics)
      if (alarm !== undefined) expect(dimensions, name).toEqual([]);
  });

  it('says of each metric what it means, and its unit in its name', () => {
    for (const [name, { meaning, unit }] of metrics) {
      expect(meaning.length).toBeGreaterThan(10);
      expect(name.endsWith('Ms')).toBe(unit === 'Milliseconds');
    }
  });
});
