import { describe, expect, it } from 'vitest';

import { virtualClock } from '#local/kernel/clock.ts';
import { readScheduleSetting } from '#local/schedule/schedule-setting.ts';
import type { ScheduleSetting } from '#local/schedule/schedule-setting.ts';
import { startScheduler } from '#local/schedule/scheduler.ts';
import type { Resource } from '#local/template/resolve-stack.ts';

const startMs = Date.parse('2026-11-20T00:00:00Z');
const fn = 'arn:aws:lambda:us-east-1:000000000000:function:sweeper:live';
const resource = (type: string, properties: Readonly<Record<string, unknown>>): Resource => ({
  stackName: 'app',
  logicalId: 'EachMinute',
  type,
  ref: 'each-minute',
  physicalName: 'each-minute',
  region: 'us-east-1',
  accountId: '000000000000',
  awsUrl: '',
  behaviour: 'live',
  properties,
});
const rule = (more: Readonly<Record<string, unknown>> = {}): ScheduleSetting | undefined =>
  readScheduleSetting(
    resource('AWS::Events::Rule', {
      ScheduleExpression: 'rate(1 minute)',
      Targets: [{ Arn: fn, Id: 'Target0' }],
      ...more,
    }),
  );
const run = (setting: ScheduleSetting | undefined) => {
  const clock = virtualClock(startMs);
  const calls: { readonly reference: string; readonly event: unknown }[] = [];
  const logs: string[] = [];
  const scheduler = startScheduler({
    schedules: setting === undefined ? [] : [setting],
    clock,
    invoke: (reference, event) => {
      calls.push({ reference, event });
      return calls.length === 1 ? Promise.reject(new Error('broken')) : Promise.resolve();
    },
    log: (text) => logs.push(text),
  });
  return { clock, calls, logs, scheduler };
};

describe('the scheduler', () => {
  it('starts a rule’s function each minute, also after it failed once', async () => {
    const { clock, calls, logs, scheduler } = run(rule());
    while (clock.step(startMs + 180_000)) await Promise.resolve();
    expect(calls.map(({ reference }) => reference)).toEqual([fn, fn, fn]);
    expect(calls[1]?.event).toMatchObject({
      'detail-type': 'Scheduled Event',
      time: '2026-11-20T00:02:00Z',
      resources: ['arn:aws:events:us-east-1:000000000000:rule/each-minute'],
    });
    expect(logs).toEqual(['schedule app/EachMinute failed: broken']);
    expect(scheduler.firingCount()).toBe(3);
  });

  it('fires nothing more once it is stopped', () => {
    const { clock, calls, scheduler } = run(rule());
    scheduler.stop();
    expect(clock.step(startMs + 180_000)).toBe(false);
    expect(calls).toEqual([]);
  });

  it('gives a schedule’s own input with the time put in', () => {
    const { clock, calls } = run(
      readScheduleSetting(
        resource('AWS::Scheduler::Schedule', {
          ScheduleExpression: 'cron(30 0 * * ? *)',
          FlexibleTimeWindow: { Mode: 'OFF' },
          Target: { Arn: fn, RoleArn: 'r', Input: '{"at":"<aws.scheduler.scheduled-time>"}' },
        }),
      ),
    );
    clock.step(startMs + 3_600_000);
    expect(calls.map(({ event }) => event)).toEqual([{ at: '2026-11-20T00:30:00.000Z' }]);
  });

  it('leaves a disabled rule alone and refuses other targets by name', () => {
    expect(rule({ State: 'DISABLED' })).toBeUndefined();
    expect(() => rule({ Targets: [{ Arn: 'arn:aws:sqs:us-east-1:000000000000:q', Id: 'T' }] })).toThrow(
      'property Targets.0.Arn: only Lambda targets are supported',
    );
    expect(() => rule({ ScheduleExpression: 'rate(1 second)' })).toThrow('property ScheduleExpression');
  });
});
