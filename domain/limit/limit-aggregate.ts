/** A limit as the command handler, the sweeper and the compactor know it. */
import type { LimitEvent } from '#contracts/runs/limit-events.ts';
import type { Aggregate, Waiting } from '#domain/kernel/aggregate.ts';
import type { LimitCommand } from '#domain/limit/command.ts';
import { decide } from '#domain/limit/decide.ts';
import { evolve, limitEventTypes } from '#domain/limit/evolve.ts';
import type { Limit } from '#domain/limit/limit.ts';
import { outstanding } from '#domain/limit/outstanding.ts';
import { decodeLimit, encodeLimit, packLimit } from '#domain/limit/state-codec.ts';

/** Each slot is looked at when its lease ends; who waits for a slot waits for one of them, and for nothing of ours. */
const waiting = (limit: Limit): readonly Waiting[] =>
  limit.status === 'none'
    ? []
    : limit.slots.map(({ leaseUntilMs, runId, taskKey }) => ({
        reason: 'slot',
        deadlineMs: leaseUntilMs,
        subject: `${runId} ${taskKey}`,
      }));

/** A limit never ends, and its stream grows with every attempt. */
const restate = (limit: Limit, sequence: number): LimitEvent | undefined =>
  limit.status === 'none'
    ? undefined
    : { type: 'LimitRestated', idempotencyKey: `restated:${sequence}`, data: packLimit(limit) };

/** A limit, as the command handler, the sweeper and the compactor know it. */
export const limitAggregate: Aggregate<Limit, LimitCommand, LimitEvent> = {
  kind: 'limit',
  foldVersion: 1,
  eventTypes: limitEventTypes,
  initialState: () => ({ status: 'none' }),
  decide,
  evolve,
  outstanding,
  waiting,
  sweepCommand: (nowMs) => ({ type: 'SweepLimit', nowMs, seen: [] }),
  isTerminal: () => false,
  restatement: { type: 'LimitRestated', of: restate },
  encodeState: encodeLimit,
  decodeState: decodeLimit,
};
