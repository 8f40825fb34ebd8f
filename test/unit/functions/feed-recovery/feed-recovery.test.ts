import { beforeEach, describe, expect, it } from 'vitest';
import type { MarketSymbol } from '#contracts/ids.ts';
import type { FeedCommand } from '#contracts/market/feed.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { createHandler } from '#functions/feed-recovery/handler.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import { createHandler as createTimers } from '#functions/timers/handler.ts';
import type { Json } from '#local/kernel/engine.ts';
import { commandPorts, requestOf } from '#test/support/ledger.ts';
import { demoConfig, FEED_STREAM } from '#test/support/market-harness.ts';
import { localStage } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';
import { queueEvent } from '#test/support/ports-assets.ts';

const place = { tenantId: 'acme', workspaceId: 'prod', feedId: 'demo' };

describe('the function behind feed-recovery', () => {
  let stage: LocalStage;
  let taskTokens: string[];
  beforeEach(async () => {
    taskTokens = [];
    stage = await localStage({
      runTask: (_resource, given) => {
        taskTokens.push(String((given as Json)['taskToken']));
        return Promise.resolve({});
      },
    });
    await send({ type: 'CreateFeed', config: demoConfig(), start: true });
    const symbol = 'AAA' as MarketSymbol;
    await send({ type: 'HaltPublication', symbol, blockedSinceMs: 1, attempts: 1, errorDetail: '' });
  });

  const send = (command: FeedCommand) =>
    mailbox(commandPorts(stage)).send(feedAggregate, requestOf(FEED_STREAM, command));
  const ref = { openedSequence: 3, generation: 1 };
  const call = (more: object) =>
    createHandler(stage.environment, stage.plugin)({ ...place, ...ref, ...more });
  const resume = () => send({ type: 'ResumeFeed', reason: 'mended' });

  /** An execution that waits by token, and how it stands. */
  const waitingExecution = async () => {
    const { stateMachineArn } = await stage.dispatcher.call('states', 'CreateStateMachine', {
      name: 'waits',
      roleArn: 'arn:aws:iam::000000000000:role/none',
      definition: JSON.stringify({
        QueryLanguage: 'JSONata',
        StartAt: 'Wait',
        States: {
          Wait: {
            Type: 'Task',
            Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
            Arguments: { taskToken: '{% $states.context.Task.Token %}' },
            End: true,
          },
        },
      }),
    });
    const { executionArn } = await stage.dispatcher.call('states', 'StartExecution', { stateMachineArn });
    await new Promise(setImmediate);
    return async () =>
      (await stage.dispatcher.call('states', 'DescribeExecution', { executionArn }))['status'];
  };
  const tellResumed = async (over: object = {}) =>
    createTimers(
      stage.environment,
      stage.plugin,
    )(
      queueEvent('timers', [
        { Body: JSON.stringify({ kind: 'feed-resumed', feedStream: FEED_STREAM, ...ref, ...over }) },
      ]),
    );
  const fine = { batchItemFailures: [] };

  it('keeps the token, by which the word of the end reaches the execution, once', async () => {
    const status = await waitingExecution();
    expect(await call({ kind: 'wait', taskToken: taskTokens[0] })).toEqual({ outcome: 'waiting' });

    expect(await tellResumed({ generation: 2 })).toEqual(fine);
    expect(await status()).toBe('RUNNING');
    expect(await tellResumed()).toEqual(fine);
    await new Promise(setImmediate);
    expect(await status()).toBe('SUCCEEDED');

    // Told again, or too late: whoever waited is gone.
    expect(await tellResumed()).toEqual(fine);
  });

  it('takes a token as lost that nobody can open, and fails its message when the service does', async () => {
    await call({ kind: 'wait', taskToken: 'a-token' });
    const other = { ...ref, generation: 2 };
    const { Item } = await stage.dispatcher.call('dynamodb', 'GetItem', {
      TableName: 'control',
      Key: { pk: { S: `resume-token#${FEED_STREAM}` }, sk: { S: '3#1' } },
    });
    await stage.dispatcher.call('dynamodb', 'PutItem', {
      TableName: 'control',
      Item: { ...(Item as Json), sk: { S: '3#2' } },
    });
    expect(await tellResumed(other)).toEqual(fine);
    expect(stage.lines()).toContainEqual(
      expect.objectContaining({ message: 'a sealed task token cannot be opened and counts as lost' }),
    );

    stage.inject({ service: 'states', operation: 'SendTaskSuccess', kind: 'server-error' });
    expect((await tellResumed()).batchItemFailures).toHaveLength(1);
  });

  it('sends an execution away that nobody waits by', async () => {
    await expect(call({ kind: 'wait', taskToken: 'a', generation: 2 })).rejects.toThrow('any more');
    await resume();

    await expect(call({ kind: 'wait', taskToken: 'a' })).rejects.toMatchObject({ name: 'RecoveryOverError' });
  });

  it('reminds once however often it is asked, and knows when it is over', async () => {
    const reminders = () =>
      stage.lines().filter(({ message }) => message === 'a feed waits for a person to resume it').length;

    expect(await call({ kind: 'remind', reminderNo: 1 })).toEqual({ outcome: 'waiting' });
    expect(await call({ kind: 'remind', reminderNo: 1 })).toEqual({ outcome: 'waiting' });
    expect(reminders()).toBe(1);
    await resume();

    expect(await call({ kind: 'remind', reminderNo: 2 })).toEqual({ outcome: 'over' });
    expect(reminders()).toBe(1);
  });

  it('notes the end, and refuses what nobody would send', async () => {
    await resume();

    expect(await call({ kind: 'end' })).toEqual({ outcome: 'over' });
    expect(await call({ kind: 'end' })).toEqual({ outcome: 'over' });
    const outcome = await send({ type: 'EndRecovery', ...ref });
    expect(outcome).toMatchObject({ kind: 'unchanged' });
    expect(outcome.state).not.toHaveProperty('recovery');
    await expect(call({ kind: 'dance' })).rejects.toThrow();
  });
});
