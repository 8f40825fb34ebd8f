/** An SQS engine on a virtual clock whose journal is kept as text, as a disk would keep it. */
import type { Json } from '#local/kernel/engine.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import type { VirtualClock } from '#local/kernel/clock.ts';
import { virtualClock } from '#local/kernel/clock.ts';
import type { JournalEntry } from '#local/kernel/journal.ts';
import type { Sqs } from '#local/sqs/engine.ts';
import { createSqs } from '#local/sqs/engine.ts';

export const START_MS = Date.UTC(2026, 0, 5, 9, 30);
const BASE_URL = 'http://127.0.0.1:4566';

export interface SqsUnderTest {
  readonly clock: VirtualClock;
  readonly sqs: Sqs;
  /** The journal so far, one JSON text per entry. */
  readonly journal: readonly string[];
  readonly call: (operation: string, input?: Json) => Json;
  /** The answer of a call that waits. */
  readonly wait: (operation: string, input?: Json) => Promise<Json>;
  /** The refusal of the call; fails when the call succeeds. */
  readonly refusal: (operation: string, input?: Json) => AwsError;
  readonly create: (name: string, attributes?: Readonly<Record<string, string>>) => string;
  readonly send: (name: string, body: string, more?: Json) => Json;
  /** Received messages with all attributes. */
  readonly receive: (name: string, more?: Json) => readonly Json[];
  readonly bodies: (name: string, more?: Json) => readonly unknown[];
  readonly remove: (name: string, message: Json | undefined) => Json;
  /** Visible, in flight, delayed. */
  readonly counts: (name: string) => readonly number[];
  /** Moves the clock, running every timer on the way. */
  readonly pass: (seconds: number) => void;
  readonly snapshot: () => readonly string[];
}

export const urlOf = (name: string): string => `${BASE_URL}/000000000000/${name}`;
export const arnOf = (name: string): string => `arn:aws:sqs:us-east-1:000000000000:${name}`;

/** The list member of an answer; empty when it is absent. */
export const list = (answer: Json, name: string): readonly Json[] => (answer[name] ?? []) as readonly Json[];

/** A redrive policy as the attribute wants it. */
export const redriveTo = (name: string, maxReceiveCount: number): Readonly<Record<string, string>> => ({
  RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arnOf(name), maxReceiveCount }),
});

/** A chance that repeats itself from the start. */
const repeatable = (): (() => number) => {
  let state = 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
};

interface SqsOptions {
  readonly clock?: VirtualClock;
  readonly entries?: readonly string[];
}

export const startSqs = (options: SqsOptions = {}): SqsUnderTest => {
  const clock = options.clock ?? virtualClock(START_MS);
  const journal: string[] = [];
  const sqs = createSqs({
    clock,
    journal: {
      append: (engine, entry) => {
        if (engine !== 'sqs') throw new Error(`sqs journals as ${engine}`);
        journal.push(JSON.stringify(entry));
      },
      durable: () => Promise.resolve(),
    },
    chance: repeatable(),
    region: 'us-east-1',
    accountId: '000000000000',
    baseUrl: () => BASE_URL,
  });
  for (const entry of options.entries ?? []) sqs.engine.restore(JSON.parse(entry) as JournalEntry);

  const run = (operation: string, input: Json = {}): Json | Promise<Json> => {
    const answer = sqs.engine.operations[operation]?.(input);
    if (!answer) throw new Error(`there is no ${operation}`);
    return answer;
  };
  const call = (operation: string, input?: Json): Json => {
    const answer = run(operation, input);
    if (answer instanceof Promise) throw new Error(`${operation} has no answer at once`);
    return answer;
  };
  const receive = (name: string, more: Json = {}): readonly Json[] => {
    const all = { AttributeNames: ['All'], MessageAttributeNames: ['All'] };
    return list(call('ReceiveMessage', { QueueUrl: urlOf(name), ...all, ...more }), 'Messages');
  };
  return {
    clock,
    sqs,
    journal,
    call,
    wait: async (operation, input) => run(operation, input),
    refusal: (operation, input) => {
      try {
        call(operation, input);
      } catch (error) {
        if (error instanceof AwsError) return error;
        throw error;
      }
      throw new Error(`${operation} was not refused`);
    },
    create: (QueueName, Attributes = {}) =>
      String(call('CreateQueue', { QueueName, Attributes })['QueueUrl']),
    send: (name, MessageBody, more = {}) =>
      call('SendMessage', { QueueUrl: urlOf(name), MessageBody, ...more }),
    receive,
    bodies: (name, more) =>
      receive(name, { MaxNumberOfMessages: 10, ...more }).map((message) => message['Body']),
    remove: (name, message) =>
      call('DeleteMessage', { QueueUrl: urlOf(name), ReceiptHandle: message?.['ReceiptHandle'] }),
    counts: (name) => {
      const answer = call('GetQueueAttributes', { QueueUrl: urlOf(name), AttributeNames: ['All'] });
      const attributes = answer['Attributes'] as Readonly<Record<string, string>>;
      return ['', 'NotVisible', 'Delayed'].map((suffix) =>
        Number(attributes[`ApproximateNumberOfMessages${suffix}`]),
      );
    },
    pass: (seconds) => {
      const untilMs = clock.nowMs() + seconds * 1000;
      while (clock.step(untilMs));
      clock.jump(untilMs);
    },
    snapshot: () => [...sqs.engine.snapshot()].map((entry) => JSON.stringify(entry)),
  };
};
