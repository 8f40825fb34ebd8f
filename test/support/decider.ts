/**
 * given / when / thenRecords / thenRefuses for any aggregate. After every fold the state must survive being packed
 * and read back, so each test also checks the codec.
 */
import { expect } from 'vitest';
import type { RecordedEvent } from '#contracts/event.ts';
import type { EventId, StreamId } from '#contracts/ids.ts';
import type { Aggregate, ProposedEvent, Rejection } from '#domain/kernel/aggregate.ts';

/** A stream in a test: its facts so far and the clock. */
export interface Story<State, Command, Event> {
  readonly state: () => State;
  readonly history: () => readonly RecordedEvent[];
  readonly nowMs: () => number;
  /** Sets the clock. */
  readonly at: (nowMs: number) => Story<State, Command, Event>;
  /** Decides and folds commands that must be accepted. */
  readonly after: (...commands: readonly Command[]) => Story<State, Command, Event>;
  readonly when: (command: Command) => Outcome<State, Command, Event>;
}

export interface Outcome<State, Command, Event> {
  /** Exactly these events, each compared by the members it names. */
  readonly thenRecords: (...expected: readonly object[]) => Story<State, Command, Event>;
  readonly thenRecordsNothing: () => Story<State, Command, Event>;
  /** Refused with at least these members; the state stays. */
  readonly thenRefuses: (expected: Partial<Rejection>) => Story<State, Command, Event>;
  readonly events: readonly Event[];
}

/** Numbers and stamps proposed events as a command handler would. */
export const recorded = (
  proposed: readonly ProposedEvent[],
  place: { readonly stream: string; readonly version: number; readonly nowMs: number },
): readonly RecordedEvent[] =>
  proposed.map((event, index) => ({
    stream: place.stream as StreamId,
    sequence: place.version + 1 + index,
    id: String(place.version + 1 + index).padStart(26, '0') as EventId,
    type: event.type,
    schemaVersion: event.schemaVersion ?? 1,
    idempotencyKey: event.idempotencyKey,
    // What is stored is JSON: members that are undefined do not survive.
    data: JSON.parse(JSON.stringify(event.data)) as Record<string, unknown>,
    occurredAtMs: place.nowMs,
    actor: { kind: 'service', id: 'test' },
  }));

/** The state as a loader would restore it from its packed form and the first commit. */
export const reloaded = <State, Command extends { readonly type: string }, Event extends ProposedEvent>(
  aggregate: Aggregate<State, Command, Event>,
  state: State,
  firstCommit: readonly RecordedEvent[],
): State => {
  const decoded = aggregate.decodeState(aggregate.encodeState(state));
  const { origin } = aggregate;
  return origin?.isMissing(decoded) ? origin.attach(decoded, firstCommit) : decoded;
};

/** The state after these events, from nothing. */
export const folded = <State, Command extends { readonly type: string }, Event extends ProposedEvent>(
  aggregate: Aggregate<State, Command, Event>,
  events: readonly RecordedEvent[],
): State => events.reduce((state, event) => aggregate.evolve(state, event), aggregate.initialState());

/** A stream that holds these facts. */
export const given = <State, Command extends { readonly type: string }, Event extends ProposedEvent>(
  aggregate: Aggregate<State, Command, Event>,
  setting: { readonly stream: string; readonly nowMs: number },
  ...facts: readonly ProposedEvent[]
): Story<State, Command, Event> => {
  let { nowMs } = setting;
  const history: RecordedEvent[] = [];
  let firstCommit: readonly RecordedEvent[] = [];
  let state = aggregate.initialState();
  const append = (proposed: readonly ProposedEvent[]): void => {
    const events = recorded(proposed, { stream: setting.stream, version: history.length, nowMs });
    if (history.length === 0) firstCommit = events;
    history.push(...events);
    for (const event of events) state = aggregate.evolve(state, event);
    expect(reloaded(aggregate, state, firstCommit)).toEqual(state);
  };
  const decide = (command: Command) => aggregate.decide(command, state, { nowMs, stream: setting.stream });
  const story: Story<State, Command, Event> = {
    state: () => state,
    history: () => history,
    nowMs: () => nowMs,
    at: (instant) => {
      nowMs = instant;
      return story;
    },
    after: (...commands) => {
      for (const command of commands) {
        const decision = decide(command);
        if (decision.kind === 'rejected')
          expect.fail(`${command.type} was refused: ${decision.rejection.message}`);
        else append(decision.events);
      }
      return story;
    },
    when: (command) => {
      const before = aggregate.encodeState(state);
      const decision = decide(command);
      expect(aggregate.encodeState(state)).toBe(before);
      if (decision.kind === 'accepted') append(decision.events);
      const events = decision.kind === 'accepted' ? decision.events : [];
      return {
        events,
        thenRecords: (...expected) => {
          expect(decision).toMatchObject({ kind: 'accepted' });
          expect(events.map(({ type }) => type)).toEqual(
            expected.map((event) => ('type' in event ? event.type : undefined)),
          );
          expect(events).toMatchObject(expected);
          return story;
        },
        thenRecordsNothing: () => {
          expect(decision).toEqual({ kind: 'accepted', events: [] });
          return story;
        },
        thenRefuses: (expected) => {
          expect(decision).toMatchObject({ kind: 'rejected', rejection: expected });
          return story;
        },
      };
    },
  };
  append(facts);
  return story;
};
