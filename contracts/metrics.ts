/**
 * The metric catalogue: the only metrics Sluice emits, with the dimensions each may carry. The dashboard and the
 * alarms are generated from it. Anything else worth knowing is a property of the log line, which costs nothing.
 */
import { functionNames, workQueueNames } from '#contracts/naming.ts';

/** CloudWatch namespace of every metric. */
export const metricNamespace = 'Sluice';

/** Every value each dimension may take; a metric has one series per combination of its dimensions. */
export const dimensionValues = {
  plane: ['assets', 'market'],
  function: functionNames,
  queue: workQueueNames,
  kind: ['run', 'limit', 'manifests', 'feed', 'feed-symbol', 'access', 'audit'],
} as const;
export type MetricDimension = keyof typeof dimensionValues;

/** When somebody is told: the statistic over five minutes crosses the threshold, or nothing was heard. */
export interface MetricAlarm {
  readonly statistic: 'Sum' | 'Maximum' | 'p99';
  readonly comparison: 'above' | 'below';
  readonly threshold: number;
  /** Five-minute periods in a row. */
  readonly periods: number;
  /** What the absence of data means; default `fine`. */
  readonly whenSilent?: 'fine' | 'alarming';
}

/** One metric: its unit, what it counts, and how it may be told apart. */
export interface Metric {
  readonly unit: 'Count' | 'Milliseconds';
  readonly meaning: string;
  /** What is the case at an instant: of several values the greatest counts, and they are never added up. */
  readonly isGauge?: true;
  /** Besides `stage`, which every metric carries. A metric with an alarm carries none. */
  readonly dimensions: readonly MetricDimension[];
  readonly alarm?: MetricAlarm;
}

const count = (meaning: string, ...dimensions: readonly MetricDimension[]): Metric => ({
  unit: 'Count',
  meaning,
  dimensions,
});
const milliseconds = (meaning: string, ...dimensions: readonly MetricDimension[]): Metric => ({
  unit: 'Milliseconds',
  meaning,
  dimensions,
});
const gauge = (metric: Metric): Metric => ({ ...metric, isGauge: true });
const alarmed = (metric: Metric, alarm: MetricAlarm): Metric => ({ ...metric, alarm });
const moreThan = (threshold: number, periods = 1): MetricAlarm => ({
  statistic: 'Sum',
  comparison: 'above',
  threshold,
  periods,
});

/** Every metric by name. */
export const metricCatalogue = {
  CommandsDecided: count('commands that were accepted', 'kind'),
  CommandsRefused: count('commands that were refused, with the code in the log'),
  CommandsFailed: alarmed(count('commands that met an unexpected fault'), moreThan(10)),
  AppendConflicts: count('appends that lost their position to another writer', 'kind'),
  EventsAppended: count('events written to the ledger', 'kind'),
  EffectsPerformed: count('outside acts that were performed'),
  EffectsFailed: alarmed(count('outside acts that failed and wait for the sweeper'), moreThan(50, 2)),
  ReadyToStartedMs: milliseconds(
    'from a task being ready to a worker or an in-process runner having it',
    'plane',
  ),
  InlineTasksRun: count('attempts that in-process runners made'),
  FunctionTasksRun: count('attempts for which functions of execution locations were invoked'),
  RunsCompleted: count('runs that ended well'),
  RunsFailed: count('runs that ended badly'),
  TasksRetried: count('attempts that failed and will be made again'),
  SlotsRequested: count('attempts that asked a limit of concurrency for a slot'),
  SlotsGranted: count('slots that were granted'),
  // One attempt makes nine such requests in its first five minutes.
  SlotsRefused: alarmed(
    count('requests for a slot that found too many waiters; the run asks again'),
    moreThan(3_000),
  ),
  SlotsExpired: count('slots whose attempt was found to be over without having given them back'),
  CallbacksRefused: count('worker callbacks that were refused, with the code in the log'),
  AuditsLost: count('requests that were answered and could not be audited'),
  RequestsLimited: count('HTTP requests refused because their caller had made too many'),
  RequestsServed: count('HTTP requests answered'),
  RequestsRefused: count('HTTP requests answered with 4xx'),
  RequestMs: milliseconds('time to answer an HTTP request'),
  'orchestrator.ingest.count': count('market records written to the buffer'),
  RecordsRefused: alarmed(count('market records sent to the dead-letter queue'), moreThan(100)),
  RecordsRepeated: count('market records delivered again and skipped'),
  RecordsSpilled: count('market records that wait in the object store because their buffer is full'),
  'orchestrator.buffer.depth': gauge(count('records in a buffer that are not consumed')),
  'orchestrator.buffer.age_ms': gauge(milliseconds('feed time since the oldest record that is not consumed')),
  'orchestrator.scheduler.lag_ms': milliseconds('from the instant of a tick of a live clock to its plan'),
  'orchestrator.engine.duration_ms': milliseconds('time a run took, with the reading of its records'),
  'orchestrator.backpressure.blocked_ms': milliseconds(
    'time for which records had waited in their stream, or planned runs for the queue',
  ),
  'market_data.events.count': count('market events that arrived for a feed'),
  'market_data.backpressure.count': count(
    'batches that wait in their stream for a buffer, and adapters that met a full sink',
  ),
  'market_data.backpressure.blocked_ms': milliseconds(
    'from a batch that met a full buffer to its being taken in or spilled, and how long an adapter waited for its sink',
  ),
  'market_data.transport.state': gauge(
    count('1 while every adapter of a process reads from its venue, 0 otherwise'),
  ),
  'market_data.transport.reconnects': count(
    'connections to a venue that were lost, or not made, and are made again',
  ),
  'market_data.decode_failures.count': count(
    'records that could not be decoded and were kept as DecodeFailure',
  ),
  'market_data.exchange_to_recv.latency_ms': milliseconds(
    'greatest time of a batch from the venue to the producer',
  ),
  IngestionFailures: alarmed(
    count('batches of a feed that could not be taken in after all tries and wait in their stream'),
    moreThan(0, 2),
  ),
  'orchestrator.buffer.append_failures': alarmed(
    count('batches that could not be written to the buffer after all tries'),
    moreThan(0),
  ),
  'orchestrator.backpressure.count': alarmed(
    count('batches that wait because a buffer has no room, and feeds that hold back what they plan'),
    moreThan(10, 2),
  ),
  'orchestrator.scheduler.ticks': count('ticks written to the ledger'),
  'orchestrator.engine.runs': count('engine runs that ended'),
  EngineRunsFailed: alarmed(count('engine runs that ended in a fault'), moreThan(10)),
  'state_gate.gate_decisions': count('judgements of gates, one for each of their reasons'),
  'state_gate.transitions': count('judgements after which a gate stood otherwise than before'),
  'state_gate.resets': count('gaps over which a gate forgot what it knew of its symbol'),
  'state_gate.failures': alarmed(
    count('judgements that a gate could not make, after which it is halted'),
    moreThan(0),
  ),
  'state_gate.halted': gauge(count('1 when the gate of a symbol that ran is halted, 0 when none is')),
  'state_gate.processing_lag_ms': milliseconds('engine time between two judgements of one symbol'),
  'analysis_engine.artifacts': count('artifacts that analysis modules made'),
  'analysis_engine.module_failures': alarmed(
    count('modules that made nothing of a run because they threw or lacked what they need'),
    moreThan(10),
  ),
  'analysis_engine.run_status': count('analyses of runs that ended, whole, in part or failed'),
  'analysis_engine.idempotency_skips': count('runs that were not analysed because the gate was closed'),
  'dashboards.snapshots.produced': count('dashboards that were made for a reader'),
  'dashboards.snapshot_latency_ms': milliseconds('time it took to read and make a dashboard'),
  'dashboards.builder.lag_ms': milliseconds('from the newest run a dashboard shows to the instant it is of'),
  'dashboards.renderer.frames': count('dashboards that a renderer has drawn'),
  'dashboards.failures': alarmed(
    count('dashboards that could not be made or drawn, and rows they lack because they cannot be read'),
    moreThan(10),
  ),
  'orchestrator.publish.count': count('records put on the output stream'),
  'orchestrator.publish.latency_ms': alarmed(milliseconds('from a commit to its output being published'), {
    statistic: 'p99',
    comparison: 'above',
    threshold: 60_000,
    periods: 3,
  }),
  PublishBlocked: alarmed(
    count('tries after which the outputs of a stream were still not delivered'),
    moreThan(0, 3),
  ),
  PublishHalted: alarmed(count('streams whose outputs wait for a person to resume them'), moreThan(0)),
  ResumeReminders: alarmed(count('reminders of feeds that wait for a person to resume them'), moreThan(0)),
  ChunksDeleted: count('market chunks deleted from the object store'),
  ProjectionFailures: alarmed(count('rows whose projection threw'), moreThan(0)),
  RowsWritten: count('read-model rows written'),
  StreamsBehind: alarmed(
    count('quiet streams whose read models or outputs were behind the ledger after a quarter of an hour'),
    moreThan(10),
  ),
  CommitsRepaired: count('commits whose read models were found behind the ledger and folded late'),
  LedgerTampered: alarmed(count('ledger items changed or removed after they were written'), moreThan(0)),
  Sweeps: alarmed(count('passes of the sweeper'), {
    statistic: 'Sum',
    comparison: 'below',
    threshold: 1,
    periods: 2,
    whenSilent: 'alarming',
  }),
  StreamsSwept: count('streams whose deadline had passed'),
  WorkerClockSkew: count('callbacks whose times lie outside the tolerance'),
  DeadLetters: alarmed(count('messages that were given up and told to their aggregate'), moreThan(0)),
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof metricCatalogue;

/** Series all metrics may have together in one stage: each costs money every month it is used. */
export const seriesMax = 200;

/** The dashboards: what everything has in common, runs, and the market plane, whose metrics have the reference's names. */
export const dashboardNames = ['overview', 'runs', 'market'] as const;
export type DashboardName = (typeof dashboardNames)[number];

/** The dashboard that shows a metric. */
export const dashboardOf = (name: string): DashboardName => {
  if (/\.|^(Records|Ingestion|EngineRuns|Publish|Resume|Chunks)/.test(name)) return 'market';
  return /^(Runs|Tasks|InlineTasks|ReadyToStarted|Callbacks|Slots)/.test(name) ? 'runs' : 'overview';
};

/** Series one dashboard may show and stay free of charge. */
export const dashboardSeriesMax = 50;

/** How many series one metric may have in one stage: the product of its dimensions' values. */
export const seriesCount = (metric: Metric): number =>
  metric.dimensions.reduce((product, dimension) => product * dimensionValues[dimension].length, 1);
