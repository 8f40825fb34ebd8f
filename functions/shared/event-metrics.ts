/** Metrics that are counts of facts: emitted by whoever appended them, once. */
import type { RecordedEvent } from '#contracts/event.ts';
import type { MetricName } from '#contracts/metrics.ts';
import type { LimitEventType } from '#contracts/runs/limit-events.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import { asLimitEvent } from '#domain/limit/evolve.ts';
import { asRunEvent } from '#domain/run/evolve.ts';

const slotMetrics: Readonly<Partial<Record<LimitEventType, MetricName>>> = {
  SlotRequested: 'SlotsRequested',
  SlotGranted: 'SlotsGranted',
  SlotExpired: 'SlotsExpired',
};

const metricOf = (event: RecordedEvent): MetricName | undefined => {
  const ofLimit = asLimitEvent(event);
  if (ofLimit) return slotMetrics[ofLimit.type];
  const known = asRunEvent(event);
  if (known?.type === 'TaskSlotRefused') return 'SlotsRefused';
  if (known?.type === 'RunCompleted')
    return known.data.outcome === 'SUCCEEDED' ? 'RunsCompleted' : 'RunsFailed';
  return known?.type === 'TaskCompleted' && known.data.retryAtMs !== undefined ? 'TasksRetried' : undefined;
};

/** Counts the events that have a metric of their own. */
export const countEvents = (telemetry: Telemetry, events: readonly RecordedEvent[]): void => {
  for (const event of events) {
    const metric = metricOf(event);
    if (metric !== undefined) telemetry.count(metric);
  }
};
