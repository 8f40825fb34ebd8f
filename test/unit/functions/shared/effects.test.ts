import { beforeEach, describe, expect, it } from 'vitest';
import type { Effect, OfferTask } from '#domain/kernel/effect.ts';
import { performEffects } from '#functions/shared/effects.ts';
import type { EffectPorts } from '#functions/shared/effects.ts';
import { adaptersOf } from '#test/support/ledger.ts';
import { localStage, START_MS } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';

const offer = (taskKey: string): OfferTask => ({
  kind: 'offer-task',
  name: `offer-${taskKey}`,
  tenantId: 'acme',
  workspaceId: 'prod',
  queue: 'default-queue',
  priority: 5,
  runId: 'run_00000000000000000000000001',
  taskKey,
  attempt: 1,
  attemptId: 'att_000000000000000000000001',
  readyAtMs: 0,
});
const send = (number: number): Effect => ({
  kind: 'send-message',
  name: `send-${number}`,
  queue: 'sweep',
  body: { number },
});
const start = (name: string): Effect => ({
  kind: 'start-execution',
  name,
  machine: 'retry-task',
  input: { retryAt: new Date(START_MS + 60_000).toISOString() },
});
const issue: Effect = {
  kind: 'issue-command',
  name: 'issue-1',
  stream: 'run#acme/prod/x',
  command: { type: 'SweepRun' },
  ifDone: { stream: 'limit#acme/prod/y', command: { type: 'SweepLimit' } },
  ifRefused: { stream: 'limit#acme/prod/z', command: { type: 'SweepLimit' } },
};

describe('performing effects', () => {
  let stage: LocalStage;
  let ports: EffectPorts;
  beforeEach(async () => {
    stage = await localStage();
    ports = { ...adaptersOf(stage), serviceId: 'test' };
  });

  it('does each act, messages together and in order', async () => {
    const { kind: _kind, ...rest } = offer('m.b');
    await ports.offers.put(offer('m.b'));

    await performEffects(ports)([
      offer('m.a'),
      send(1),
      start('retry-1'),
      issue,
      { ...rest, kind: 'withdraw-task' },
      send(2),
    ]);

    expect(await ports.offers.exists(offer('m.a'))).toBe(true);
    expect(await ports.offers.exists(offer('m.b'))).toBe(false);
    expect((await stage.drain('sweep')).map(({ Body }) => Body)).toEqual(['{"number":1}', '{"number":2}']);
    expect(
      (await stage.drain('commands.fifo')).map(({ Body }) => JSON.parse(String(Body)) as unknown),
    ).toEqual([
      {
        kind: 'run',
        stream: 'run#acme/prod/x',
        command: { type: 'SweepRun' },
        commandId: 'issue-1',
        actor: { kind: 'service', id: 'test' },
        correlationId: 'run#acme/prod/x',
        ifDone: { stream: 'limit#acme/prod/y', command: { type: 'SweepLimit' } },
        ifRefused: { stream: 'limit#acme/prod/z', command: { type: 'SweepLimit' } },
      },
    ]);
    const { executions } = await stage.dispatcher.call('states', 'ListExecutions', {
      stateMachineArn: stage.environment['RETRY_TASK_MACHINE_ARN'],
    });
    expect(executions).toMatchObject([{ name: 'retry-1', status: 'RUNNING' }]);
  });

  it('is harmless when repeated', async () => {
    const effects = [offer('m.a'), start('retry-1')];

    await performEffects(ports)(effects);
    await performEffects(ports)(effects);

    const place = { tenantId: 'acme', workspaceId: 'prod', queue: 'default-queue' };
    expect(await ports.offers.peek(place, 10)).toHaveLength(1);
  });

  it('does nothing for nothing', async () => {
    await performEffects(ports)([]);
    expect(stage.requests()).toEqual({});
  });

  it('tries all and throws the first failure, so that one broken service holds up no other', async () => {
    stage.inject({ service: 'sqs', kind: 'server-error' });
    const offers = Array.from({ length: 40 }, (_, index) => offer(`m.t${index}`));

    await expect(performEffects(ports)([send(1), ...offers])).rejects.toMatchObject({
      name: 'InternalFailure',
    });

    for (const one of offers) expect(await ports.offers.exists(one)).toBe(true);
  });

  it('takes a closed execution name for done: the sweeper makes the retry itself', async () => {
    await performEffects(ports)([start('retry-1')]);
    const executionArn = 'arn:aws:states:us-east-1:000000000000:execution:retry-task:retry-1';
    await stage.dispatcher.call('states', 'StopExecution', { executionArn });

    await performEffects(ports)([start('retry-1')]);
  });
});
