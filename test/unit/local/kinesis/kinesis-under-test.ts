/** A Kinesis engine on a virtual clock whose journal is kept as text, as a disk would keep it. */
import type { Json } from '#local/kernel/engine.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import type { VirtualClock } from '#local/kernel/clock.ts';
import { virtualClock } from '#local/kernel/clock.ts';
import type { JournalEntry } from '#local/kernel/journal.ts';
import type { Kinesis } from '#local/kinesis/engine.ts';
import { createKinesis } from '#local/kinesis/engine.ts';

export const START_MS = Date.UTC(2026, 0, 5, 9, 30);

export interface KinesisUnderTest {
  readonly clock: VirtualClock;
  readonly kinesis: Kinesis;
  /** The journal so far, one JSON text per entry. */
  readonly journal: readonly string[];
  readonly call: (operation: string, input?: Json) => Json;
  /** The refusal of the call; fails when the call succeeds. */
  readonly refusal: (operation: string, input?: Json) => AwsError;
  readonly put: (streamName: string, partitionKey: string, data: string) => Json;
  readonly snapshot: () => readonly string[];
  /** The data of the records from the iterator on, following it until it is caught up. */
  readonly drain: (input: Json) => readonly string[];
}

export const base64 = (text: string): string => Buffer.from(text).toString('base64');
export const plain = (data: unknown): string => Buffer.from(String(data), 'base64').toString();

/** The list member of an answer. */
export const list = (answer: Json, name: string): readonly Json[] => answer[name] as readonly Json[];

export const startKinesis = (
  options: {
    readonly throttle?: boolean;
    readonly clock?: VirtualClock;
    readonly entries?: readonly string[];
  } = {},
): KinesisUnderTest => {
  const clock = options.clock ?? virtualClock(START_MS);
  const journal: string[] = [];
  const kinesis = createKinesis({
    clock,
    journal: {
      append: (engine, entry) => {
        if (engine !== 'kinesis') throw new Error(`kinesis journals as ${engine}`);
        journal.push(JSON.stringify(entry));
      },
      durable: () => Promise.resolve(),
    },
    chance: () => 0.5,
    region: 'us-east-1',
    accountId: '000000000000',
    ...(options.throttle === undefined ? {} : { throttle: options.throttle }),
  });
  for (const entry of options.entries ?? []) kinesis.engine.restore(JSON.parse(entry) as JournalEntry);
  const call = (operation: string, input: Json = {}): Json => {
    const answer = kinesis.engine.operations[operation]?.(input);
    if (!answer || answer instanceof Promise) throw new Error(`${operation} has no answer at once`);
    return answer;
  };
  return {
    clock,
    kinesis,
    journal,
    call,
    refusal: (operation, input) => {
      try {
        call(operation, input);
      } catch (error) {
        if (error instanceof AwsError) return error;
        throw error;
      }
      throw new Error(`${operation} was not refused`);
    },
    put: (StreamName, PartitionKey, data) =>
      call('PutRecord', { StreamName, PartitionKey, Data: base64(data) }),
    snapshot: () => [...kinesis.engine.snapshot()].map((entry) => JSON.stringify(entry)),
    drain: (input) => {
      const texts: string[] = [];
      let iterator = call('GetShardIterator', input)['ShardIterator'];
      while (iterator !== undefined) {
        const answer = call('GetRecords', { ShardIterator: iterator });
        texts.push(...list(answer, 'Records').map((record) => plain(record['Data'])));
        iterator = answer['MillisBehindLatest'] === 0 ? undefined : answer['NextShardIterator'];
      }
      return texts;
    },
  };
};
