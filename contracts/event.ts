/**
 * The ledger envelope: what every event carries and what one commit item holds (docs/guide/design.md §3).
 * Event payloads are declared beside their aggregate in `contracts/<aggregate>/events.ts`.
 */
import * as z from 'zod';
import type { StreamId } from '#contracts/ids.ts';
import { EventId } from '#contracts/ids.ts';

/** Who caused an event: a person, a worker, an API key or a part of Sluice itself. */
export const Actor = z.strictObject({
  kind: z.enum(['user', 'worker', 'service', 'api-key']),
  id: z.string().min(1).max(256),
});
export type Actor = z.infer<typeof Actor>;

/** One fact in the ledger. `occurredAtMs` is server time and never decreases within a stream. */
export const LedgerEvent = z.strictObject({
  id: EventId,
  type: z.string().regex(/^[A-Z][A-Za-z]+$/),
  schemaVersion: z.int().min(1),
  idempotencyKey: z.string().min(1).max(512),
  data: z.record(z.string(), z.unknown()),
  occurredAtMs: z.int().min(0),
  actor: Actor,
  mustUnderstand: z.literal(true).optional(),
});
export type LedgerEvent = z.infer<typeof LedgerEvent>;

/** An event with its place: the stream and its 1-based position there. */
export interface RecordedEvent extends LedgerEvent {
  readonly stream: StreamId;
  readonly sequence: number;
}

/** Bounded backoff of an output, in milliseconds. */
export interface OutputRetry {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly attemptsMax: number;
  readonly elapsedMaxMs?: number;
}

/** A message that must leave the system in order because of a commit; read by `publish`. */
export interface CommitOutput {
  /** The destination and order key, for example `market|main/demo|BTCUSDT`. */
  readonly key: string;
  /** Where it goes. */
  readonly destination: 'orchestrator-events';
  /** The exact bodies to publish, in order. */
  readonly bodies: readonly string[];
  /** How a refused body is tried again at once; absent, by the defaults of the publisher. */
  readonly retry?: OutputRetry;
}

/** One ledger item: the events one command produced. */
export interface Commit {
  readonly stream: StreamId;
  /** Position of the first event. */
  readonly sequence: number;
  readonly events: readonly RecordedEvent[];
  readonly committedAtMs: number;
  readonly commandId: string;
  readonly causationId?: string;
  readonly correlationId: string;
  readonly outputs?: readonly CommitOutput[];
}
