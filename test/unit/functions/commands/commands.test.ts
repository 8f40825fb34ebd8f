import { beforeEach, describe, expect, it } from 'vitest';
import { queuedCommand } from '#functions/shared/queued-command.ts';
import { adaptersOf, requestOf } from '#test/support/ledger.ts';
import type { LocalStage } from '#test/support/ports.ts';
import { assetPlane, queueEvent } from '#test/support/ports-assets.ts';
import type { AssetPlane } from '#test/support/ports-assets.ts';
import { claim, idOf, planOf, runId, stream, succeed, triggerOf } from '#test/support/run-fixtures.ts';
import type { RunCommand } from '#domain/run/command.ts';

const message = (command: RunCommand, id: string) => {
  const { body, groupId } = queuedCommand('run', requestOf(stream, command, { commandId: id }));
  return { MessageId: id, Body: JSON.stringify(body), Attributes: { MessageGroupId: groupId ?? '' } };
};

/** Appends an event of a newer version that must be understood. */
const appendUnknown = async (local: LocalStage): Promise<void> => {
  const { ledger } = adaptersOf(local);
  const [newest] = (await ledger.tail(stream, 1)).commits;
  const event = newest?.events.at(-1);
  if (!newest || !event) throw new Error('the run has no events');
  const sequence = event.sequence + 1;
  const split = { ...event, sequence, type: 'Split', idempotencyKey: 'split', mustUnderstand: true as const };
  const { state: _state, due: _due, outputs: _outputs, ...bare } = newest;
  await ledger.append({ ...bare, sequence, events: [split], commandId: 'split' });
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

  it('lets one message nobody understands fail alone', async () => {
    const broken = { MessageId: 'broken', Body: '{"kind":"run"}', Attributes: start.Attributes };

    const answer = await consume(start, broken, message(claim('m.a'), 'claim'));

    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'broken' }] });
    expect((await plane.claim(10)).map(({ taskKey }) => taskKey)).toEqual(['m.b']);
  });

  const poison = message({ type: 'CompleteTask', taskKey: 'm.a' } as unknown as RunCommand, 'poison');

  it('lets a command that breaks an invariant fail alone, the others in one commit', async () => {
    plane.stage.requests();

    const answer = await consume(start, poison, message(claim('m.b'), 'claim'));

    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'poison' }] });
    expect((await plane.claim(10)).map(({ taskKey }) => taskKey)).toEqual(['m.a']);
    const lines = plane.stage.lines();
    expect(lines).toContainEqual(expect.objectContaining({ CommandsFailed: 1 }));
    expect(lines).toContainEqual(expect.objectContaining({ level: 'error', commandType: 'CompleteTask' }));
  });

  it('says so when it cannot release the command that fails, which then comes back later', async () => {
    plane.stage.inject({ service: 'sqs', operation: 'ChangeMessageVisibility', kind: 'server-error' });

    expect(await consume(start, poison)).toEqual({ batchItemFailures: [{ itemIdentifier: 'poison' }] });
    expect(plane.stage.lines()).toContainEqual(
      expect.objectContaining({ level: 'warn', messageId: 'poison' }),
    );
  });

  it('finds it too when the commit of all had failed for another reason', async () => {
    plane.stage.inject({
      service: 'dynamodb',
      operation: 'PutItem',
      resource: 'ledger',
      kind: 'server-error',
      calls: [1],
    });

    const answer = await consume(start, poison, message(claim('m.b'), 'claim'));

    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'poison' }] });
    expect((await plane.claim(10)).map(({ taskKey }) => taskKey)).toEqual(['m.a']);
  });

  it('fails from the first on that could not be written, in order', async () => {
    await consume(start);
    plane.stage.inject({
      service: 'dynamodb',
      operation: 'PutItem',
      resource: 'ledger',
      kind: 'server-error',
      calls: [1, 2],
    });

    const answer = await consume(message(claim('m.a'), 'one'), message(claim('m.b'), 'two'));

    expect(answer.batchItemFailures).toEqual([{ itemIdentifier: 'one' }, { itemIdentifier: 'two' }]);
  });

  it('lets a command come again that a newer version of Sluice may take', async () => {
    await consume(start);
    await appendUnknown(plane.stage);

    const answer = await consume(message(claim('m.a'), 'claim'), message(claim('m.b'), 'other'));

    expect(answer.batchItemFailures).toEqual([{ itemIdentifier: 'claim' }, { itemIdentifier: 'other' }]);
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
