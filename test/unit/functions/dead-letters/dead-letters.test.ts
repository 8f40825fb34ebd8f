import { beforeEach, describe, expect, it } from 'vitest';
import { createHandler } from '#functions/dead-letters/handler.ts';
import { queuedCommand } from '#functions/shared/queued-command.ts';
import { readEvents } from '#functions/shared/read-events.ts';
import type { RunCommand } from '#domain/run/command.ts';
import type { Json } from '#local/kernel/engine.ts';
import { adaptersOf, requestOf } from '#test/support/ledger.ts';
import { claim, planOf, stream as run, succeed, triggerOf } from '#test/support/run-fixtures.ts';
import { localStage, START_MS } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';
import { queueEvent } from '#test/support/ports-assets.ts';

describe('dead letters', () => {
  let stage: LocalStage;
  beforeEach(async () => {
    stage = await localStage();
  });
  const take = (queue: string, Body: string) =>
    createHandler(stage.environment, stage.plugin)(queueEvent(queue, [{ Body }]));
  const swept = async (): Promise<readonly unknown[]> =>
    (await stage.drain('sweep')).map(({ Body }) => JSON.parse(String(Body)) as unknown);

  it.each([
    ['commands-dead.fifo', { stream: 'run#acme/prod/x', command: {} }, 'run#acme/prod/x'],
    ['engine-runs-dead.fifo', { feedStream: 'feed#acme/prod/x' }, 'feed#acme/prod/x'],
    ['timers-dead', { feedStream: 'feed#acme/prod/y' }, 'feed#acme/prod/y'],
    ['inline-runs-dead', { stream: 'run#acme/prod/y' }, 'run#acme/prod/y'],
  ])('of %s have their stream looked at', async (queue, body, stream) => {
    expect(await take(queue, JSON.stringify(body))).toEqual({ batchItemFailures: [] });

    expect(await swept()).toEqual([{ stream }]);
    expect(stage.lines()).toContainEqual(expect.objectContaining({ DeadLetters: 1 }));
    expect(stage.lines()).toContainEqual(expect.objectContaining({ level: 'error', stream }));
  });

  describe('that are commands whose callers were told 200', () => {
    const dead = (command: RunCommand, MessageId: string) => ({
      MessageId,
      Body: JSON.stringify(queuedCommand('run', requestOf(run, command, { commandId: MessageId })).body),
      Attributes: { MessageGroupId: 'g' },
    });
    const takeAll = (...messages: readonly object[]) =>
      createHandler(
        stage.environment,
        stage.plugin,
      )(queueEvent('commands-dead.fifo', messages as readonly Json[]));
    const types = async (): Promise<readonly string[]> =>
      (await readEvents(adaptersOf(stage).ledger, run, 1)).map(({ type }) => type);
    const trigger = dead(triggerOf(planOf({ 'm.a': [] })), 'trigger');

    it('are decided at last', async () => {
      expect(await takeAll(trigger, dead(claim('m.a'), 'claim'))).toEqual({ batchItemFailures: [] });

      expect(await types()).toContain('TaskStarted');
      expect(await swept()).toEqual([]);
    });

    it('leave an event when they are refused by now', async () => {
      await takeAll(trigger, dead(succeed('m.a', 7), 'late'));

      expect(await types()).toContain('CommandRefused');
    });

    it('stay when they still cannot be decided, and hold up no other', async () => {
      const poison = dead({ type: 'CompleteTask', taskKey: 'm.a' } as unknown as RunCommand, 'poison');

      expect(await takeAll(trigger, poison, dead(claim('m.a'), 'claim'))).toEqual({
        batchItemFailures: [{ itemIdentifier: 'poison' }],
      });
      expect(await types()).toContain('TaskStarted');
    });
  });

  it('of sweeps are tried again after the longest wait there is', async () => {
    await take('sweep-dead', JSON.stringify({ stream: 'run#acme/prod/x' }));

    expect(await swept()).toEqual([]);
    while (stage.clock.step(START_MS + 900_000)) continue;
    stage.clock.jump(START_MS + 900_000);
    expect(await swept()).toEqual([{ stream: 'run#acme/prod/x' }]);
  });

  it.each([
    ['market-dead-letters', '{"code":"unlisted_source","message":"no","data":"x"}', 'unlisted_source'],
    ['dead-letters', '{"requestContext":{"condition":"RetryAttemptsExhausted"}}', 'RetryAttemptsExhausted'],
    ['dead-letters', 'no JSON at all', undefined],
  ])('that name no stream in %s are counted and logged with their reason', async (queue, body, reason) => {
    expect(await take(queue, body)).toEqual({ batchItemFailures: [] });

    expect(await swept()).toEqual([]);
    const [log] = stage.lines();
    expect(log).toMatchObject({ level: 'error', queue: `sluice-dev-${queue}` });
    expect(log?.['reason']).toBe(reason);
  });

  it('come again when the sweep queue does not take them', async () => {
    stage.inject({ service: 'sqs', kind: 'server-error' });

    expect((await take('timers-dead', '{"feedStream":"feed#a/b/c"}')).batchItemFailures).toHaveLength(1);
  });
});
