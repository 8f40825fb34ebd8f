/**
 * The stored form of a commit (docs/guide/design.md §3): fields every event of the commit shares are written once, the
 * events are one JSON text, so that replay and hashing see the same bytes that were appended.
 */
import type { Actor, CommitOutput, RecordedEvent } from '#contracts/event.ts';
import type { EventId, StreamId } from '#contracts/ids.ts';
import type { AnsweredKey, EmbeddedState, StateItem, StoredCommit } from '#domain/ports/ledger.ts';
import {
  number,
  packItem,
  packText,
  requiredNumber,
  requiredText,
  text,
  unpackText,
} from '#adapters/dynamodb/attributes.ts';
import type { Item } from '#adapters/dynamodb/attributes.ts';

/** One event inside the `events` text: members that equal the commit's are left out. */
interface EventText {
  readonly i: string;
  readonly y: string;
  readonly v?: number;
  readonly k: string;
  readonly d: Record<string, unknown>;
  readonly t?: number;
  readonly a?: Actor;
  readonly m?: true;
}

interface EventsText {
  readonly a: Actor;
  readonly t: number;
  readonly e: readonly EventText[];
}

const sameActor = (one: Actor, other: Actor): boolean => one.kind === other.kind && one.id === other.id;

const encodeEvents = (events: readonly RecordedEvent[]): string => {
  const [first] = events;
  if (!first) throw new Error('a commit has at least one event');
  const shared: EventsText = {
    a: first.actor,
    t: first.occurredAtMs,
    e: events.map((event) => ({
      i: event.id,
      y: event.type,
      ...(event.schemaVersion === 1 ? {} : { v: event.schemaVersion }),
      k: event.idempotencyKey,
      d: event.data,
      ...(event.occurredAtMs === first.occurredAtMs ? {} : { t: event.occurredAtMs }),
      ...(sameActor(event.actor, first.actor) ? {} : { a: event.actor }),
      ...(event.mustUnderstand ? { m: true as const } : {}),
    })),
  };
  return JSON.stringify(shared);
};

const decodeEvents = (stream: string, sequence: number, stored: string): readonly RecordedEvent[] => {
  const shared = JSON.parse(stored) as EventsText;
  return shared.e.map((event, index) => ({
    stream: stream as StreamId,
    sequence: sequence + index,
    id: event.i as EventId,
    type: event.y,
    schemaVersion: event.v ?? 1,
    idempotencyKey: event.k,
    data: event.d,
    occurredAtMs: event.t ?? shared.t,
    actor: event.a ?? shared.a,
    ...(event.m ? { mustUnderstand: true as const } : {}),
  }));
};

/** The item `append` puts. */
export const commitItem = (commit: StoredCommit): Item => packItem(plainItem(commit), 'events');

const plainItem = (commit: StoredCommit): Item => ({
  stream: { S: commit.stream },
  sequence: { N: String(commit.sequence) },
  events: packText(encodeEvents(commit.events)),
  count: { N: String(commit.events.length) },
  committedAtMs: { N: String(commit.committedAtMs) },
  commandId: { S: commit.commandId },
  correlationId: { S: commit.correlationId },
  ...(commit.causationId === undefined ? {} : { causationId: { S: commit.causationId } }),
  ...(commit.state === undefined
    ? {}
    : { state: packText(commit.state.text), foldVersion: { N: String(commit.state.foldVersion) } }),
  ...(commit.answered === undefined ? {} : { answered: packText(JSON.stringify(commit.answered)) }),
  ...(commit.due === undefined ? {} : { due: { S: commit.due } }),
  ...(commit.outputs === undefined ? {} : { outputs: packText(JSON.stringify(commit.outputs)) }),
});

const embeddedState = (item: Item): EmbeddedState | undefined => {
  const stored = unpackText(item['state']);
  const foldVersion = number(item, 'foldVersion');
  return stored === undefined || foldVersion === undefined ? undefined : { text: stored, foldVersion };
};

/** True for commits, false for documents (sequence 0) and states kept apart. */
export const isCommitItem = (item: Item): boolean => item['count'] !== undefined;

/** A commit from its item. */
export const commitFromItem = (item: Item): StoredCommit => {
  const stream = requiredText(item, 'stream');
  const sequence = requiredNumber(item, 'sequence');
  const stored = unpackText(item['events']);
  if (stored === undefined) throw new Error(`ledger item ${stream} ${sequence} has no events`);
  const state = embeddedState(item);
  const outputs = unpackText(item['outputs']);
  const causationId = text(item, 'causationId');
  const due = text(item, 'due');
  const answered = unpackText(item['answered']);
  return {
    stream: stream as StreamId,
    sequence,
    events: decodeEvents(stream, sequence, stored),
    committedAtMs: requiredNumber(item, 'committedAtMs'),
    commandId: requiredText(item, 'commandId'),
    correlationId: requiredText(item, 'correlationId'),
    ...(causationId === undefined ? {} : { causationId }),
    ...(state === undefined ? {} : { state }),
    ...(answered === undefined ? {} : { answered: JSON.parse(answered) as readonly AnsweredKey[] }),
    ...(due === undefined ? {} : { due }),
    ...(outputs === undefined ? {} : { outputs: JSON.parse(outputs) as readonly CommitOutput[] }),
  };
};

const SEVEN_DAYS_S = 7 * 86_400;

/** The item of a state kept apart: half a step behind the last event it reflects, gone after seven days. */
export const stateItem = (stream: string, { version, state }: StateItem, nowMs: number): Item => ({
  stream: { S: stream },
  sequence: { N: String(version + 0.5) },
  state: packText(state.text),
  foldVersion: { N: String(state.foldVersion) },
  expiresAt: { N: String(Math.floor(nowMs / 1000) + SEVEN_DAYS_S) },
});

/** A state kept apart, from its item; undefined for other items. */
export const stateFromItem = (item: Item): StateItem | undefined => {
  const sequence = requiredNumber(item, 'sequence');
  const state = Number.isInteger(sequence) ? undefined : embeddedState(item);
  return state && { version: sequence - 0.5, state };
};
