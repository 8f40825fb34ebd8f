import { describe, expect, it } from 'vitest';
import { arnOf, list, redriveTo, START_MS, startSqs, urlOf } from './sqs-under-test.ts';

const receiveAgain = { VisibilityTimeout: 0 };

describe('redrive to a dead-letter queue', () => {
  it('moves a message that was received as often as allowed, with all it carries', () => {
    const { create, send, receive, bodies, counts } = startSqs();
    create('dead');
    create('work', redriveTo('dead', 2));
    const MessageAttributes = { kind: { DataType: 'String', StringValue: 'tick' } };
    const sent = send('work', 'x', { MessageAttributes });
    receive('work', receiveAgain);
    receive('work', receiveAgain);
    expect(counts('dead')).toEqual([0, 0, 0]);

    expect(bodies('work')).toEqual([]);

    expect(counts('work')).toEqual([0, 0, 0]);
    expect(receive('dead')[0]).toMatchObject({
      MessageId: sent['MessageId'],
      Body: 'x',
      MessageAttributes,
      MD5OfMessageAttributes: sent['MD5OfMessageAttributes'],
      Attributes: {
        DeadLetterQueueSourceArn: arnOf('work'),
        ApproximateReceiveCount: '3',
        SentTimestamp: String(START_MS),
      },
    });
  });

  it('keeps the retention of a standard message and starts that of a FIFO message again', () => {
    for (const [suffix, attributes, left] of [
      ['', {}, 0],
      ['.fifo', { FifoQueue: 'true', ContentBasedDeduplication: 'true' }, 1],
    ] as const) {
      const { create, send, receive, counts, pass } = startSqs();
      const [dead, work] = [`dead${suffix}`, `work${suffix}`];
      create(dead, { ...attributes, MessageRetentionPeriod: '100' });
      create(work, { ...attributes, ...redriveTo(dead, 1) });
      send(work, 'x', suffix ? { MessageGroupId: 'a' } : {});
      pass(50);
      receive(work, receiveAgain);
      receive(work);

      pass(50);

      expect(counts(dead)[0]).toBe(left);
    }
  });

  it('unblocks the group and takes the next message in the same receive', () => {
    const { create, send, receive, bodies } = startSqs();
    const fifo = { FifoQueue: 'true', ContentBasedDeduplication: 'true' };
    create('dead.fifo', fifo);
    create('work.fifo', { ...fifo, ...redriveTo('dead.fifo', 1) });
    for (const body of ['a1', 'a2']) send('work.fifo', body, { MessageGroupId: 'a' });
    receive('work.fifo', receiveAgain);

    expect(bodies('work.fifo')).toEqual(['a2']);
    expect(receive('dead.fifo')[0]?.['Attributes']).toMatchObject({
      MessageGroupId: 'a',
      DeadLetterQueueSourceArn: arnOf('work.fifo'),
    });
  });

  it('leaves messages where they are when the dead-letter queue was deleted', () => {
    const { create, send, receive, bodies, call } = startSqs();
    create('dead');
    create('work', redriveTo('dead', 1));
    send('work', 'x');
    receive('work', receiveAgain);

    call('DeleteQueue', { QueueUrl: urlOf('dead') });

    expect(bodies('work')).toEqual(['x']);
  });
});

describe('message move tasks', () => {
  const withDeadLetters = (bodies: readonly string[]): ReturnType<typeof startSqs> => {
    const sqs = startSqs();
    sqs.create('dead');
    sqs.create('work', redriveTo('dead', 1));
    for (const body of bodies) sqs.send('work', body);
    sqs.receive('work', { ...receiveAgain, MaxNumberOfMessages: 10 });
    sqs.receive('work');
    return sqs;
  };

  it('bring dead letters back to their source as new messages', () => {
    const { receive, call, counts } = withDeadLetters(['a', 'b']);

    const { TaskHandle } = call('StartMessageMoveTask', { SourceArn: arnOf('dead') });

    expect(TaskHandle).toEqual(expect.any(String));
    expect(counts('dead')).toEqual([0, 0, 0]);
    const messages = receive('work', { MaxNumberOfMessages: 10 });
    expect(messages.map((message) => message['Body'])).toEqual(['a', 'b']);
    expect(messages[0]?.['Attributes']).toMatchObject({ ApproximateReceiveCount: '1' });
    expect(messages[0]?.['Attributes']).not.toHaveProperty('DeadLetterQueueSourceArn');
    expect(call('ListMessageMoveTasks', { SourceArn: arnOf('dead') })).toEqual({
      Results: [
        {
          Status: 'COMPLETED',
          SourceArn: arnOf('dead'),
          ApproximateNumberOfMessagesMoved: 2,
          ApproximateNumberOfMessagesToMove: 2,
          StartedTimestamp: START_MS,
        },
      ],
    });
  });

  it('bring dead letters to another queue', () => {
    const { create, bodies, call } = withDeadLetters(['a']);
    create('other');

    call('StartMessageMoveTask', {
      SourceArn: arnOf('dead'),
      DestinationArn: arnOf('other'),
      MaxNumberOfMessagesPerSecond: 5,
    });

    expect(bodies('other')).toEqual(['a']);
    expect(list(call('ListMessageMoveTasks', { SourceArn: arnOf('dead') }), 'Results')[0]).toMatchObject({
      DestinationArn: arnOf('other'),
      MaxNumberOfMessagesPerSecond: 5,
    });
  });

  it('fail at a message that did not come from a queue, and say so', () => {
    const { send, call, counts } = withDeadLetters(['a']);
    send('dead', 'sent here');

    call('StartMessageMoveTask', { SourceArn: arnOf('dead') });
    call('StartMessageMoveTask', { SourceArn: arnOf('dead') });

    expect(counts('dead')).toEqual([1, 0, 0]);
    const { Results } = call('ListMessageMoveTasks', { SourceArn: arnOf('dead'), MaxResults: 10 });
    expect(Results).toMatchObject(
      [0, 1].map((moved) => ({
        Status: 'FAILED',
        FailureReason: 'CouldNotDetermineMessageSource',
        ApproximateNumberOfMessagesMoved: moved,
      })),
    );
  });

  it('are refused for a queue that is no dead-letter queue, for itself, and for an unknown one', () => {
    const { refusal } = withDeadLetters([]);
    const start = (SourceArn: string, DestinationArn?: string): string =>
      refusal('StartMessageMoveTask', { SourceArn, DestinationArn }).code;

    expect(start(arnOf('work'))).toBe('InvalidParameterValueException');
    expect(start(arnOf('dead'), arnOf('dead'))).toBe('InvalidParameterValueException');
    expect(start(arnOf('none'))).toBe('ResourceNotFoundException');
    expect(start(arnOf('dead'), arnOf('none'))).toBe('ResourceNotFoundException');
    expect(refusal('ListMessageMoveTasks', { SourceArn: arnOf('none') }).status).toBe(404);
  });
});
