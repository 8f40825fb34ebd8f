import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import { virtualClock } from '#local/kernel/clock.ts';
import type { SqsUnderTest } from './sqs-under-test.ts';
import { arnOf, redriveTo, startSqs, urlOf } from './sqs-under-test.ts';

const names = ['work', 'dead', 'work.fifo', 'dead.fifo'] as const;
const fifo = { FifoQueue: 'true' };

const prepare = (sqs: SqsUnderTest): SqsUnderTest => {
  sqs.create('dead', { MessageRetentionPeriod: '600' });
  sqs.create('work', { VisibilityTimeout: '20', ...redriveTo('dead', 2) });
  sqs.create('dead.fifo', fifo);
  sqs.create('work.fifo', { ...fifo, VisibilityTimeout: '20', ...redriveTo('dead.fifo', 2) });
  return sqs;
};

interface Held {
  readonly name: string;
  readonly message: Json;
}

type Act = (sqs: SqsUnderTest, held: Held[]) => void;

const anyName = fc.constantFrom(...names);
const chosen = fc.nat({ max: 100 });
const withHeld = (act: (sqs: SqsUnderTest, held: Held) => void): fc.Arbitrary<Act> =>
  chosen.map((index) => (sqs, held) => {
    const one = held[index % Math.max(1, held.length)];
    if (one) act(sqs, one);
  });

/** Random operations; those a queue refuses change nothing, which is a case of its own. */
const anyAct: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(anyName, chosen, fc.constantFrom(undefined, 0, 30))
      .map(([name, index, DelaySeconds]): Act => (sqs) => {
        const ids = {
          MessageGroupId: `g${String(index % 3)}`,
          MessageDeduplicationId: `d${String(index % 20)}`,
        };
        sqs.send(name, `m${String(index)}`, name.endsWith('.fifo') ? ids : { DelaySeconds });
      }),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(anyName, fc.integer({ min: 1, max: 10 }))
      .map(([name, MaxNumberOfMessages]): Act => (sqs, held) => {
        for (const message of sqs.receive(name, { MaxNumberOfMessages })) held.push({ name, message });
      }),
  },
  { weight: 3, arbitrary: withHeld((sqs, { name, message }) => void sqs.remove(name, message)) },
  withHeld(
    (sqs, { name, message }) =>
      void sqs.call('ChangeMessageVisibility', {
        QueueUrl: urlOf(name),
        ReceiptHandle: message['ReceiptHandle'],
        VisibilityTimeout: 0,
      }),
  ),
  {
    weight: 3,
    arbitrary: fc.integer({ min: 1, max: 200 }).map(
      (seconds): Act =>
        (sqs) =>
          sqs.pass(seconds),
    ),
  },
  fc.tuple(anyName, fc.constantFrom('0', '15', '600')).map(([name, DelaySeconds]): Act => (sqs) => {
    sqs.call('SetQueueAttributes', { QueueUrl: urlOf(name), Attributes: { DelaySeconds } });
  }),
  fc.constantFrom('dead', 'dead.fifo').map((name): Act => (sqs) => {
    sqs.call('StartMessageMoveTask', { SourceArn: arnOf(name) });
  }),
  anyName.map(
    (name): Act =>
      (sqs) =>
        void sqs.call('PurgeQueue', { QueueUrl: urlOf(name) }),
  ),
  anyName.map((name): Act => (sqs) => {
    sqs.call('TagQueue', { QueueUrl: urlOf(name), Tags: { at: String(sqs.clock.nowMs()) } });
  }),
);

const perform = (sqs: SqsUnderTest, acts: readonly Act[], held: Held[]): void => {
  for (const act of acts) {
    try {
      act(sqs, held);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
    }
  }
};

/** All that can be received from the queues from now on, queue by queue, in order. */
const drain = (sqs: SqsUnderTest): readonly unknown[] =>
  names.map((name) => {
    const bodies: unknown[] = [];
    for (let round = 0; round < 40; round++) {
      for (let messages = sqs.receive(name); messages.length > 0; messages = sqs.receive(name)) {
        for (const message of messages) {
          bodies.push([sqs.clock.nowMs(), message['MessageId'], message['Body'], message['Attributes']]);
          sqs.remove(name, message);
        }
      }
      sqs.pass(30);
    }
    return bodies;
  });

describe('a restart', () => {
  it('rebuilds the same queues from the journal', () => {
    fc.assert(
      fc.property(fc.array(anyAct, { maxLength: 60 }), (acts) => {
        const live = prepare(startSqs());
        perform(live, acts, []);

        const restored = startSqs({ clock: live.clock, entries: live.journal });

        expect(restored.snapshot()).toEqual(live.snapshot());
      }),
      { numRuns: 150 },
    );
  });

  it('rebuilds the same queues from a snapshot and the journal after it', () => {
    fc.assert(
      fc.property(
        fc.array(anyAct, { maxLength: 40 }),
        fc.array(anyAct, { maxLength: 40 }),
        (before, after) => {
          const live = prepare(startSqs());
          const held: Held[] = [];
          perform(live, before, held);
          const snapshot = live.snapshot();
          const journaledCount = live.journal.length;
          perform(live, after, held);

          const tail = live.journal.slice(journaledCount);
          const restored = startSqs({ clock: live.clock, entries: [...snapshot, ...tail] });

          expect(restored.snapshot()).toEqual(live.snapshot());
        },
      ),
      { numRuns: 150 },
    );
  });

  it('loses no message and delivers those that were not in flight alike', () => {
    fc.assert(
      fc.property(fc.array(anyAct, { maxLength: 40 }), (acts) => {
        const live = prepare(startSqs());
        perform(live, acts, []);
        // Once nothing is in flight, the restored queues cannot be told from the live ones.
        live.pass(20);

        const startedAgain = [live.journal, live.snapshot()].map((entries) =>
          startSqs({ clock: virtualClock(live.clock.nowMs()), entries }),
        );

        const expected = drain(live);
        for (const restored of startedAgain) expect(drain(restored)).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  it('makes messages in flight visible at once, with the count of their receives', () => {
    const live = prepare(startSqs());
    live.send('work', 'x');
    live.receive('work');

    const restored = startSqs({ clock: live.clock, entries: live.journal });

    expect(restored.receive('work')[0]).toMatchObject({
      Body: 'x',
      Attributes: { ApproximateReceiveCount: '2' },
    });
  });

  it('still accepts the receipt handle of a standard queue', () => {
    const live = prepare(startSqs());
    live.send('work', 'x');
    const [message] = live.receive('work');

    const restored = startSqs({ clock: live.clock, entries: live.journal });
    restored.remove('work', message);

    expect(restored.counts('work')).toEqual([0, 0, 0]);
  });

  it('keeps what is deleted deleted, and duplicates recognised', () => {
    const live = prepare(startSqs());
    const ids = { MessageGroupId: 'g', MessageDeduplicationId: 'd' };
    const sent = live.send('work.fifo', 'x', ids);
    live.remove('work.fifo', live.receive('work.fifo')[0]);

    for (const entries of [live.journal, live.snapshot()]) {
      const restored = startSqs({ clock: live.clock, entries });
      expect(restored.send('work.fifo', 'x', ids)['SequenceNumber']).toBe(sent['SequenceNumber']);
      expect(restored.counts('work.fifo')).toEqual([0, 0, 0]);
    }
  });

  it('keeps the delay a FIFO queue has given its waiting messages since', () => {
    const live = prepare(startSqs());
    const setDelay = (DelaySeconds: string): unknown =>
      live.call('SetQueueAttributes', { QueueUrl: urlOf('work.fifo'), Attributes: { DelaySeconds } });
    setDelay('600');
    live.send('work.fifo', 'x', { MessageGroupId: 'g', MessageDeduplicationId: 'd' });
    setDelay('15');
    const snapshot = live.snapshot();
    live.pass(15);

    for (const entries of [live.journal, snapshot]) {
      const restored = startSqs({ clock: live.clock, entries });
      expect(restored.counts('work.fifo')).toEqual([1, 0, 0]);
    }
  });

  it('wakes watchers for what was delayed before it', () => {
    const live = prepare(startSqs());
    live.send('work', 'x', { DelaySeconds: 30 });
    const restored = startSqs({ clock: live.clock, entries: live.journal });
    let calls = 0;
    restored.sqs.source('work').watch(() => calls++);

    restored.pass(29.999);
    expect(calls).toBe(0);
    restored.pass(0.001);
    expect(calls).toBe(1);
  });
});
