/** Faults by rule and seed: the same seed and the same requests in the same order meet the same faults. */
import type { Activity } from '#local/kernel/activity.ts';
import type { Clock } from '#local/kernel/clock.ts';
import type { Json, ServiceName } from '#local/kernel/engine.ts';
import type { EngineRequest } from '#local/dispatch/dispatcher.ts';

/**
 * `lost-answer` executes and then fails like a reset connection; `duplicate` executes twice and answers the second
 * time; `delay` executes late.
 */
export type FaultKind = 'throttle' | 'server-error' | 'lost-answer' | 'duplicate' | 'delay';

export interface FaultRule {
  readonly service: ServiceName;
  /** Default every operation. */
  readonly operation?: string;
  /** Name of a table, stream, queue, bucket, secret or state machine; default every one. */
  readonly resource?: string;
  readonly kind: FaultKind;
  /** Share of the matching requests that are hit, 0 to 1. */
  readonly probability?: number;
  /** Which of the matching requests are hit, counted from 1; without it and `probability` every one is. */
  readonly calls?: readonly number[];
  /** Bound on the hits; default none. */
  readonly hitsMax?: number;
  /** How late a delayed request is executed, default 1,000. */
  readonly delayMs?: number;
}

export interface Fault {
  readonly kind: FaultKind;
  readonly service: ServiceName;
  readonly operation: string;
  readonly delayMs: number;
}

export interface Faults {
  /** The fault of this request: of the first rule that hits. */
  readonly next: (request: EngineRequest) => Fault | undefined;
  readonly wait: (fault: Fault) => Promise<void>;
  /** Every fault there was, in order. */
  readonly injected: () => readonly Fault[];
}

export interface FaultSetting {
  readonly rules: readonly FaultRule[];
  readonly seed: number;
  readonly clock: Clock;
  readonly activity?: Activity;
}

const DELAY_DEFAULT_MS = 1000;

/** A plan of faults. */
export const createFaults = ({ rules, seed, clock, activity }: FaultSetting): Faults => {
  const chance = seededChance(seed);
  const progress = rules.map((rule) => ({ rule, matchCount: 0, hitCount: 0 }));
  const injected: Fault[] = [];
  return {
    next: ({ service, operation, input }) => {
      for (const entry of progress) {
        const { rule } = entry;
        if (!matches(rule, service, operation, input)) continue;
        entry.matchCount++;
        if (entry.hitCount >= (rule.hitsMax ?? Infinity)) continue;
        if (rule.calls && !rule.calls.includes(entry.matchCount)) continue;
        if (rule.probability !== undefined && chance() >= rule.probability) continue;
        entry.hitCount++;
        const fault = { kind: rule.kind, service, operation, delayMs: rule.delayMs ?? DELAY_DEFAULT_MS };
        injected.push(fault);
        return fault;
      }
      return undefined;
    },
    wait: ({ delayMs }) =>
      new Promise((resolve) => {
        const resume = activity?.park();
        clock.at(clock.nowMs() + delayMs, () => {
          resume?.();
          resolve();
        });
      }),
    injected: () => [...injected],
  };
};

/** A float in [0, 1) that depends on the seed alone (mulberry32). */
export const seededChance = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

const matches = (rule: FaultRule, service: ServiceName, operation: string, input: Json): boolean =>
  rule.service === service &&
  (rule.operation === undefined || rule.operation === operation) &&
  (rule.resource === undefined || resourceNames(input).includes(rule.resource));

const resourceMembers = [
  'TableName',
  'StreamName',
  'StreamARN',
  'StreamArn',
  'QueueUrl',
  'QueueName',
  'stateMachineArn',
  'executionArn',
  'Bucket',
  'SecretId',
] as const;

/** Names of what a request touches: the last part of an ARN or URL, and every table of a batch or transaction. */
const resourceNames = (input: Json): readonly string[] => {
  const names = resourceMembers.flatMap((member) => {
    const value = input[member];
    return typeof value === 'string' ? [value, lastPart(value)] : [];
  });
  const request = input['RequestItems'];
  if (isRecord(request)) names.push(...Object.keys(request));
  const transaction = input['TransactItems'];
  if (Array.isArray(transaction)) names.push(...transaction.flatMap(tablesOf));
  return names;
};

const lastPart = (name: string): string => name.split(/[/:]/).at(-1) ?? name;

const tablesOf = (item: unknown): readonly string[] =>
  isRecord(item)
    ? Object.values(item).flatMap((act) =>
        isRecord(act) && typeof act['TableName'] === 'string' ? [act['TableName']] : [],
      )
    : [];

const isRecord = (value: unknown): value is Json => typeof value === 'object' && value !== null;
