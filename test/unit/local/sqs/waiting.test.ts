import { describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import type { SqsUnderTest } from './sqs-under-test.ts';
import { arnOf, list, redriveTo, startSqs, urlOf } from './sqs-under-test.ts';

const fifo = { FifoQueue: 'true', ContentBasedDeduplication: 'true' };

/** A receive that waits; `answer` is undefined until it has one. */
const waitFor = (
  { wait }: SqsUnderTest,
  name: string,
  more: Json = {},
): { readonly bodies: () => Promise<readonly unknown[] | undefined> } => {
  let bodies: readonly unknown[] | undefined;
  void wait('ReceiveMessage', { QueueUrl: urlOf(name), WaitTimeSeconds: 20, ...more }).then((answer) => {
    bodies = list(answer, 'Messages').map((message) => message['Body']);
  });
  return {
    bodies: async () => {
      await new Promise(setImmediate);
      return bodies;
    },
  };
};

describe('a long receive', () => {
  it('answers at once when there is a message', () => {
    const { create, send, call } = startSqs();
    create('q');
    send('q', 'x');

    expect(call('ReceiveMessage', { QueueUrl: urlOf('q'), WaitTimeSeconds: 20 })).toMatchObject({
      Messages: [{ Body: 'x' }],
    });
  });

  it('is woken by a send', async () => {
    const sqs = startSqs();
    sqs.create('q');
    const receive = waitFor(sqs, 'q');
    expect(await receive.bodies()).toBeUndefined();

    sqs.pass(3);
    sqs.send('q', 'x');

    expect(await receive.bodies()).toEqual(['x']);
    sqs.pass(27);
    expect(sqs.clock.pendingCount()).toBe(0);
  });

  it('answers nothing at the end of its wait, not before', async () => {
    const sqs = startSqs();
    sqs.create('q', { ReceiveMessageWaitTimeSeconds: '5' });
    const receive = waitFor(sqs, 'q', { WaitTimeSeconds: undefined });

    sqs.pass(4.999);
    expect(await receive.bodies()).toBeUndefined();
    sqs.pass(0.001);
    expect(await receive.bodies()).toEqual([]);
    sqs.send('q', 'x');
    expect(sqs.counts('q')).toEqual([1, 0, 0]);
  });

  it('is woken by the end of a delay and of a visibility timeout', async () => {
    const sqs = startSqs();
    sqs.create('q', { VisibilityTimeout: '8' });
    sqs.send('q', 'x', { DelaySeconds: 2 });
    const first = waitFor(sqs, 'q');
    const second = waitFor(sqs, 'q');

    sqs.pass(2);
    expect(await first.bodies()).toEqual(['x']);
    sqs.pass(7.999);
    expect(await second.bodies()).toBeUndefined();
    sqs.pass(0.001);
    expect(await second.bodies()).toEqual(['x']);
  });

  it('is woken when the group of a FIFO queue is free again', async () => {
    const sqs = startSqs();
    sqs.create('q.fifo', fifo);
    for (const body of ['a1', 'a2']) sqs.send('q.fifo', body, { MessageGroupId: 'a' });
    const [held] = sqs.receive('q.fifo');
    const receive = waitFor(sqs, 'q.fifo');
    expect(await receive.bodies()).toBeUndefined();

    sqs.remove('q.fifo', held);

    expect(await receive.bodies()).toEqual(['a2']);
  });

  it('is woken by a visibility change to 0', async () => {
    const sqs = startSqs();
    sqs.create('q');
    sqs.send('q', 'x');
    const [held] = sqs.receive('q');
    const receive = waitFor(sqs, 'q');

    sqs.call('ChangeMessageVisibility', {
      QueueUrl: urlOf('q'),
      ReceiptHandle: held?.['ReceiptHandle'],
      VisibilityTimeout: 0,
    });

    expect(await receive.bodies()).toEqual(['x']);
  });

  it('takes its turn: the first that waits gets the first message', async () => {
    const sqs = startSqs();
    sqs.create('q');
    const [first, second] = [waitFor(sqs, 'q'), waitFor(sqs, 'q')];

    sqs.send('q', '1');
    expect([await first.bodies(), await second.bodies()]).toEqual([['1'], undefined]);
    sqs.send('q', '2');
    expect(await second.bodies()).toEqual(['2']);
  });

  it('gets the whole batch that wakes it', async () => {
    const sqs = startSqs();
    sqs.create('q');
    const receive = waitFor(sqs, 'q', { MaxNumberOfMessages: 10 });

    sqs.call('SendMessageBatch', {
      QueueUrl: urlOf('q'),
      Entries: ['1', '2', '3'].map((Id) => ({ Id, MessageBody: Id })),
    });

    expect(await receive.bodies()).toEqual(['1', '2', '3']);
  });

  it('is woken at a dead-letter queue by the receive that moves the message', async () => {
    const sqs = startSqs();
    sqs.create('dead');
    sqs.create('work', redriveTo('dead', 1));
    sqs.send('work', 'x');
    sqs.receive('work', { VisibilityTimeout: 0 });
    const receive = waitFor(sqs, 'dead');

    sqs.receive('work');

    expect(await receive.bodies()).toEqual(['x']);
  });

  it('is refused when its queue is deleted', async () => {
    const { create, wait, call, clock } = startSqs();
    create('q');
    const receive = wait('ReceiveMessage', { QueueUrl: urlOf('q'), WaitTimeSeconds: 20 });

    call('DeleteQueue', { QueueUrl: urlOf('q') });
    create('q');

    await expect(receive).rejects.toMatchObject({ code: 'QueueDoesNotExist' });
    expect(clock.pendingCount()).toBe(0);
  });

  it('waits from 0 to 20 seconds', () => {
    const { create, refusal } = startSqs();
    create('q');

    for (const WaitTimeSeconds of [-1, 21]) {
      expect(refusal('ReceiveMessage', { QueueUrl: urlOf('q'), WaitTimeSeconds }).code).toBe(
        'InvalidParameterValueException',
      );
    }
  });
});

describe('messages in flight', () => {
  const fill = (sqs: SqsUnderTest, name: string, count: number): void => {
    const messages = Array.from({ length: count + 1 }, (_, index) => ({
      position: index + 1,
      id: `00000000-0000-4000-a000-${String(index).padStart(12, '0')}`,
      body: 'x',
      groupId: String(index),
      sentAtMs: sqs.clock.nowMs(),
      availableAtMs: 0,
      receivedCount: 0,
    }));
    sqs.sqs.engine.restore(['place', name, sqs.clock.nowMs(), messages]);
    const source = sqs.sqs.source(name);
    for (let taken = 0; taken < count; taken += 10) source.receive(10);
  };

  it('are at most 120,000 of a standard queue: a short receive is refused, a long one waits', async () => {
    const sqs = startSqs();
    sqs.create('q', { VisibilityTimeout: '5' });
    fill(sqs, 'q', 120_000);

    expect(sqs.counts('q')).toEqual([1, 120_000, 0]);
    expect(sqs.refusal('ReceiveMessage', { QueueUrl: urlOf('q') })).toMatchObject({
      code: 'OverLimit',
      status: 403,
    });
    const receive = waitFor(sqs, 'q');
    expect(await receive.bodies()).toBeUndefined();
    sqs.pass(5);
    expect(await receive.bodies()).toEqual(['x']);
  });

  it('are at most 20,000 of a FIFO queue: a receive answers nothing', () => {
    const sqs = startSqs();
    sqs.create('q.fifo', fifo);
    fill(sqs, 'q.fifo', 20_000);

    expect(sqs.counts('q.fifo')).toEqual([1, 20_000, 0]);
    expect(sqs.bodies('q.fifo')).toEqual([]);
  });
});

describe('a queue as a source of mappings', () => {
  it('calls its watchers back for sends, delays, timeouts and freed groups, and for nothing else', () => {
    const { create, send, sqs, pass } = startSqs();
    create('q.fifo', { ...fifo, VisibilityTimeout: '10' });
    const source = sqs.source(arnOf('q.fifo'));
    let calls = 0;
    source.watch(() => calls++);
    const called = (): number => {
      const count = calls;
      calls = 0;
      return count;
    };

    send('q.fifo', 'a1', { MessageGroupId: 'a' });
    expect(called()).toBe(1);
    const [first] = source.receive(10);
    send('q.fifo', 'a2', { MessageGroupId: 'a' });
    expect(called()).toBe(0);
    if (first) source.remove(first);
    expect(called()).toBe(1);
    source.receive(10);
    pass(9.999);
    expect(called()).toBe(0);
    pass(0.001);
    expect(called()).toBe(1);
  });

  it('leaves no timer behind when nothing is delayed or in flight', () => {
    const { create, send, sqs, clock } = startSqs();
    create('q');
    const source = sqs.source('q');
    source.watch(() => undefined);
    send('q', 'x');
    const [message] = source.receive(10);
    expect(clock.pendingCount()).toBe(1);

    if (message) source.remove(message);

    expect(clock.pendingCount()).toBe(0);
  });

  it('takes at most ten with all attributes and removes what it is given', () => {
    const { create, send, sqs, counts } = startSqs();
    create('q');
    for (let index = 0; index < 11; index++) send('q', String(index));
    const source = sqs.source(urlOf('q'));

    const messages = source.receive(100);
    for (const message of messages.slice(1)) source.remove(message);

    expect(messages).toHaveLength(10);
    expect(messages[0]?.Attributes).toHaveProperty('ApproximateReceiveCount', '1');
    expect(counts('q')).toEqual([1, 1, 0]);
  });

  it('discards into the dead-letter queue, or for good when there is none', () => {
    const { create, send, sqs, counts, bodies } = startSqs();
    create('dead');
    create('work', redriveTo('dead', 5));
    send('work', 'x');
    send('dead', 'y');
    const [work] = sqs.source('work').receive(1);
    const [dead] = sqs.source('dead').receive(1);

    if (work) sqs.source('work').discard(work);
    if (dead) sqs.source('dead').discard(dead);

    expect(counts('work')).toEqual([0, 0, 0]);
    expect(bodies('dead')).toEqual(['x']);
  });

  it('has nothing while its queue does not exist, and keeps its watchers until it does', () => {
    const { create, send, sqs } = startSqs();
    const source = sqs.source('later');
    let calls = 0;
    source.watch(() => calls++);
    expect(source.receive(10)).toEqual([]);
    expect(source.arn).toBe(arnOf('later'));

    create('later');
    send('later', 'x');

    expect(calls).toBe(1);
    expect(source.receive(10)).toHaveLength(1);
  });
});
