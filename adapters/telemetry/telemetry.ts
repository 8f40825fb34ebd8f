/**
 * Structured logs and metrics on standard output: log lines as JSON, metrics in CloudWatch's embedded metric
 * format, both read by the platform. Only fields on the allow-list are written, without what looks like a secret;
 * anything else is named as withheld, so that a secret in an unexpected place never reaches a log.
 */
import { metricCatalogue, metricNamespace } from '#contracts/metrics.ts';
import type { Metric, MetricName } from '#contracts/metrics.ts';
import { groupBy } from '#domain/kernel/group-by.ts';
import { redactJson } from '#domain/kernel/redact.ts';
import type { MetricDimensions, Telemetry } from '#domain/ports/outside.ts';

export interface TelemetrySetting {
  readonly stage: string;
  readonly functionName: string;
  readonly nowMs: () => number;
  /** Takes one line. */
  readonly write: (line: string) => void;
}

const LOGGED_FIELDS = new Set([
  'requestId',
  'stream',
  'sequence',
  'eventType',
  'code',
  'status',
  'route',
  'errorName',
  'errorMessage',
  'effects',
  'runId',
  'taskKey',
  'attempt',
  'feedId',
  'symbol',
  'count',
  'queue',
  'messageId',
  'reason',
  'durationMs',
  'workerId',
  'commandType',
  'correlationId',
  'shardId',
  'stack',
  'areRowsBehind',
  'areOutputsBehind',
  'isHalted',
  // The market plane logs in the names of its reference, section 7.
  'source_id',
  'channel',
  'state',
  'reconnect_count',
  'adapter_status',
  'ingest_seq',
  'recv_ts_ms',
  'exchange_ts_ms',
  'run_id',
  'engine_timestamp_ms',
  'cut_start_ingest_seq',
  'cut_end_ingest_seq',
  'engine_mode',
  'failure_domain',
  'error_kind',
  'error_detail',
  'event_type',
  'embedded_evidence_present',
  'neutral_evidence_present',
  'opinion_count',
  'sources',
  'raw_events_ingested',
  'decode_failures',
  'first_event_timestamp_ms',
  'last_event_timestamp_ms',
  'gate_status',
  'state_status',
  'reasons',
  'reset_reason',
  'module_id',
  'artifact_kind',
  'stable_regime',
  'candidate_regime',
  'candidate_count',
  'transition_active',
  'flipped',
  'reset_due_to_gap',
  'effective_confidence',
  'prior_anchor_regime',
  'selected_regime',
  'decision',
  'window_size',
  'confirmation_count',
  'threshold',
  'belief_margin',
  'reason_code',
  'reason_codes',
  'anchor_prev',
  'anchor_next',
  'progress_current',
  'progress_required',
  'committed',
  'prev_engine_timestamp_ms',
  'gap_ms',
  'trigger',
]);

const allowed = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const kept: Record<string, unknown> = {};
  const withheld: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (LOGGED_FIELDS.has(name)) kept[name] = redactJson(value);
    else withheld.push(name);
  }
  return withheld.length === 0 ? kept : { ...kept, withheld };
};

interface Sample {
  readonly metric: MetricName;
  readonly dimensions: MetricDimensions;
  readonly values: number[];
}

/** Telemetry of one function; metrics are gathered and written by `flush`, which the handlers call last. */
export const telemetry = (setting: TelemetrySetting): Telemetry & { readonly flush: () => void } => {
  const { write } = setting;
  const samples = new Map<string, Sample>();
  return {
    log: (level, message, fields = {}) =>
      write(
        JSON.stringify({
          level,
          message,
          time: new Date(setting.nowMs()).toISOString(),
          stage: setting.stage,
          function: setting.functionName,
          ...allowed(fields),
        }),
      ),
    count: (metric, value = 1, dimensions = {}) => {
      const own = dimensionsOf(metric, { function: setting.functionName, ...dimensions });
      const id = `${metric}|${Object.values(own).join('|')}`;
      const sample = samples.get(id);
      if (sample) sample.values.push(value);
      else samples.set(id, { metric, dimensions: own, values: [value] });
    },
    flush: () => {
      for (const line of linesOf([...samples.values()]))
        write(JSON.stringify(embeddedMetrics(setting, line)));
      samples.clear();
    },
  };
};

/** The most values one metric of a line may have. */
const VALUES_PER_LINE_MAX = 100;

const parts = (sample: Sample): readonly Sample[] =>
  metricCatalogue[sample.metric].unit === 'Count'
    ? [sample]
    : Array.from({ length: Math.ceil(sample.values.length / VALUES_PER_LINE_MAX) }, (_, index) => ({
        ...sample,
        values: sample.values.slice(index * VALUES_PER_LINE_MAX, (index + 1) * VALUES_PER_LINE_MAX),
      }));

/**
 * What one invocation counted shares its lines, which are paid for by their length, as far as no metric stands twice in
 * a line and no dimension would have two values. A line may have 100 metrics, which is more than there are.
 */
const linesOf = (samples: readonly Sample[]): readonly Line[] => {
  const lines: {
    readonly metrics: Set<MetricName>;
    dimensions: MetricDimensions;
    readonly line: Sample[];
  }[] = [];
  for (const part of samples.flatMap(parts)) {
    const place = lines.find(
      ({ metrics, dimensions }) => !metrics.has(part.metric) && agree(dimensions, part.dimensions),
    );
    if (place) {
      place.metrics.add(part.metric);
      place.dimensions = { ...place.dimensions, ...part.dimensions };
      place.line.push(part);
    } else lines.push({ metrics: new Set([part.metric]), dimensions: part.dimensions, line: [part] });
  }
  return lines.map(({ line }) => line);
};

const agree = (one: MetricDimensions, other: MetricDimensions): boolean =>
  (Object.keys(other) as (keyof MetricDimensions)[]).every(
    (name) => one[name] === undefined || one[name] === other[name],
  );

type Line = readonly Sample[];

/** The dimensions the catalogue gives the metric, as far as they are known. */
const dimensionsOf = (metric: MetricName, given: MetricDimensions): MetricDimensions => {
  const dimensions: MetricDimensions = {};
  return metricCatalogue[metric].dimensions.reduce(
    (kept, dimension) => (given[dimension] === undefined ? kept : { ...kept, [dimension]: given[dimension] }),
    dimensions,
  );
};

const sumOf = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0);

const valueOf = ({ metric, values }: Sample): number | readonly number[] => {
  const { unit, isGauge }: Metric = metricCatalogue[metric];
  return isGauge ? Math.max(...values) : unit === 'Count' ? sumOf(values) : values;
};

/** One line; metrics of the same dimensions share a directive of it. */
const embeddedMetrics = (setting: TelemetrySetting, line: Line): unknown => {
  const directives = groupBy(line, ({ dimensions }) => Object.keys(dimensions).join('|'));
  return {
    _aws: {
      Timestamp: setting.nowMs(),
      CloudWatchMetrics: [...directives.values()].map((samples) => ({
        Namespace: metricNamespace,
        Dimensions: [['stage', ...Object.keys(samples[0]?.dimensions ?? {})]],
        Metrics: samples.map(({ metric }) => ({ Name: metric, Unit: metricCatalogue[metric].unit })),
      })),
    },
    stage: setting.stage,
    ...Object.assign({}, ...line.map(({ dimensions }) => dimensions)),
    ...Object.fromEntries(line.map((sample) => [sample.metric, valueOf(sample)])),
  };
};
