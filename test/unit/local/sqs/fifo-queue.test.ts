import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import type { SqsUnderTest } from './sqs-under-test.ts';
import { arnOf, redriveTo, startSqs, urlOf } from './sqs-under-test.ts';

const name = 'runs.fifo';

interface FifoUnderTest extends SqsUnderTest {
  /** Sends the body, which is also its deduplication id, to the group. */
  readonly sendTo: (group: string, body: string) => Json;
}

const startFifo = (attributes: Readonly<Record<string, string>> = {}): FifoUnderTest => {
  const sqs = startSqs();
  sqs.create('dead.fifo', { FifoQueue: 'true' });
  sqs.create(name, { FifoQueue: 'true', ...attributes });
  return {
    ...sqs,
    sendTo: (MessageGroupId, body) => sqs.send(name, body, { MessageGroupId, MessageDeduplicationId: body }),
  };
};

describe('order in a FIFO queue', () => {
  it('hands out several messages of one group in one receive, then of the next group', () => {
    const { sendTo, bodies } = startFifo();
    for (const [group, body] of [
      ['a', 'a1'],
      ['b', 'b1'],
      ['a', 'a2'],
      ['b', 'b2'],
      ['a', 'a3'],
    ] as const) {
      sendTo(group, body);
    }

    expect(bodies(name, { MaxNumberOfMessages: 4 })).toEqual(['a1', 'a2', 'a3', 'b1']);
  });

  it('blocks a group while one of its messages is in flight, and no other group', () => {
    const { sendTo, receive, bodies, remove } = startFifo();
    for (const body of ['a1', 'a2', 'b1']) sendTo(body.charAt(0), body);
    const [first] = receive(name);

    expect(first?.['Body']).toBe('a1');
    expect(bodies(name)).toEqual(['b1']);
    expect(bodies(name)).toEqual([]);
    remove(name, first);
    expect(bodies(name)).toEqual(['a2']);
  });

  it('keeps a group blocked until the last message of a receive is settled', () => {
    const { sendTo, receive, bodies, remove, pass } = startFifo({ VisibilityTimeout: '10' });
    for (const body of ['a1', 'a2', 'a3']) sendTo('a', body);
    const [first, second] = receive(name, { MaxNumberOfMessages: 2 });

    remove(name, first);
    expect(bodies(name)).toEqual([]);
    pass(10);
    expect(second?.['Body']).toBe('a2');
    expect(bodies(name)).toEqual(['a2', 'a3']);
  });

  it('keeps the order after visibility timeouts and early releases', () => {
    const { sendTo, receive, bodies, call, pass } = startFifo({ VisibilityTimeout: '10' });
    for (const body of ['a1', 'a2', 'a3']) sendTo('a', body);
    const [, , third] = receive(name, { MaxNumberOfMessages: 3 });

    call('ChangeMessageVisibility', {
      QueueUrl: urlOf(name),
      ReceiptHandle: third?.['ReceiptHandle'],
      VisibilityTimeout: 0,
    });
    expect(bodies(name)).toEqual([]);
    pass(10);

    expect(bodies(name)).toEqual(['a1', 'a2', 'a3']);
  });

  it('gives increasing sequence numbers of twenty digits', () => {
    const { sendTo, receive } = startFifo();

    const numbers = ['1', '2', '10'].map((body) => String(sendTo('a', body)['SequenceNumber']));

    expect(numbers).toEqual([...numbers].sort());
    expect(new Set(numbers.map((number) => number.length))).toEqual(new Set([20]));
    expect(receive(name)[0]?.['Attributes']).toMatchObject({
      SequenceNumber: numbers[0],
      MessageGroupId: 'a',
      MessageDeduplicationId: '1',
    });
  });

  it('opens a group again when its message in flight outlives the retention', () => {
    const { sendTo, receive, bodies, pass } = startFifo({ MessageRetentionPeriod: '60' });
    sendTo('a', 'old');
    pass(30);
    sendTo('a', 'new');
    receive(name, { VisibilityTimeout: 3600 });

    pass(30);

    expect(bodies(name)).toEqual(['new']);
  });
});

describe('delay in a FIFO queue', () => {
  it('is that of the queue and never of the message', () => {
    const { sendTo, bodies, refusal, send, pass } = startFifo({ DelaySeconds: '5' });
    sendTo('a', 'a1');
    const ids = { MessageGroupId: 'a', MessageDeduplicationId: 'a2' };

    expect(
      refusal('SendMessage', { QueueUrl: urlOf(name), MessageBody: 'a2', DelaySeconds: 1, ...ids }).code,
    ).toBe('InvalidParameterValueException');
    send(name, 'a2', { DelaySeconds: 0, ...ids });
    pass(4.999);
    expect(bodies(name)).toEqual([]);
    pass(0.001);
    expect(bodies(name)).toEqual(['a1', 'a2']);
  });

  it('reaches waiting messages when the queue changes it', () => {
    const { sendTo, bodies, call, pass, counts } = startFifo({ DelaySeconds: '900' });
    const setDelay = (DelaySeconds: string): unknown =>
      call('SetQueueAttributes', { QueueUrl: urlOf(name), Attributes: { DelaySeconds } });
    sendTo('a', 'a1');
    pass(10);
    sendTo('a', 'a2');

    setDelay('12');
    pass(2);
    expect(counts(name)).toEqual([1, 0, 1]);
    setDelay('0');
    expect(bodies(name)).toEqual(['a1', 'a2']);
  });

  it('does not let a message overtake an earlier one of its group that is still delayed', () => {
    const { sendTo, receive, bodies, call, pass } = startFifo({
      DelaySeconds: '5',
      VisibilityTimeout: '0',
      ...redriveTo('dead.fifo', 1),
    });
    sendTo('a', 'old');
    pass(5);
    receive(name);
    receive(name);
    sendTo('a', 'delayed');

    call('StartMessageMoveTask', { SourceArn: arnOf('dead.fifo') });

    expect(bodies(name)).toEqual([]);
    pass(5);
    expect(bodies(name)).toEqual(['delayed', 'old']);
  });
});

describe('deduplication', () => {
  it('answers a repeated send like the first, also after the message was deleted, for five minutes', () => {
    const { sendTo, receive, remove, bodies, pass } = startFifo();
    const first = sendTo('a', 'same');
    remove(name, receive(name)[0]);

    pass(299.999);
    const again = sendTo('a', 'same');
    expect(again).toMatchObject({
      MessageId: first['MessageId'],
      SequenceNumber: first['SequenceNumber'],
    });
    expect(bodies(name)).toEqual([]);

    pass(0.001);
    const later = sendTo('a', 'same');
    expect(later['MessageId']).not.toBe(first['MessageId']);
    expect(bodies(name)).toEqual(['same']);
  });

  it('does not begin anew with a repeated send', () => {
    const { sendTo, bodies, pass } = startFifo();
    sendTo('a', 'same');
    pass(200);
    sendTo('a', 'same');
    pass(100);
    sendTo('a', 'same');

    expect(bodies(name)).toEqual(['same', 'same']);
  });

  it('spans the groups of a queue, or one group where the queue says so', () => {
    const wide = startFifo();
    const narrow = startFifo({ DeduplicationScope: 'messageGroup' });

    for (const { sendTo } of [wide, narrow]) {
      sendTo('a', 'same');
      sendTo('b', 'same');
      sendTo('b', 'same');
    }

    expect(wide.bodies(name)).toEqual(['same']);
    expect(narrow.bodies(name)).toEqual(['same', 'same']);
  });

  it('goes by the SHA-256 of the body where the queue says so and no id is given', () => {
    const { send, receive } = startFifo({ ContentBasedDeduplication: 'true' });
    for (const body of ['x', 'x', 'y']) send(name, body, { MessageGroupId: 'a' });
    send(name, 'x', { MessageGroupId: 'a', MessageDeduplicationId: 'own' });

    const messages = receive(name, { MaxNumberOfMessages: 10 });

    expect(messages.map((message) => message['Body'])).toEqual(['x', 'y', 'x']);
    expect(messages[0]?.['Attributes']).toHaveProperty(
      'MessageDeduplicationId',
      createHash('sha256').update('x').digest('hex'),
    );
  });

  it('works inside one batch, and survives a purge', () => {
    const { call, bodies, sendTo } = startFifo();
    const entry = (Id: string): object => ({
      Id,
      MessageBody: 'same',
      MessageGroupId: 'a',
      MessageDeduplicationId: 'same',
    });

    call('SendMessageBatch', { QueueUrl: urlOf(name), Entries: [entry('1'), entry('2')] });
    expect(bodies(name)).toEqual(['same']);
    call('PurgeQueue', { QueueUrl: urlOf(name) });
    sendTo('a', 'same');

    expect(bodies(name)).toEqual([]);
  });

  it('answers the MD5 of the body that was sent, not of the one kept', () => {
    const { send } = startFifo();
    const ids = { MessageGroupId: 'a', MessageDeduplicationId: 'd' };
    send(name, 'a', ids);

    expect(send(name, 'b', ids)['MD5OfMessageBody']).toBe('92eb5ffee6ae2fec3ad71c777531578f');
  });
});

describe('what a FIFO queue refuses', () => {
  it.each([
    ['no group', { MessageDeduplicationId: 'd' }, 'MissingRequiredParameterException'],
    ['no deduplication id', { MessageGroupId: 'a' }, 'InvalidParameterValueException'],
    ['an empty group', { MessageGroupId: '', MessageDeduplicationId: 'd' }, 'InvalidParameterValueException'],
    [
      'a group of 129 characters',
      { MessageGroupId: 'g'.repeat(129), MessageDeduplicationId: 'd' },
      'InvalidParameterValueException',
    ],
    [
      'a space in an id',
      { MessageGroupId: 'a', MessageDeduplicationId: 'a b' },
      'InvalidParameterValueException',
    ],
  ])('%s', (_, ids, code) => {
    const { refusal } = startFifo();

    expect(refusal('SendMessage', { QueueUrl: urlOf(name), MessageBody: 'x', ...ids }).code).toBe(code);
  });

  it('the delete with a handle that has expired', () => {
    const { sendTo, receive, remove, refusal, pass } = startFifo({ VisibilityTimeout: '10' });
    sendTo('a', 'x');
    const [expired] = receive(name);
    pass(10);
    const input = { QueueUrl: urlOf(name), ReceiptHandle: expired?.['ReceiptHandle'] };

    expect(refusal('DeleteMessage', input).message).toContain('The receipt handle has expired');
    const [latest] = receive(name);
    expect(refusal('DeleteMessage', input).message).toContain('The receipt handle has expired');
    remove(name, latest);
    expect(remove(name, latest)).toEqual({});
  });
});
