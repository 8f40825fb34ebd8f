import { describe, expect, it } from 'vitest';
import { startSqs, urlOf } from './sqs-under-test.ts';

describe('receipt handles', () => {
  it('delete a message in flight, and again without complaint', () => {
    const { create, send, receive, remove, counts } = startSqs();
    create('q');
    send('q', 'x');
    const [message] = receive('q');

    remove('q', message);
    remove('q', message);

    expect(counts('q')).toEqual([0, 0, 0]);
  });

  it('delete a message that became visible again, but not one received since', () => {
    const { create, send, receive, remove, counts, pass } = startSqs();
    create('q', { VisibilityTimeout: '1' });
    send('q', 'visible');
    const [first] = receive('q');
    pass(1);
    remove('q', first);
    expect(counts('q')).toEqual([0, 0, 0]);

    send('q', 'received');
    const [stale] = receive('q');
    pass(1);
    const [latest] = receive('q');
    remove('q', stale);
    expect(counts('q')).toEqual([0, 1, 0]);
    remove('q', latest);
    expect(counts('q')).toEqual([0, 0, 0]);
  });

  it('are refused when they are not of this queue', () => {
    const { create, send, receive, refusal } = startSqs();
    create('q');
    create('other');
    send('other', 'x');
    const [foreign] = receive('other');

    for (const ReceiptHandle of ['nonsense', foreign?.['ReceiptHandle']]) {
      for (const operation of ['DeleteMessage', 'ChangeMessageVisibility']) {
        const input = { QueueUrl: urlOf('q'), ReceiptHandle, VisibilityTimeout: 1 };
        expect(refusal(operation, input)).toMatchObject({ code: 'ReceiptHandleIsInvalid', status: 404 });
      }
    }
  });
});

describe('ChangeMessageVisibility', () => {
  const change = (message: object | undefined, VisibilityTimeout: number): Record<string, unknown> => ({
    QueueUrl: urlOf('q'),
    ReceiptHandle: (message as { ReceiptHandle?: unknown } | undefined)?.ReceiptHandle,
    VisibilityTimeout,
  });

  it('hides from now on for that long, and shows at once for 0', () => {
    const { create, send, receive, bodies, call, pass } = startSqs();
    create('q', { VisibilityTimeout: '10' });
    send('q', 'x');
    const [message] = receive('q');

    pass(9);
    call('ChangeMessageVisibility', change(message, 10));
    pass(9.999);
    expect(bodies('q')).toEqual([]);
    call('ChangeMessageVisibility', change(message, 0));
    expect(bodies('q')).toEqual(['x']);
  });

  it('refuses a message that is not in flight, gone, or held by a later receive', () => {
    const { create, send, receive, remove, refusal, pass } = startSqs();
    create('q', { VisibilityTimeout: '1' });
    send('q', 'x');
    const [first] = receive('q');
    pass(1);

    expect(refusal('ChangeMessageVisibility', change(first, 5)).code).toBe('MessageNotInflight');
    const [second] = receive('q');
    expect(refusal('ChangeMessageVisibility', change(first, 5)).code).toBe('MessageNotInflight');
    remove('q', second);
    expect(refusal('ChangeMessageVisibility', change(second, 5)).message).toContain('Message does not exist');
  });

  it('reaches at most twelve hours after the receive', () => {
    const { create, send, receive, call, refusal, pass } = startSqs();
    create('q', { VisibilityTimeout: '43200' });
    send('q', 'x');
    const [message] = receive('q');
    pass(1);

    call('ChangeMessageVisibility', change(message, 43_199));
    expect(refusal('ChangeMessageVisibility', change(message, 43_200)).message).toContain('beyond the limit');
    expect(refusal('ChangeMessageVisibility', change(message, 43_201)).message).toContain(
      'between 0 and 43200',
    );
  });
});

describe('batches', () => {
  it('answer each entry on its own', () => {
    const { create, call, receive, counts } = startSqs();
    create('q');
    const entry = (Id: string, more: object = {}): object => ({ Id, MessageBody: Id, ...more });

    const sent = call('SendMessageBatch', {
      QueueUrl: urlOf('q'),
      Entries: [entry('a'), entry('b', { DelaySeconds: 901 }), entry('c')],
    });
    const messages = receive('q', { MaxNumberOfMessages: 10 });
    const handle = (index: number): unknown => messages[index]?.['ReceiptHandle'];
    const changed = call('ChangeMessageVisibilityBatch', {
      QueueUrl: urlOf('q'),
      Entries: [
        { Id: '1', ReceiptHandle: handle(0), VisibilityTimeout: 0 },
        { Id: '2', ReceiptHandle: 'no', VisibilityTimeout: 0 },
      ],
    });
    const deleted = call('DeleteMessageBatch', {
      QueueUrl: urlOf('q'),
      Entries: [
        { Id: '1', ReceiptHandle: handle(1) },
        { Id: '2', ReceiptHandle: 'no' },
      ],
    });

    expect(sent).toMatchObject({
      Successful: [{ Id: 'a', MD5OfMessageBody: '0cc175b9c0f1b6a831c399e269772661' }, { Id: 'c' }],
      Failed: [{ Id: 'b', SenderFault: true, Code: 'InvalidParameterValue' }],
    });
    const refused = [expect.objectContaining({ Id: '2', SenderFault: true, Code: 'ReceiptHandleIsInvalid' })];
    expect(changed).toEqual({ Successful: [{ Id: '1' }], Failed: refused });
    expect(deleted).toEqual({ Successful: [{ Id: '1' }], Failed: refused });
    expect(counts('q')).toEqual([1, 0, 0]);
  });

  it.each(['SendMessageBatch', 'DeleteMessageBatch', 'ChangeMessageVisibilityBatch'])(
    '%s refuses none, eleven, repeated and malformed ids',
    (operation) => {
      const { create, refusal } = startSqs();
      create('q');
      const codeFor = (ids: readonly string[]): string =>
        refusal(operation, {
          QueueUrl: urlOf('q'),
          Entries: ids.map((Id) => ({ Id, MessageBody: 'x', ReceiptHandle: 'x', VisibilityTimeout: 0 })),
        }).code;

      expect(codeFor([])).toBe('EmptyBatchRequest');
      expect(codeFor('abcdefghijk'.split(''))).toBe('TooManyEntriesInBatchRequest');
      expect(codeFor(['a', 'a'])).toBe('BatchEntryIdsNotDistinct');
      expect(codeFor(['a b'])).toBe('InvalidBatchEntryId');
      expect(codeFor(['x'.repeat(81)])).toBe('InvalidBatchEntryId');
    },
  );

  it('take 262,144 bytes together and not one more', () => {
    const { create, call, refusal } = startSqs();
    create('q');
    const entries = (last: number): readonly object[] =>
      [131_072, last].map((size, index) => ({ Id: String(index), MessageBody: 'x'.repeat(size) }));

    call('SendMessageBatch', { QueueUrl: urlOf('q'), Entries: entries(131_072) });

    expect(refusal('SendMessageBatch', { QueueUrl: urlOf('q'), Entries: entries(131_073) }).code).toBe(
      'BatchRequestTooLong',
    );
  });
});
