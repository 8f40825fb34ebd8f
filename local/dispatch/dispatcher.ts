/**
 * The one way into the engines, whatever wire a request came by: it counts, injects faults, and answers (or
 * refuses) only after everything the request could have seen or changed is durable.
 */
import type { Guard } from '#local/iam/guard.ts';
import type { Activity } from '#local/kernel/activity.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import type { Engine, Json, Operation, ServiceName } from '#local/kernel/engine.ts';
import type { Journal } from '#local/kernel/journal.ts';
import { createCapacityMeter, type Capacity } from '#local/dispatch/capacity.ts';
import { execute } from '#local/dispatch/execute.ts';
import { serverError, throttle } from '#local/dispatch/fault-errors.ts';
import type { Faults } from '#local/dispatch/faults.ts';
import { LostAnswerError } from '#local/dispatch/lost-answer-error.ts';

export interface EngineRequest {
  readonly service: ServiceName;
  readonly operation: string;
  readonly input: Json;
}

export interface DispatcherSetting {
  readonly engines: Readonly<Partial<Record<ServiceName, Engine>>>;
  readonly journal: Journal;
  readonly faults?: Faults;
  /** Refuses what the role of the caller does not allow; absent, everybody may do everything. */
  readonly guard?: Pick<Guard, 'authorize' | 'conceal'>;
  /** Calls count as in flight, except while an engine makes them wait for the clock. */
  readonly activity?: Activity;
  /** Asks DynamoDB what each request consumed; for pricing. Default false. */
  readonly isMetered?: boolean;
  /** Told of every error that is no modelled exception; the caller only sees a 500. */
  readonly onInternalError?: (error: unknown, request: EngineRequest) => void;
}

export interface Dispatcher {
  /** Answers like the service, or rejects with `AwsError`, or `LostAnswerError` when that fault is injected. */
  readonly call: (service: ServiceName, operation: string, input: Json) => Promise<Json>;
  /** Requests since the start or the last reset, by `service.operation`; refused and faulted ones count. */
  readonly counts: () => Readonly<Record<string, number>>;
  /** Capacity units of DynamoDB since the start or the last reset, by table; empty unless metered. */
  readonly capacity: () => Readonly<Record<string, Capacity>>;
  readonly reset: () => void;
}

/** Puts the engines behind one door. */
export const createDispatcher = (setting: DispatcherSetting): Dispatcher => {
  const { activity, faults } = setting;
  const meter = setting.isMetered === true ? createCapacityMeter() : undefined;
  let counts = new Map<string, number>();

  const run = async (request: EngineRequest): Promise<Json> => {
    const operation = operationOf(setting, request);
    setting.guard?.authorize(request);
    const act = (input: Json): Promise<Json> => execute(activity, operation, input);
    return meter ? meter.measure(request, act) : act(request.input);
  };

  const answer = async (request: EngineRequest): Promise<Json> => {
    try {
      return await (faults ? runWithFaults(faults, request, run) : run(request));
    } finally {
      await setting.journal.durable();
    }
  };

  return {
    call: async (service, operation, input) => {
      const name = `${service}.${operation}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      const request = { service, operation, input };
      const end = activity?.begin();
      try {
        return await answer(request);
      } catch (error) {
        throw asAnswer(setting, error, request);
      } finally {
        end?.();
      }
    },
    counts: () => Object.fromEntries([...counts].sort(([one], [other]) => (one < other ? -1 : 1))),
    capacity: () => meter?.byTable() ?? {},
    reset: () => {
      counts = new Map();
      meter?.reset();
    },
  };
};

const operationOf = ({ engines }: DispatcherSetting, { service, operation }: EngineRequest): Operation => {
  const operations = engines[service]?.operations;
  const found = operations && Object.hasOwn(operations, operation) ? operations[operation] : undefined;
  if (found) return found;
  throw new AwsError(
    'UnknownOperationException',
    `the local cloud does not support ${service}.${operation}${operations ? '' : `: the service ${service} is not part of it`}`,
  );
};

const runWithFaults = async (
  faults: Faults,
  request: EngineRequest,
  run: (request: EngineRequest) => Promise<Json>,
): Promise<Json> => {
  const fault = faults.next(request);
  switch (fault?.kind) {
    case undefined:
      return run(request);
    case 'throttle':
      throw throttle(request.service);
    case 'server-error':
      throw serverError(request.service);
    case 'lost-answer':
      await run(request);
      throw new LostAnswerError(request.service, request.operation);
    case 'duplicate':
      await run(request).catch(() => undefined);
      return run(request);
    case 'delay':
      await faults.wait(fault);
      return run(request);
  }
};

const asAnswer = (setting: DispatcherSetting, error: unknown, request: EngineRequest): unknown => {
  if (error instanceof AwsError) return setting.guard?.conceal(error, request) ?? error;
  if (error instanceof LostAnswerError) return error;
  setting.onInternalError?.(error, request);
  return serverError(request.service, error instanceof Error ? error.message : String(error));
};
