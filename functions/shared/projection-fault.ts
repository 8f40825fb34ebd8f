import type { RecordedEvent } from '#contracts/event.ts';
import type { Telemetry } from '#domain/ports/outside.ts';

/** Tells of an event a projection threw at; `rebuild` repairs its rows after a fix. */
export const reportFault = (telemetry: Telemetry, event: RecordedEvent, error: unknown): void => {
  telemetry.count('ProjectionFailures', 1);
  telemetry.log('error', 'projection failed', {
    stream: event.stream,
    sequence: event.sequence,
    eventType: event.type,
    errorMessage: error instanceof Error ? error.message : String(error),
  });
};
