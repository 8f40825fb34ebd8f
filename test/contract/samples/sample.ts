/** Samples by their file below `events`, for example `run/RunTriggered.v1.json`. */
import { encodeTime } from 'ulid';
import type { RecordedEvent } from '#contracts/event.ts';
import type { EventId } from '#contracts/ids.ts';

export type Samples = Readonly<Record<string, unknown>>;

/** 2 January 2026, 08:00 UTC. */
export const SAMPLE_START_MS = Date.UTC(2026, 0, 2, 8);

/** The sample file of a shape. */
export const sampleFile = (folder: string, name: string): string => `${folder}/${name}.v1.json`;

/** The first event of each type as the ledger would hold it, with ids that look like what they are. */
export const ledgerSamples = (
  folder: string,
  events: readonly RecordedEvent[],
  actorOf: (event: RecordedEvent) => RecordedEvent['actor'],
): Samples => {
  const samples: Record<string, unknown> = {};
  for (const event of events) {
    const { stream, sequence, ...rest } = event;
    samples[sampleFile(folder, event.type)] ??= {
      stream,
      sequence,
      ...rest,
      id: eventId(event),
      actor: actorOf(event),
    };
  }
  return samples;
};

const eventId = ({ occurredAtMs, sequence }: RecordedEvent): EventId =>
  `${encodeTime(occurredAtMs, 10)}${String(sequence).padStart(16, '0')}` as EventId;
