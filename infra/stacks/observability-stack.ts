/** What people look at and what wakes them: dashboards and alarms, all from the metric catalogue. */
import { Stack } from 'aws-cdk-lib';
import { AlarmStatusWidget, Dashboard, GraphWidget, MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import type { IWidget } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';

import { dashboardNames, dashboardOf, metricCatalogue, metricNamespace } from '#contracts/metrics.ts';
import type { DashboardName, Metric } from '#contracts/metrics.ts';
import { addAlarms } from '#infra/constructs/alarms.ts';
import { resourceNames } from '#infra/resource-names.ts';
import type { StackSettings } from '#infra/settings.ts';

/** Graphs side by side. */
const columnCount = 4;

const constructIds: Readonly<Record<DashboardName, string>> = {
  overview: 'Dashboard',
  runs: 'RunsDashboard',
  market: 'MarketDashboard',
};

/** The dashboards and alarms of a stage. */
export class ObservabilityStack extends Stack {
  constructor(scope: Construct, id: string, settings: StackSettings) {
    super(scope, id, { description: 'Sluice: dashboards and alarms' });
    const alarms = addAlarms(this, settings);
    for (const dashboard of dashboardNames)
      if (dashboard !== 'market' || settings.feeds === 'on')
        new Dashboard(this, constructIds[dashboard], {
          dashboardName: resourceNames(settings.stage).of(dashboard),
          widgets: [
            [new AlarmStatusWidget({ title: 'Alarms', width: 24, height: 4, alarms: [...alarms] })],
            ...rowsOf(graphsOf(dashboard, settings.stage)),
          ],
        });
  }
}

const graphsOf = (dashboard: DashboardName, stage: string): readonly IWidget[] =>
  Object.entries(metricCatalogue)
    .filter(([name]) => dashboardOf(name) === dashboard)
    .map(([name, metric]) => graph(name, metric, stage));

/** Every series of one metric, found by search so that new dimension values show up on their own. */
const graph = (name: string, { unit, isGauge, dimensions, meaning }: Metric, stage: string): IWidget =>
  new GraphWidget({
    title: `${name}: ${meaning}`,
    width: 24 / columnCount,
    height: 6,
    left: [
      new MathExpression({
        expression: `SEARCH('{${[metricNamespace, 'stage', ...dimensions].join(',')}} MetricName="${name}" stage="${stage}"', '${isGauge ? 'Maximum' : unit === 'Count' ? 'Sum' : 'p99'}', 300)`,
        label: '',
        usingMetrics: {},
      }),
    ],
  });

const rowsOf = (widgets: readonly IWidget[]): IWidget[][] =>
  Array.from({ length: Math.ceil(widgets.length / columnCount) }, (_, row) =>
    widgets.slice(row * columnCount, (row + 1) * columnCount),
  );
