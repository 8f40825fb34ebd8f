import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { sqsClient } from '#adapters/sdk/sqs-client.ts';
import { deadLetters } from '#adapters/sqs/dead-letters.ts';
import { sqsQueues } from '#adapters/sqs/queues.ts';
import { adaptersOf } from '#test/support/ledger.ts';
import { localStage, START_MS } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';

const URL = 'http://127.0.0.1:4566/000000000000/sweep';
const bodies = (messages: readonly object[]): readonly unknown[] =>
  messages.map((message) => JSON.parse(String((message as { Body: unknown }).Body)) as unknown);

describe('queues on SQS', () => {
  let stage: LocalStage;
  let queues: ReturnType<typeof adaptersOf>['queues'];
  beforeEach(async () => {
    stage = await localStage();
    ({ queues } = adaptersOf(stage));
  });

  it('sends ten at a time, every one and in order', async () => {
    const sent = Array.from({ length: 25 }, (_, number) => ({ stream: `s${number}` }));

    await queues.send(sent.map((body) => ({ queue: 'sweep', body })));

    expect(stage.requests()).toEqual({ 'sqs.SendMessageBatch': 3 });
    expect(bodies(await stage.drain('sweep'))).toEqual(sent);
  });

  it('sends less at a time when messages are long', async () => {
    const long = (number: number) => ({ number, text: 'x'.repeat(100_000) });

    await queues.send([1, 2, 3, 4, 5].map((number) => ({ queue: 'sweep', body: long(number) })));

    expect(stage.requests()).toEqual({ 'sqs.SendMessageBatch': 3 });
    expect(await stage.drain('sweep')).toHaveLength(5);
  });

  it('carries every character there is, also those a message may not hold', async () => {
    const body = { text: 'a\u0000\u0085\ufffe\uffff\ud800é😀' };

    await queues.send([{ queue: 'sweep', body }]);

    expect(bodies(await stage.drain('sweep'))).toEqual([body]);
  });

  it('sends a FIFO message with its group once within five minutes', async () => {
    const message = { queue: 'commands' as const, body: { a: 1 }, groupId: 'g', deduplicationId: 'd' };

    await queues.send([message]);
    await queues.send([message]);

    const [taken, ...others] = await stage.drain('commands.fifo');
    expect(taken).toMatchObject({ Attributes: { MessageGroupId: 'g', MessageDeduplicationId: 'd' } });
    expect(others).toEqual([]);
  });

  it('lets a message wait as long as it asks for', async () => {
    await queues.send([{ queue: 'timers', body: { a: 1 }, delaySeconds: 30 }]);

    expect(await stage.drain('timers')).toEqual([]);
    stage.clock.step(START_MS + 30_000);
    stage.clock.jump(START_MS + 30_000);
    expect(await stage.drain('timers')).toHaveLength(1);
  });

  it('sends nothing for nothing, and refuses a queue the function was not given', async () => {
    await queues.send([]);
    expect(stage.requests()).toEqual({});

    const none = sqsQueues(sqsClient(stage.plugin), {});
    await expect(none.send([{ queue: 'sweep', body: {} }])).rejects.toThrow('no queue sweep');
  });
});

describe('queues that refuse some messages of a batch', () => {
  const client = new SQSClient({});
  const mock = mockClient(client);
  const queues = sqsQueues(client, { sweep: URL });
  const failed = (Id: string) => ({
    Failed: [{ Id, Code: 'x', Message: 'busy', SenderFault: false }],
    Successful: [],
  });
  beforeEach(() => {
    mock.reset();
  });

  it('sends those again and no others', async () => {
    mock.on(SendMessageBatchCommand).resolvesOnce(failed('1')).resolves({ Failed: [], Successful: [] });

    await queues.send([1, 2, 3].map((number) => ({ queue: 'sweep', body: { number } })));

    const [, second] = mock.commandCalls(SendMessageBatchCommand);
    expect(second?.args[0].input.Entries).toMatchObject([{ Id: '1', MessageBody: '{"number":2}' }]);
  });

  it('gives up after four tries and says what was refused', async () => {
    mock.on(SendMessageBatchCommand).resolves(failed('0'));

    await expect(queues.send([{ queue: 'sweep', body: {} }])).rejects.toThrow('1 messages to');
    expect(mock.commandCalls(SendMessageBatchCommand)).toHaveLength(4);
  });

  it('tells that a dead letter was refused', async () => {
    mock.on(SendMessageBatchCommand).resolves(failed('0'));

    const send = deadLetters(client, URL);
    await expect(send([{ code: 'c', message: 'm' }])).rejects.toThrow('dead letters were refused: busy');
  });

  it('tells as much as the queue says of a refusal', async () => {
    const silent = (Code?: string) => ({ Failed: [{ Id: '0', Code, SenderFault: false }], Successful: [] });
    const send = deadLetters(client, URL);
    mock.on(SendMessageBatchCommand).resolvesOnce(silent('Throttled')).resolvesOnce(silent()).resolves({});

    await expect(send([{ code: 'c', message: 'm' }])).rejects.toThrow('were refused: Throttled');
    await expect(send([{ code: 'c', message: 'm' }])).rejects.toThrow('were refused: unknown');
    await expect(send([{ code: 'c', message: 'm' }])).resolves.toBeUndefined();
    await expect(queues.send([{ queue: 'sweep', body: {} }])).resolves.toBeUndefined();
  });
});

describe('dead letters', () => {
  it('keep their reason, and their data unless that is too long for a message', async () => {
    const stage = await localStage();
    const send = deadLetters(sqsClient(stage.plugin), stage.queueUrl('market-dead-letters'));
    const letters = Array.from({ length: 12 }, (_, number) => ({
      code: 'c',
      message: `m${number}`,
      data: 'ok',
    }));
    const long = { code: 'c', message: 'long', data: 'x'.repeat(300_000) };

    await send(letters);
    await send([...letters.slice(0, 2), long]);

    const taken = bodies(await stage.drain('market-dead-letters'));
    expect(taken.slice(0, 12)).toEqual(letters);
    expect(taken.slice(12, 14)).toEqual(letters.slice(0, 2));
    expect(taken[14]).toMatchObject({
      code: 'c',
      message: 'long',
      dataOmitted: expect.stringContaining('bytes'),
    });
    expect(taken[14]).not.toHaveProperty('data');
  });

  it('bound what they quote, count bytes and carry every character', async () => {
    const stage = await localStage();
    const send = deadLetters(sqsClient(stage.plugin), stage.queueUrl('market-dead-letters'));
    const wordy = { code: 'c', message: 'é'.repeat(300_000), partitionKey: 'k'.repeat(300_000), data: 'ok' };
    const wide = { code: 'c', message: 'm', partitionKey: 'k', data: 'é'.repeat(130_000) };
    const strange = { code: 'c', message: '\ufffe\uffff\ud800\u0001', partitionKey: '\uffff', data: 'ok' };

    await send([wordy, wide, strange]);

    const taken = bodies(await stage.drain('market-dead-letters'));
    expect(taken).toHaveLength(3);
    expect(taken[0]).toEqual({ ...wordy, message: 'é'.repeat(1_024), partitionKey: 'k'.repeat(256) });
    expect(taken[1]).not.toHaveProperty('data');
    expect(taken[2]).toEqual(strange);
  });
});
