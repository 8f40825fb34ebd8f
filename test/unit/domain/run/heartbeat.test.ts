import { describe, expect, it } from 'vitest';
import { heartbeatIntervalMs } from '#domain/run/heartbeat.ts';
import type { Run } from '#domain/run/run.ts';
import { waiting } from '#domain/run/waiting.ts';
import { START_MS, beat, claim, fail, planOf, retry, sweep, triggered } from '#test/support/run-fixtures.ts';

const claimed = (heartbeatTimeoutSec = 300) =>
  triggered(planOf({ 'm.a': [] }, { policy: { heartbeatTimeoutSec } })).after(claim('m.a'));
const RECORDED = { type: 'TaskHeartbeatRecorded' };

describe('the interval of recorded heartbeats', () => {
  it.each([
    [30, 7_500],
    [60, 15_000],
    [119, 29_750],
    [120, 30_000],
    [121, 30_000],
    [86_400, 30_000],
  ])('is, for a timeout of %i s, %i ms', (timeoutSec, intervalMs) => {
    expect(heartbeatIntervalMs(timeoutSec)).toBe(intervalMs);
  });
});

describe('a heartbeat of a running attempt', () => {
  it('is recorded when it is the first, even at the instant of the start', () => {
    claimed().when(beat('m.a')).thenRecords(RECORDED).when(beat('m.a')).thenRecordsNothing();
  });

  it.each([
    [300, 30_000],
    [60, 15_000],
  ])('that says nothing new is recorded after the interval: timeout %i s', (timeoutSec, intervalMs) => {
    claimed(timeoutSec)
      .after(beat('m.a', { progressPct: 1, message: 'one' }))
      .at(START_MS + intervalMs - 1)
      .when(beat('m.a', { progressPct: 1, message: 'one' }))
      .thenRecordsNothing()
      .at(START_MS + intervalMs)
      .when(beat('m.a', { progressPct: 1, message: 'one' }))
      .thenRecords(RECORDED)
      .at(START_MS + 2 * intervalMs - 1)
      .when(beat('m.a'))
      .thenRecordsNothing();
  });

  it.each([
    ['another percentage', { progressPct: 11 }],
    ['another message', { message: 'two' }],
    ['a message that was cut or redacted otherwise', { message: 'token=abc123secret' }],
  ])('with %s is recorded after five seconds', (_, said) => {
    claimed()
      .after(beat('m.a', { progressPct: 10, message: 'one' }))
      .at(START_MS + 4_999)
      .when(beat('m.a', said))
      .thenRecordsNothing()
      .at(START_MS + 5_000)
      .when(beat('m.a', said))
      .thenRecords({ ...RECORDED, data: 'progressPct' in said ? said : {} })
      .at(START_MS + 10_000)
      .when(beat('m.a', said))
      .thenRecordsNothing();
  });

  it('is compared with what each earlier one said last', () => {
    claimed()
      .after(beat('m.a', { message: 'one' }))
      .at(START_MS + 5_000)
      .when(beat('m.a', { progressPct: 10 }))
      .thenRecords(RECORDED)
      .at(START_MS + 10_000)
      .when(beat('m.a', { progressPct: 10, message: 'one' }))
      .thenRecordsNothing();
  });

  it('is the first again with the next attempt', () => {
    claimed()
      .after(beat('m.a'), fail('m.a'))
      .at(START_MS + 30_000)
      .after(retry('m.a'), claim('m.a', 'wk-1', 2))
      .when(beat('m.a', { attempt: 2 }))
      .thenRecords(RECORDED);
  });
});

describe('the deadline of a silent worker', () => {
  const deadlineMs = (run: Run): number | undefined =>
    waiting(run).find(({ reason }) => reason === 'heartbeat')?.deadlineMs;

  it('is timeout and grace after a start without a heartbeat, and an interval more after one', () => {
    const story = claimed(60);
    expect(deadlineMs(story.state())).toBe(START_MS + 90_000);
    expect(deadlineMs(story.after(beat('m.a')).state())).toBe(START_MS + 105_000);
  });

  it('leaves timeout and grace to a worker whose last heartbeat was not recorded', () => {
    const lastHeardMs = START_MS + 14_999;
    claimed(60)
      .after(beat('m.a'))
      .at(lastHeardMs)
      .when(beat('m.a'))
      .thenRecordsNothing()
      .at(lastHeardMs + 90_000)
      .when(sweep(lastHeardMs + 90_000))
      .thenRecordsNothing()
      .at(START_MS + 105_000)
      .when(sweep(START_MS + 105_000))
      .thenRecords({ type: 'TaskCompleted', data: { failure: 'heartbeat_timeout' } });
  });
});
