import { describe, expect, it } from 'vitest';
import { list, START_MS, startSqs, urlOf } from './sqs-under-test.ts';

describe('a standard queue', () => {
  it('delivers body and attributes with their MD5', () => {
    const { create, send, receive } = startSqs();
    create('q');
    const attributes = { timestamp: { DataType: 'Number', StringValue: '1493147359900' } };

    const sent = send('q', 'hello', { MessageAttributes: attributes });
    const [message] = receive('q');

    expect(sent).toMatchObject({
      MD5OfMessageBody: '5d41402abc4b2a76b9719d911017c592',
      MD5OfMessageAttributes: '235c5c510d26fb653d073faed50ae77c',
    });
    expect(sent['MessageId']).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(message).toMatchObject({
      MessageId: sent['MessageId'],
      Body: 'hello',
      MD5OfBody: '5d41402abc4b2a76b9719d911017c592',
      MessageAttributes: attributes,
      MD5OfMessageAttributes: '235c5c510d26fb653d073faed50ae77c',
      Attributes: {
        SentTimestamp: String(START_MS),
        ApproximateReceiveCount: '1',
        ApproximateFirstReceiveTimestamp: String(START_MS),
      },
    });
  });

  it('answers only the attributes asked for, and their own MD5', () => {
    const { create, send, call } = startSqs();
    create('q', { VisibilityTimeout: '0' });
    const text = (StringValue: string): object => ({ DataType: 'String', StringValue });
    const alone = send('q', 'x', { MessageAttributes: { 'a.one': text('1') } });
    call('PurgeQueue', { QueueUrl: urlOf('q') });
    send('q', 'x', { MessageAttributes: { 'a.one': text('1'), b: text('2') } });
    const ask = (more: object): object | undefined =>
      list(call('ReceiveMessage', { QueueUrl: urlOf('q'), ...more }), 'Messages')[0];

    expect(Object.keys(ask({}) ?? {})).toEqual(['MessageId', 'ReceiptHandle', 'MD5OfBody', 'Body']);
    expect(ask({ MessageAttributeNames: ['a.*'] })).toMatchObject({
      MessageAttributes: { 'a.one': text('1') },
      MD5OfMessageAttributes: alone['MD5OfMessageAttributes'],
    });
    expect(ask({ MessageAttributeNames: ['none'] })).not.toHaveProperty('MessageAttributes');
    expect(Object.keys(ask({ MessageAttributeNames: ['.*'] }) ?? {})).toContain('MessageAttributes');
    expect(ask({ MessageSystemAttributeNames: ['SentTimestamp'] })).toHaveProperty('Attributes', {
      SentTimestamp: String(START_MS),
    });
  });

  it('carries the trace header and its MD5', () => {
    const { create, send, receive } = startSqs();
    create('q');
    const MessageSystemAttributes = { AWSTraceHeader: { DataType: 'String', StringValue: 'Root=1' } };

    const sent = send('q', 'x', { MessageSystemAttributes });

    expect(sent['MD5OfMessageSystemAttributes']).toMatch(/^[0-9a-f]{32}$/);
    expect(receive('q')[0]?.['Attributes']).toHaveProperty('AWSTraceHeader', 'Root=1');
  });

  it('hides a received message until its visibility timeout, then counts the next receive', () => {
    const { create, send, receive, bodies, counts, pass } = startSqs();
    create('q', { VisibilityTimeout: '10' });
    send('q', 'x');

    receive('q');
    expect(counts('q')).toEqual([0, 1, 0]);
    pass(9.999);
    expect(bodies('q')).toEqual([]);
    pass(0.001);

    expect(receive('q')[0]?.['Attributes']).toMatchObject({
      ApproximateReceiveCount: '2',
      ApproximateFirstReceiveTimestamp: String(START_MS),
    });
  });

  it('takes the visibility timeout of the receive over that of the queue', () => {
    const { create, send, receive, bodies, pass } = startSqs();
    create('q');
    send('q', 'x');

    receive('q', { VisibilityTimeout: 2 });
    pass(2);
    receive('q', { VisibilityTimeout: 0 });

    expect(bodies('q')).toEqual(['x']);
  });

  it('delays by message, else by queue, up to the instant', () => {
    const { create, send, bodies, counts, pass } = startSqs();
    create('q', { DelaySeconds: '5' });

    send('q', 'queue');
    send('q', 'message', { DelaySeconds: 3 });
    send('q', 'now', { DelaySeconds: 0 });

    expect(counts('q')).toEqual([1, 0, 2]);
    expect(bodies('q')).toEqual(['now']);
    pass(2.999);
    expect(bodies('q')).toEqual([]);
    pass(0.001);
    expect(bodies('q')).toEqual(['message']);
    pass(2);
    expect(bodies('q')).toEqual(['queue']);
  });

  it('leaves sent messages their delay when the queue changes it', () => {
    const { create, send, bodies, call } = startSqs();
    create('q', { DelaySeconds: '5' });
    send('q', 'x');

    call('SetQueueAttributes', { QueueUrl: urlOf('q'), Attributes: { DelaySeconds: '0' } });

    expect(bodies('q')).toEqual([]);
  });

  it('drops messages at the end of their retention, received or not', () => {
    const { create, send, receive, counts, pass } = startSqs();
    create('q', { MessageRetentionPeriod: '60' });
    send('q', 'a');
    send('q', 'b');
    receive('q', { VisibilityTimeout: 3600 });

    pass(59.999);
    expect(counts('q')).toEqual([1, 1, 0]);
    pass(0.001);
    expect(counts('q')).toEqual([0, 0, 0]);
  });

  it('receives at most what is asked, 1 unless told, never more than 10', () => {
    const { create, send, bodies, receive, refusal } = startSqs();
    create('q');
    for (let index = 0; index < 12; index++) send('q', String(index));

    expect(receive('q')).toHaveLength(1);
    expect(bodies('q')).toHaveLength(10);
    expect(bodies('q')).toEqual(['11']);
    for (const MaxNumberOfMessages of [0, 11]) {
      expect(refusal('ReceiveMessage', { QueueUrl: urlOf('q'), MaxNumberOfMessages }).code).toBe(
        'InvalidParameterValueException',
      );
    }
  });

  it('accepts any message of 262,144 bytes with attributes, and refuses one more byte', () => {
    const { create, send, refusal } = startSqs();
    create('q');
    // Name, type and value of the attribute count: 1 + 6 + 3.
    const MessageAttributes = { a: { DataType: 'Binary', BinaryValue: 'AAEC' } };

    send('q', 'x'.repeat(262_134), { MessageAttributes });

    const tooLong = { QueueUrl: urlOf('q'), MessageBody: 'x'.repeat(262_135), MessageAttributes };
    expect(refusal('SendMessage', tooLong)).toMatchObject({
      code: 'InvalidParameterValueException',
      message: 'One or more parameters are invalid. Reason: Message must be shorter than 262144 bytes.',
    });
  });

  it('keeps to the maximum message size of the queue, in bytes of UTF-8', () => {
    const { create, send, refusal } = startSqs();
    create('q', { MaximumMessageSize: '1024' });

    send('q', 'é'.repeat(512));

    expect(
      refusal('SendMessage', { QueueUrl: urlOf('q'), MessageBody: `${'é'.repeat(512)}x` }).message,
    ).toContain('1024 bytes');
  });

  it.each(['\u0000', 'a\u000bb', '\ufffe', '\uffff', '\ud800'])('refuses the uncarriable text %j', (text) => {
    const { create, refusal } = startSqs();
    create('q');

    expect(refusal('SendMessage', { QueueUrl: urlOf('q'), MessageBody: text }).code).toBe(
      'InvalidMessageContents',
    );
  });

  it.each(['\t\n\r ', '\ud7ff\ue000\ufffd', '😀'])('carries the text %j', (text) => {
    const { create, send, bodies } = startSqs();
    create('q');

    send('q', text);

    expect(bodies('q')).toEqual([text]);
  });

  const string = { DataType: 'String', StringValue: 'x' };
  it.each([
    ['no body', { MessageBody: '' }],
    ['a deduplication id', { MessageDeduplicationId: 'd' }],
    ['a delay of 901 seconds', { DelaySeconds: 901 }],
    ['a negative delay', { DelaySeconds: -1 }],
    ['an unknown type', { MessageAttributes: { a: { DataType: 'Date', StringValue: 'x' } } }],
    ['no type', { MessageAttributes: { a: { StringValue: 'x' } } }],
    ['a binary in the text field', { MessageAttributes: { a: { DataType: 'Binary', StringValue: 'x' } } }],
    ['an empty value', { MessageAttributes: { a: { DataType: 'String', StringValue: '' } } }],
    ['a number that is none', { MessageAttributes: { a: { DataType: 'Number', StringValue: 'one' } } }],
    ['list values', { MessageAttributes: { a: { ...string, StringListValues: ['x'] } } }],
    ['a reserved name', { MessageAttributes: { 'AWS.x': string } }],
    ['a name that ends with a dot', { MessageAttributes: { 'x.': string } }],
    ['two dots in a name', { MessageAttributes: { 'x..y': string } }],
    [
      'eleven attributes',
      { MessageAttributes: Object.fromEntries('abcdefghijk'.split('').map((name) => [name, string])) },
    ],
    ['an unknown system attribute', { MessageSystemAttributes: { Colour: string } }],
  ])('refuses %s', (_, more) => {
    const { create, refusal, counts } = startSqs();
    create('q');

    const { code } = refusal('SendMessage', { QueueUrl: urlOf('q'), MessageBody: 'x', ...more });

    expect(code).toMatch(/^(InvalidParameterValue|MissingRequiredParameter)Exception$/);
    expect(counts('q')).toEqual([0, 0, 0]);
  });
});
