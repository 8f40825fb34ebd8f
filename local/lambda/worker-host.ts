/**
 * Runs each function in a worker thread of its own, as `npm start` does: a bundle of the assembly with its own
 * settings, memory limit and timeout. Concurrent invocations share the one environment of their function (on AWS each
 * has its own), and at most twelve environments are alive; the one idle longest makes room.
 */
import { randomUUID } from 'node:crypto';
import type { MessagePort } from 'node:worker_threads';

import type { Activity } from '#local/kernel/activity.ts';
import { FunctionError, functionErrorOf } from '#local/lambda/lambda-host.ts';
import type { FunctionSetting, LambdaHost, StreamListener } from '#local/lambda/lambda-host.ts';
import { workerEnvironment } from '#local/lambda/worker-environment.ts';
import type { WorkerEnvironment } from '#local/lambda/worker-environment.ts';
import { workerProgram } from '#local/lambda/worker-program.ts';
import { functionNameOf } from '#local/template/lambda-alias.ts';

/** Worker threads alive at once. */
export const ENVIRONMENTS_MAX = 12;

/** What a host of threads is made of. */
export interface WorkerHostParts {
  readonly functions: readonly FunctionSetting[];
  readonly activity: Activity;
  /** Answers the AWS calls of the function that come over the port. */
  readonly attachPort: (port: MessagePort, setting: FunctionSetting) => void;
  readonly documents: ReadonlyMap<string, string>;
  readonly log: (text: string) => void;
  readonly environmentsMax?: number;
}

interface WorkerFunction {
  readonly setting: FunctionSetting;
  environment: WorkerEnvironment | undefined;
  /** Invocations that hold or wait for the environment. */
  heldCount: number;
  lastUsed: number;
  readonly counts: { invocations: number; coldStarts: number; errors: number };
}

/** A host of worker threads. */
export const workerHost = (parts: WorkerHostParts): LambdaHost => {
  // Built now and not when the first thread starts: the sources may have changed by then.
  workerProgram();
  const functions = new Map(
    parts.functions.map((setting): [string, WorkerFunction] => [
      setting.name,
      {
        setting,
        environment: undefined,
        heldCount: 0,
        lastUsed: 0,
        counts: { invocations: 0, coldStarts: 0, errors: 0 },
      },
    ]),
  );
  const waiting: (() => void)[] = [];
  let useCount = 0;

  const find = (reference: string): WorkerFunction => {
    const found = functions.get(functionNameOf(reference));
    if (found === undefined)
      throw new FunctionError('ResourceNotFoundException', `Function not found: ${reference}`);
    return found;
  };
  const alive = (): readonly WorkerFunction[] => [...functions.values()].filter((fn) => fn.environment);

  const makeRoom = async (): Promise<void> => {
    while (alive().length >= (parts.environmentsMax ?? ENVIRONMENTS_MAX)) {
      const [oldest] = alive()
        .filter(({ heldCount }) => heldCount === 0)
        .sort((one, other) => one.lastUsed - other.lastUsed);
      if (oldest) await endEnvironment(oldest);
      else await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };

  const acquire = async (fn: WorkerFunction): Promise<WorkerEnvironment> => {
    while (fn.environment === undefined) {
      await makeRoom();
      if (fn.environment !== undefined) break;
      fn.counts.coldStarts++;
      const started: WorkerEnvironment = workerEnvironment({
        ...parts,
        setting: fn.setting,
        onEnd: () => {
          if (fn.environment === started) fn.environment = undefined;
          waiting.shift()?.();
        },
      });
      fn.environment = started;
    }
    return fn.environment;
  };

  const invoke = async (
    reference: string,
    event: unknown,
    listener: StreamListener = {},
  ): Promise<unknown> => {
    const fn = find(reference);
    const end = parts.activity.begin();
    fn.counts.invocations++;
    fn.heldCount++;
    fn.lastUsed = ++useCount;
    try {
      const environment = await acquire(fn);
      return await environment.invoke(randomUUID(), event, listener);
    } catch (error) {
      fn.counts.errors++;
      throw functionErrorOf(error);
    } finally {
      fn.heldCount--;
      if (fn.heldCount === 0) waiting.shift()?.();
      end();
    }
  };
  return {
    invoke,
    restart: async (reference) => endEnvironment(find(reference)),
    counts: () => Object.fromEntries([...functions].map(([name, { counts }]) => [name, { ...counts }])),
    close: async () => {
      await Promise.all([...functions.values()].map(endEnvironment));
    },
  };
};

const endEnvironment = async (fn: WorkerFunction): Promise<void> => {
  const { environment } = fn;
  fn.environment = undefined;
  await environment?.end();
};
