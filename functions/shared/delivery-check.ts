/**
 * Whether what a stream of the ledger says has arrived where it goes: in its read models and at the destination of its
 * outputs. What is behind is asked for again; asking twice is harmless (docs/guide/design.md §4).
 */
import type { CompactionMessage, PublicationMessage } from '#contracts/delivery.ts';
import type { SendMessage } from '#domain/kernel/effect.ts';
import { sequenceOf } from '#domain/kernel/projection.ts';
import type { Cursors } from '#domain/ports/control.ts';
import type { ViewReader } from '#domain/ports/views.ts';
import { aggregateOf, projections } from '#functions/shared/aggregates.ts';
import { deliveryCursor, deliveryMarkOf } from '#functions/shared/delivery-cursor.ts';

export interface DeliveryCheckPorts {
  readonly views: Pick<ViewReader, 'get'>;
  readonly cursors: Pick<Cursors, 'read'>;
  readonly nowMs: () => number;
}

/** A stream, the version of its last event, and when that occurred. */
export interface Head {
  readonly stream: string;
  readonly version: number;
  readonly lastOccurredAtMs: number;
}

/** What is behind the ledger. */
export interface Arrears {
  readonly stream: string;
  readonly areRowsBehind: boolean;
  readonly areOutputsBehind: boolean;
  /** The delivery of its outputs has halted and waits for a person. */
  readonly isHalted: boolean;
}

/** What of a stream, whose last event has this version, has not arrived; undefined when all has. */
export const arrearsOf = async (
  { views, cursors, nowMs }: DeliveryCheckPorts,
  { stream, version, lastOccurredAtMs }: Head,
): Promise<Arrears | undefined> => {
  const aggregate = aggregateOf(stream);
  const projection = projections[aggregate.kind];
  const [row, cursor] = await Promise.all([
    projection && views.get(projection.cursor(stream)),
    aggregate.outputs && cursors.read(deliveryCursor(stream)),
  ]);
  // Rows of a stream that has been silent for as long as they are kept have expired, or will when they are written.
  const areKept = lastOccurredAtMs + (projection?.rowsKeptMs ?? Infinity) > nowMs();
  const areRowsBehind = projection !== undefined && areKept && sequenceOf(row) < version;
  const areOutputsBehind = aggregate.outputs !== undefined && (cursor?.position ?? 0) < version;
  if (!areRowsBehind && !areOutputsBehind) return undefined;
  const isHalted = areOutputsBehind && deliveryMarkOf(cursor?.place)?.isHalted === true;
  return { stream, areRowsBehind, areOutputsBehind, isHalted };
};

/** The messages that ask for what is behind. */
export const catchUpMessages = ({
  stream,
  areRowsBehind,
  areOutputsBehind,
}: Arrears): readonly Omit<SendMessage, 'kind' | 'name'>[] => [
  ...(areRowsBehind ? [{ queue: 'compactions', body: { stream } satisfies CompactionMessage } as const] : []),
  ...(areOutputsBehind
    ? [{ queue: 'publications', body: { stream } satisfies PublicationMessage } as const]
    : []),
];
