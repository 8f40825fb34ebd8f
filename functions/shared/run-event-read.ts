/** A run's event as readers get it, on pages and in streams. */
import type { RecordedEvent } from '#contracts/event.ts';
import type { RunEventRead } from '#contracts/runs/read.ts';

/** The event without its stream, its time in ISO 8601. */
export const runEventRead = ({ stream: _stream, occurredAtMs, ...event }: RecordedEvent): RunEventRead => ({
  ...event,
  occurredAt: new Date(occurredAtMs).toISOString(),
});
