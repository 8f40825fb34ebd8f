import { describe, expect, it } from 'vitest';
import { arnOf, redriveTo, START_MS, startSqs, urlOf } from './sqs-under-test.ts';

describe('CreateQueue', () => {
  it('answers a URL of base, account and name, and again for the same attributes', () => {
    const { create, call } = startSqs();

    expect(create('sweep', { VisibilityTimeout: '60' })).toBe('http://127.0.0.1:4566/000000000000/sweep');
    expect(create('sweep', { VisibilityTimeout: '60' })).toBe(urlOf('sweep'));
    expect(create('sweep')).toBe(urlOf('sweep'));
    expect(call('GetQueueUrl', { QueueName: 'sweep' })).toEqual({ QueueUrl: urlOf('sweep') });
  });

  it('refuses an existing name with another attribute, named in the message', () => {
    const { create, refusal } = startSqs();
    create('sweep');

    expect(
      refusal('CreateQueue', { QueueName: 'sweep', Attributes: { VisibilityTimeout: '31' } }),
    ).toMatchObject({
      code: 'QueueNameExists',
      message:
        'A queue already exists with the same name and a different value for attribute VisibilityTimeout',
    });
  });

  it('compares redrive policies by meaning', () => {
    const { create, call, refusal } = startSqs();
    create('dead');
    create('work', redriveTo('dead', 3));
    const policy = (maxReceiveCount: unknown): string =>
      JSON.stringify({ maxReceiveCount, deadLetterTargetArn: arnOf('dead') });

    call('CreateQueue', { QueueName: 'work', Attributes: { RedrivePolicy: policy('3') } });

    expect(refusal('CreateQueue', { QueueName: 'work', Attributes: { RedrivePolicy: policy(4) } }).code).toBe(
      'QueueNameExists',
    );
  });

  it.each([
    ['an empty name', { QueueName: '' }, 'MissingRequiredParameterException'],
    ['81 characters', { QueueName: 'q'.repeat(81) }, 'InvalidParameterValueException'],
    ['a name with a dot', { QueueName: 'a.b' }, 'InvalidParameterValueException'],
    [
      'a FIFO queue without suffix',
      { QueueName: 'q', Attributes: { FifoQueue: 'true' } },
      'InvalidParameterValueException',
    ],
    ['a suffix without FIFO', { QueueName: 'q.fifo' }, 'InvalidParameterValueException'],
    ['FIFO as false', { QueueName: 'q.fifo', Attributes: { FifoQueue: 'false' } }, 'InvalidAttributeValue'],
    ['an unknown attribute', { QueueName: 'q', Attributes: { Colour: 'red' } }, 'InvalidAttributeName'],
    [
      'a FIFO attribute on a standard queue',
      { QueueName: 'q', Attributes: { ContentBasedDeduplication: 'true' } },
      'InvalidAttributeName',
    ],
    [
      'a dead-letter queue that does not exist',
      { QueueName: 'q', Attributes: redriveTo('none', 3) },
      'InvalidParameterValueException',
    ],
    [
      'a redrive policy that is no JSON',
      { QueueName: 'q', Attributes: { RedrivePolicy: '{' } },
      'InvalidParameterValueException',
    ],
  ])('refuses %s', (_, input, code) => {
    const { refusal, call } = startSqs();

    expect(refusal('CreateQueue', input).code).toBe(code);
    expect(call('ListQueues')).toEqual({});
  });

  it.each([
    ['VisibilityTimeout', 0, 43_200],
    ['DelaySeconds', 0, 900],
    ['MessageRetentionPeriod', 60, 1_209_600],
    ['ReceiveMessageWaitTimeSeconds', 0, 20],
    ['MaximumMessageSize', 1024, 262_144],
  ])('takes %s from %i to %i and nothing beyond', (name, min, max) => {
    const { create, call, refusal } = startSqs();
    create('q');
    const set = (value: number): object => ({
      QueueUrl: urlOf('q'),
      Attributes: { [name]: String(value) },
    });

    for (const value of [min, max]) {
      call('SetQueueAttributes', { ...set(value) });
      expect(call('GetQueueAttributes', { QueueUrl: urlOf('q'), AttributeNames: [name] })).toEqual({
        Attributes: { [name]: String(value) },
      });
    }
    for (const value of [min - 1, max + 1]) {
      expect(refusal('SetQueueAttributes', { ...set(value) }).code).toBe('InvalidAttributeValue');
    }
  });

  it('refuses a dead-letter queue of the other type, itself, and one that does not allow it', () => {
    const { create, refusal, call } = startSqs();
    create('dead.fifo', { FifoQueue: 'true' });
    create('closed', { RedriveAllowPolicy: '{"redrivePermission":"denyAll"}' });
    create('chosen', {
      RedriveAllowPolicy: JSON.stringify({ redrivePermission: 'byQueue', sourceQueueArns: [arnOf('work')] }),
    });
    create('work');
    const set = (name: string, target: string): object => ({
      QueueUrl: urlOf(name),
      Attributes: redriveTo(target, 3),
    });

    for (const target of ['dead.fifo', 'work', 'closed']) {
      expect(refusal('SetQueueAttributes', { ...set('work', target) }).message).toMatch(/RedrivePolicy/);
    }
    expect(refusal('SetQueueAttributes', { ...set('closed', 'chosen') }).message).toMatch(/does not allow/);
    call('SetQueueAttributes', { ...set('work', 'chosen') });
    expect(call('ListDeadLetterSourceQueues', { QueueUrl: urlOf('chosen') })).toEqual({
      queueUrls: [urlOf('work')],
    });
  });
});

describe('queues', () => {
  it('describes itself in attributes', () => {
    const { create, call } = startSqs();
    create('q.fifo', { FifoQueue: 'true' });

    expect(call('GetQueueAttributes', { QueueUrl: urlOf('q.fifo'), AttributeNames: ['All'] })).toEqual({
      Attributes: {
        ApproximateNumberOfMessages: '0',
        ApproximateNumberOfMessagesDelayed: '0',
        ApproximateNumberOfMessagesNotVisible: '0',
        ContentBasedDeduplication: 'false',
        CreatedTimestamp: String(START_MS / 1000),
        DeduplicationScope: 'queue',
        DelaySeconds: '0',
        FifoQueue: 'true',
        FifoThroughputLimit: 'perQueue',
        LastModifiedTimestamp: String(START_MS / 1000),
        MaximumMessageSize: '262144',
        MessageRetentionPeriod: '345600',
        QueueArn: arnOf('q.fifo'),
        ReceiveMessageWaitTimeSeconds: '0',
        SqsManagedSseEnabled: 'true',
        VisibilityTimeout: '30',
      },
    });
    expect(call('GetQueueAttributes', { QueueUrl: urlOf('q.fifo') })).toEqual({});
  });

  it('refuses an unknown attribute and an unknown queue', () => {
    const { create, refusal } = startSqs();
    create('q');

    expect(refusal('GetQueueAttributes', { QueueUrl: urlOf('q'), AttributeNames: ['Colour'] }).message).toBe(
      'Unknown Attribute Colour.',
    );
    for (const operation of ['GetQueueAttributes', 'ReceiveMessage', 'DeleteQueue', 'PurgeQueue']) {
      expect(refusal(operation, { QueueUrl: urlOf('none') })).toMatchObject({
        code: 'QueueDoesNotExist',
        message: 'The specified queue does not exist.',
      });
    }
    expect(refusal('GetQueueUrl', { QueueName: 'none' }).code).toBe('QueueDoesNotExist');
  });

  it('is found by the last segment of its URL alone', () => {
    const { create, call } = startSqs();
    create('q');
    const QueueUrl = 'https://sqs.us-east-1.amazonaws.com/123456789012/q';

    call('SendMessage', { QueueUrl, MessageBody: 'x' });

    expect(call('ReceiveMessage', { QueueUrl: 'q' })).toMatchObject({ Messages: [{ Body: 'x' }] });
  });

  it('lists queues by prefix in pages', () => {
    const { create, call } = startSqs();
    for (const name of ['b2', 'a', 'b1', 'b3']) create(name);

    const first = call('ListQueues', { QueueNamePrefix: 'b', MaxResults: 2 });
    const second = call('ListQueues', { QueueNamePrefix: 'b', MaxResults: 2, NextToken: first['NextToken'] });

    expect(first['QueueUrls']).toEqual([urlOf('b1'), urlOf('b2')]);
    expect(second).toEqual({ QueueUrls: [urlOf('b3')] });
    expect(call('ListQueues', { QueueNamePrefix: 'z' })).toEqual({});
  });

  it('takes an attribute away when it is set to empty text', () => {
    const { create, call } = startSqs();
    create('dead');
    create('q', redriveTo('dead', 3));

    call('SetQueueAttributes', { QueueUrl: urlOf('q'), Attributes: { RedrivePolicy: '' } });

    expect(call('GetQueueAttributes', { QueueUrl: urlOf('q'), AttributeNames: ['RedrivePolicy'] })).toEqual(
      {},
    );
  });

  it('keeps tags', () => {
    const { call, refusal } = startSqs();
    call('CreateQueue', { QueueName: 'q', tags: { stage: 'dev' } });
    const queue = { QueueUrl: urlOf('q') };

    call('TagQueue', { ...queue, Tags: { owner: 'me' } });
    call('UntagQueue', { ...queue, TagKeys: ['stage', 'none'] });

    expect(call('ListQueueTags', queue)).toEqual({ Tags: { owner: 'me' } });
    call('UntagQueue', { ...queue, TagKeys: ['owner'] });
    expect(call('ListQueueTags', queue)).toEqual({});
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`k${String(index)}`, 'v']));
    expect(refusal('TagQueue', { ...queue, Tags: many }).code).toBe('InvalidParameterValueException');
  });

  it('purges every message, once a minute', () => {
    const { create, send, receive, counts, call, refusal, pass } = startSqs();
    create('q');
    for (const more of [{}, {}, { DelaySeconds: 9 }]) send('q', 'x', more);
    receive('q');
    expect(counts('q')).toEqual([1, 1, 1]);

    call('PurgeQueue', { QueueUrl: urlOf('q') });

    expect(counts('q')).toEqual([0, 0, 0]);
    pass(59.999);
    expect(refusal('PurgeQueue', { QueueUrl: urlOf('q') })).toMatchObject({
      code: 'PurgeQueueInProgress',
      status: 403,
    });
    pass(0.001);
    call('PurgeQueue', { QueueUrl: urlOf('q') });
  });

  it('frees the name of a deleted queue, whose messages are gone', () => {
    const { create, send, call, bodies, receive, remove } = startSqs();
    create('q');
    send('q', 'old');
    const [held] = receive('q', { VisibilityTimeout: 0 });

    call('DeleteQueue', { QueueUrl: urlOf('q') });
    create('q');
    send('q', 'new');
    remove('q', held);

    expect(bodies('q')).toEqual(['new']);
  });
});
