/**
 * What adapters of one source have read and the sink has not taken yet, in order. It says when it is full, writes until it is
 * empty, and gives up after the tries of its source, telling how much is left.
 */
import { waitsBetweenTries } from '#domain/kernel/backoff.ts';
import type { AdapterSetting } from '#domain/market/transport/setting.ts';
import type { MarketRecord, MarketSink } from '#domain/ports/outside.ts';
import { isClosedOutput } from '#cli/files/answer-lines.ts';
import type { Clock } from '#local/kernel/clock.ts';

export interface OutboxSetting {
  readonly sink: MarketSink;
  readonly bounds: Pick<AdapterSetting, 'retry' | 'backpressure'>;
  readonly clock: Clock;
  /** It was full, and at most half of what may wait is left. */
  readonly onFree: () => void;
  /** Nothing more will be written. */
  readonly onBroken: (errorDetail: string) => void;
}

export interface Outbox {
  /** Takes records and writes them some time later; answers whether there is room for more. */
  readonly accept: (records: readonly MarketRecord[]) => boolean;
  /** How many wait. */
  readonly pendingCount: () => number;
  /** Comes when nothing waits, or nothing more will be written. */
  readonly drained: () => Promise<void>;
}

/** Of one request: the stream takes 500 records and 5 MiB. */
const RECORDS_MAX = 500;
const BYTES_MAX = 4_000_000;

/** An empty outbox. */
export const outbox = (setting: OutboxSetting): Outbox => {
  const { pendingMax } = setting.bounds.backpressure;
  const waiting: MarketRecord[] = [];
  let isBroken = false;
  let wasFull = false;
  let isWriting = false;
  let writing = Promise.resolve();

  const write = async (): Promise<void> => {
    while (waiting.length > 0) {
      const fault = await putAll(setting, waiting);
      if (fault !== undefined) {
        isBroken = true;
        setting.onBroken(fault);
        return;
      }
      if (wasFull && waiting.length * 2 <= pendingMax) {
        wasFull = false;
        setting.onFree();
      }
    }
    // At once, and not when its promise is heard of: what is accepted between the two would never be written.
    isWriting = false;
  };

  return {
    accept: (records) => {
      waiting.push(...records);
      if (!isBroken && !isWriting) {
        isWriting = true;
        writing = write();
      }
      const isFull = waiting.length >= pendingMax;
      wasFull ||= isFull;
      return !isFull;
    },
    pendingCount: () => waiting.length,
    drained: () => writing,
  };
};

/**
 * Writes one request of what waits and takes it out, refused records again before anything that follows them; answers
 * why it gave up. A put of which something was taken begins the tries anew.
 */
const putAll = async (
  { sink, bounds, clock }: OutboxSetting,
  waiting: MarketRecord[],
): Promise<string | undefined> => {
  const waits = waitsBetweenTries(bounds.retry);
  let left = firstOf(waiting);
  for (let tries = 1; left.length > 0; tries++) {
    const { refused, fault, isOver } = await putOnce(sink, left);
    if (refused.length < left.length) tries = 1;
    waiting.splice(0, left.length, ...refused);
    left = refused;
    const waitMs = waits[tries - 1];
    if (left.length === 0) break;
    if (waitMs === undefined || isOver) return fault;
    await new Promise<void>((resolve) => void clock.at(clock.nowMs() + waitMs, resolve));
  }
  return undefined;
};

interface Put {
  readonly refused: readonly MarketRecord[];
  readonly fault: string;
  /** It will never take anything: nobody reads it any more. */
  readonly isOver: boolean;
}

const putOnce = async (sink: MarketSink, records: readonly MarketRecord[]): Promise<Put> => {
  try {
    return { refused: await sink.put(records), fault: 'the sink refuses records', isOver: false };
  } catch (error) {
    const fault = `the sink cannot be written: ${String(error)}`;
    return { refused: records, fault, isOver: isClosedOutput(error) };
  }
};

/** As many records as one request takes, at least one. */
const firstOf = (waiting: readonly MarketRecord[]): readonly MarketRecord[] => {
  let bytes = 0;
  const end = waiting.findIndex(({ body, partitionKey }, index) => {
    bytes += Buffer.byteLength(body) + Buffer.byteLength(partitionKey);
    return index === RECORDS_MAX || (index > 0 && bytes > BYTES_MAX);
  });
  return waiting.slice(0, end === -1 ? waiting.length : end);
};
