/** The alarms of a stage: from the metric catalogue, for each queue, for each reader of a stream and for the API. */
import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

import { dashboardOf, metricCatalogue, metricNamespace } from '#contracts/metrics.ts';
import type { MetricAlarm } from '#contracts/metrics.ts';
import { liveAlias, stateMachineNames, workQueueNames } from '#contracts/naming.ts';
import type { FunctionName, QueueName, StateMachineName } from '#contracts/naming.ts';
import { resourceNames } from '#infra/resource-names.ts';
import type { ResourceNames } from '#infra/resource-names.ts';
import type { StackSettings } from '#infra/settings.ts';

interface AlarmPlan {
  readonly id: string;
  readonly description: string;
  readonly metric: Metric;
  readonly threshold: number;
  readonly periods: number;
  readonly comparison?: MetricAlarm['comparison'];
  readonly whenSilent?: MetricAlarm['whenSilent'];
}

const fiveMinutes = Duration.minutes(5);

/** Creates every alarm; they tell the topic of the settings when there is one. */
export const addAlarms = (scope: Construct, settings: StackSettings): readonly Alarm[] => {
  const names = resourceNames(settings.stage);
  const topic =
    settings.alarmTopicArn === undefined
      ? undefined
      : Topic.fromTopicArn(scope, 'AlarmTopic', settings.alarmTopicArn);
  return plansOf(settings, names).map((plan) => {
    const alarm = new Alarm(scope, plan.id, {
      alarmName: names.of(plan.id),
      alarmDescription: plan.description,
      metric: plan.metric,
      threshold: plan.threshold,
      evaluationPeriods: plan.periods,
      comparisonOperator:
        plan.comparison === 'below'
          ? ComparisonOperator.LESS_THAN_THRESHOLD
          : ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData:
        plan.whenSilent === 'alarming' ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    if (topic !== undefined) alarm.addAlarmAction(new SnsAction(topic));
    return alarm;
  });
};

/** Functions that read a stream; a growing age means that nothing behind them advances. */
const streamReaders = ['ingest-market', 'compact', 'publish'] as const satisfies readonly FunctionName[];

const plansOf = (settings: StackSettings, names: ResourceNames): readonly AlarmPlan[] => {
  const hasFeeds = settings.feeds === 'on';
  return [
    ...cataloguePlans(settings),
    ...workQueueNames
      .filter((queue) => hasFeeds || queue !== 'engine-runs.fifo')
      .map((queue) => agePlan(names, queue)),
    // A letter is counted when it is taken; what is left in its queue cannot be told to its aggregate.
    ...(['commands-dead.fifo', 'dead-letters'] as const).map((queue) => depthPlan(names, queue)),
    errorsPlan(names, 'dead-letters'),
    ...(hasFeeds ? [depthPlan(names, 'market-dead-letters')] : []),
    ...streamReaders
      .filter((reader) => hasFeeds || reader !== 'ingest-market')
      .flatMap((reader) => iteratorAgePlans(names, reader)),
    apiPlan(names),
    ...stateMachineNames.map((machine) => machinePlan(names, machine)),
  ];
};

/** Those of the market plane wait for feeds: an alarm costs money whether its metric is heard of or not. */
const cataloguePlans = (settings: StackSettings): readonly AlarmPlan[] =>
  Object.entries(metricCatalogue).flatMap(([metricName, entry]) => {
    const isIdle = dashboardOf(metricName) === 'market' && settings.feeds === 'off';
    if (!('alarm' in entry) || isIdle) return [];
    const { statistic, ...alarm } = entry.alarm;
    return [
      {
        id: metricName,
        description: entry.meaning,
        metric: new Metric({
          namespace: metricNamespace,
          metricName,
          dimensionsMap: { stage: settings.stage },
          statistic,
          period: fiveMinutes,
        }),
        ...alarm,
      },
    ];
  });

const queueMetric = (names: ResourceNames, queue: QueueName, metricName: string): Metric =>
  new Metric({
    namespace: 'AWS/SQS',
    metricName,
    dimensionsMap: { QueueName: names.of(queue) },
    statistic: 'Maximum',
    period: fiveMinutes,
  });

const idOf = (queue: QueueName): string => queue.replace('.', '-');

const agePlan = (names: ResourceNames, queue: QueueName): AlarmPlan => ({
  id: `${idOf(queue)}-age`,
  description: `messages of ${queue} wait longer than ten minutes`,
  metric: queueMetric(names, queue, 'ApproximateAgeOfOldestMessage'),
  threshold: 600,
  periods: 1,
});

const depthPlan = (names: ResourceNames, queue: QueueName): AlarmPlan => ({
  id: `${idOf(queue)}-depth`,
  description: `something was given up into ${queue}`,
  metric: queueMetric(names, queue, 'ApproximateNumberOfMessagesVisible'),
  threshold: 0,
  periods: 1,
});

const errorsPlan = (names: ResourceNames, name: FunctionName): AlarmPlan => ({
  id: `${name}-errors`,
  description: `${name} fails`,
  metric: new Metric({
    namespace: 'AWS/Lambda',
    metricName: 'Errors',
    dimensionsMap: { FunctionName: names.of(name), Resource: `${names.of(name)}:${liveAlias}` },
    statistic: 'Sum',
    period: fiveMinutes,
  }),
  threshold: 0,
  periods: 1,
});

const iteratorAgePlans = (names: ResourceNames, reader: FunctionName): readonly AlarmPlan[] =>
  ([10, 360] as const).map((minutes) => ({
    id: `${reader}-behind-${minutes}-minutes`,
    description: `${reader} is more than ${minutes} minutes behind its stream`,
    metric: new Metric({
      namespace: 'AWS/Lambda',
      metricName: 'IteratorAge',
      dimensionsMap: { FunctionName: names.of(reader), Resource: `${names.of(reader)}:${liveAlias}` },
      statistic: 'Maximum',
      period: fiveMinutes,
    }),
    threshold: minutes * 60_000,
    periods: 1,
  }));

const apiPlan = (names: ResourceNames): AlarmPlan => ({
  id: 'api-faults',
  description: 'the API answers 5xx',
  metric: new Metric({
    namespace: 'AWS/ApiGateway',
    metricName: '5XXError',
    dimensionsMap: { ApiName: names.of('api') },
    statistic: 'Sum',
    period: fiveMinutes,
  }),
  threshold: 5,
  periods: 1,
});

const machinePlan = (names: ResourceNames, machine: StateMachineName): AlarmPlan => ({
  id: `${machine}-failed`,
  description: `executions of ${machine} failed; the sweeper repairs what they left`,
  metric: new Metric({
    namespace: 'AWS/States',
    metricName: 'ExecutionsFailed',
    dimensionsMap: { StateMachineArn: names.machineArn(machine) },
    statistic: 'Sum',
    period: fiveMinutes,
  }),
  threshold: 0,
  periods: 1,
});
