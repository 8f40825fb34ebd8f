import { beforeEach, describe, expect, it } from 'vitest';
import { queuedCommand } from '#functions/shared/queued-command.ts';
import { requestOf } from '#test/support/ledger.ts';
import { assetPlane, queueEvent } from '#test/support/ports-assets.ts';
import type { AssetPlane } from '#test/support/ports-assets.ts';
import { claim, idOf, planOf, runId, scope, stream, succeed, triggerOf } from '#test/support/run-fixtures.ts';
import type { RunCommand } from '#domain/run/command.ts';

const message = (command: RunCommand, id: string) => {
  const { body, groupId } = queuedCommand('run', requestOf(stream, command, { commandId: id }));
  return { MessageId: id, Body: JSON.stringify(body), Attributes: { MessageGroupId: groupId ?? '' } };
};

describe('the commands queue', () => {
  let plane: AssetPlane;
  beforeEach(async () => {
    plane = await assetPlane();
  });
  const consume = (...messages: readonly object[]) =>
    plane.handlers.commands(queueEvent('commands.fifo', messages as never));
  const start = message(triggerOf(planOf({ 'm.a': [], 'm.b': [] })), 'trigger');

  it('decides all commands of a stream as one commit and performs what they owe', async () => {
    plane.stage.requests();

    expect(await consume(start, message(claim('m.a'), 'claim'), message(succeed('m.a'), 'done'))).toEqual({
      batchItemFailures: [],
    });

    // One commit in the ledger and one offer in `control`: the task that was claimed at once was never offered.
    expect(plane.stage.requests()).toEqual({ 'dynamodb.Query': 1, 'dynamodb.PutItem': 2 });
    expect((await plane.claim(10)).map(({ taskKey }) => taskKey)).toEqual(['m.b']);
    expect(idOf('m.a', 1)).toMatch(/^att_/);
  });

  it('lets one message nobody understands fail alone in effect, and again until it is given up', async () => {
    const broken = { MessageId: 'broken', Body: '{"kind":"run"}', Attributes: start.Attributes };

    const answer = await consume(start, broken, message(claim('m.a'), 'claim'));

    expect(answer.batchItemFailures).toHaveLength(3);
    expect((await plane.claim(10)).map(({ taskKey }) => taskKey)).toEqual(['m.b']);
    expect(await consume(start, message(claim('m.a'), 'claim'))).toEqual({ batchItemFailures: [] });
    expect(scope.tenantId).toBe('acme');
  });

  it('fails its messages when an effect fails, and performs it at the redelivery', async () => {
    plane.stage.inject({ service: 'dynamodb', operation: 'PutItem', resource: 'control', kind: 'throttle' });
    expect((await consume(start)).batchItemFailures).toHaveLength(1);
    expect(await plane.claim(10)).toEqual([]);

    plane.stage.inject();
    plane.stage.requests();
    expect((await consume(start)).batchItemFailures).toEqual([]);

    expect((await plane.claim(10)).map(({ taskKey }) => taskKey)).toEqual(['m.a', 'm.b']);
    expect(runId).toMatch(/^run_/);
  });
});
