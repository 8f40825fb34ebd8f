import { describe, expect, it } from 'vitest';
import { RunId, TaskKey } from '#contracts/ids.ts';
import type { RecordedEvent } from '#contracts/event.ts';
import { runLogsKey, taskLogProjection, taskLogsPrefix } from '#domain/task-log/task-log-projection.ts';
import { storeTaskLog, taskLogAggregate, taskLogStream } from '#domain/task-log/task-log.ts';
import { given, recorded } from '#test/support/decider.ts';

const place = {
  tenantId: 'acme',
  workspaceId: 'prod',
  runId: RunId.parse('run_01KDYN3M00QV2Z8R4T6W9XACDE'),
  taskKey: TaskKey.parse('m.a'),
  attempt: 2,
};
const stream = taskLogStream(place);
const store = (stdout: string, stderr = '') => storeTaskLog(place, { stdout, stderr });
const at = { stream, version: 1, nowMs: 2_000 };
const fresh = () => given(taskLogAggregate, { stream, nowMs: 1_000 });

describe('the log of an attempt', () => {
  it('is a fact that names its body by the hash of its text', () => {
    const { command, text } = store('one\ntwo', 'three\n');
    expect(text).toBe('=== stdout ===\none\ntwo\n=== stderr ===\nthree\n');
    fresh()
      .when(command)
      .thenRecords({
        type: 'TaskLogStored',
        idempotencyKey: `log:${place.runId}:m.a:2`,
        data: { path: `logs/${place.runId}/m.a/attempt-2.log`, sizeBytes: 44, attempt: 2 },
      });
    expect(command.log.bodyKey).toMatch(/^logs\/acme\/prod\/[0-9a-f]{64}$/);
    expect(store('').text).toBe('=== stdout ===\n=== stderr ===\n');
  });

  it('is told to have been redacted when it was, and only then', () => {
    const { command, text } = store('using token=abcdef123456');
    expect(text).toContain('token=[redacted]');
    expect(command.log).toMatchObject({ redacted: true });
    expect(store('nothing to hide').command.log).not.toHaveProperty('redacted');
  });

  it('stays the first one: the same again changes nothing, another is refused', () => {
    const story = fresh().after(store('one').command);
    story.when(store('one').command).thenRecordsNothing();
    story.when(store('two').command).thenRefuses({ code: 'log_already_stored' });
    expect(taskLogAggregate.isTerminal(story.state())).toBe(true);
    expect(taskLogAggregate.isTerminal(taskLogAggregate.initialState())).toBe(false);
  });

  it('ignores a second fact, and facts it does not know', () => {
    const state = fresh().after(store('one').command).state();
    const [event] = recorded(
      [{ type: 'TaskLogStored', idempotencyKey: 'x', data: store('two').command.log }],
      at,
    );
    expect(taskLogAggregate.evolve(state, event as RecordedEvent)).toBe(state);
    const [unknown] = recorded([{ type: 'SomethingElse', idempotencyKey: 'x', data: {} }], at);
    expect(taskLogAggregate.evolve({ status: 'none' }, unknown as RecordedEvent)).toEqual({ status: 'none' });
  });

  it('waits for nothing, owes nothing, and comes back from its text', () => {
    const state = fresh().after(store('one').command).state();
    fresh().when(taskLogAggregate.sweepCommand(9)).thenRecordsNothing();
    expect(taskLogAggregate.waiting(state)).toEqual([]);
    expect(taskLogAggregate.outstanding(state, 9)).toEqual([]);
    expect(taskLogAggregate.decodeState(taskLogAggregate.encodeState(state))).toEqual(state);
  });
});

describe('the rows of logs', () => {
  const key = taskLogProjection.cursor(stream);
  const event = { type: 'TaskLogStored', data: store('one').command.log } as unknown as RecordedEvent;

  it('stand together by run, in the order of tasks and attempts', () => {
    expect(key).toEqual({ pk: runLogsKey(place), sk: `${taskLogsPrefix('m.a')}02` });
    const keys = [10, 9].map((attempt) => taskLogProjection.cursor(taskLogStream({ ...place, attempt })).sk);
    expect(keys).toEqual(['m.a#10', 'm.a#09']);
    expect(taskLogProjection.details(event)).toEqual([]);
  });

  it('keep the first fact, and are there for a stream of none', () => {
    const row = taskLogProjection.apply(undefined, key, event);
    expect(row).toEqual({ data: store('one').command.log });
    expect(taskLogProjection.apply(row, key, { ...event, data: store('two').command.log })).toBe(row);
    expect(taskLogProjection.apply(undefined, key, { ...event, type: 'Other' })).toBeUndefined();
    expect(taskLogProjection.cursor('task-log#').sk).toBe('#00');
  });
});
