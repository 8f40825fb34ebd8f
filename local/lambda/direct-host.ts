/**
 * Runs functions in this process and thread: the default of tests and bench, and the only host that runs in virtual
 * time. Unlike on AWS, one environment serves all concurrent invocations, memory is not limited, and a function that
 * outlives its timeout is reported but cannot be killed.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { actingAs } from '#local/iam/principal.ts';
import type { Activity } from '#local/kernel/activity.ts';
import type { Clock } from '#local/kernel/clock.ts';
import { pluginSymbol } from '#local/lambda/function-contract.ts';
import type { CreateHandler, HostPlugin, LambdaHandler } from '#local/lambda/function-contract.ts';
import { contextData, lambdaContext } from '#local/lambda/lambda-context.ts';
import { FunctionError, functionErrorOf, timedOut } from '#local/lambda/lambda-host.ts';
import type { FunctionSetting, LambdaHost, StreamListener } from '#local/lambda/lambda-host.ts';
import { callHandler, installStreamingRuntime } from '#local/lambda/streaming-runtime.ts';
import { functionNameOf } from '#local/template/lambda-alias.ts';

/** Loads the module of a function; the default imports the bundle in its code asset. */
export type ImportModule = (setting: FunctionSetting) => Promise<Readonly<Record<string, unknown>>>;

/** What a host without threads is made of. */
export interface DirectHostParts {
  readonly functions: readonly FunctionSetting[];
  readonly clock: Clock;
  readonly activity: Activity;
  readonly plugin: HostPlugin;
  readonly importModule?: ImportModule;
}

/** An invocation that sleeps is not in flight, however many of its branches sleep. */
interface Invocation {
  readonly plugin: HostPlugin;
  sleepingCount: number;
  resume: () => void;
}

const invocations = new AsyncLocalStorage<Invocation>();

let threadPlugin: unknown;

/**
 * Where a worker thread has one plugin, this thread has one per cloud: whoever reads the global symbol inside an
 * invocation finds the plugin of that invocation's cloud, elsewhere what was left there last.
 */
const installPluginLookup = (): void => {
  if (Object.getOwnPropertyDescriptor(globalThis, pluginSymbol)?.get !== undefined) return;
  threadPlugin = Reflect.get(globalThis, pluginSymbol);
  Object.defineProperty(globalThis, pluginSymbol, {
    configurable: true,
    get: () => invocations.getStore()?.plugin ?? threadPlugin,
    set: (plugin: unknown) => {
      threadPlugin = plugin;
    },
  });
};

/** Parks the invocation it is called in, if any; call the answer when what it waits for has come. */
const parkInvocation = (activity: Activity): (() => void) => {
  const invocation = invocations.getStore();
  if (invocation === undefined) return () => undefined;
  if (invocation.sleepingCount++ === 0) invocation.resume = activity.park();
  return () => {
    if (--invocation.sleepingCount === 0) invocation.resume();
  };
};

/** The `sleep` of the plugin: waits on the clock and parks the invocation it is called in. */
export const sleepOn =
  ({ clock, activity }: { readonly clock: Clock; readonly activity: Activity }): HostPlugin['sleep'] =>
  (waitMs, signal) =>
    new Promise((resolve) => {
      const resume = parkInvocation(activity);
      let isOver = false;
      const goOn = (): void => {
        if (isOver) return;
        isOver = true;
        resume();
        resolve();
      };
      const timer = clock.at(clock.nowMs() + waitMs, goOn);
      signal?.addEventListener('abort', () => {
        clock.cancel(timer);
        goOn();
      });
    });

/** The activity of engines that functions call: a call that waits for the clock parks its invocation as well. */
export const parkingInvocations = (activity: Activity): Activity => ({
  ...activity,
  park: () => {
    const resumeCall = activity.park();
    const resumeInvocation = parkInvocation(activity);
    return () => {
      resumeCall();
      resumeInvocation();
    };
  },
});

interface DirectFunction {
  readonly setting: FunctionSetting;
  handler: Promise<LambdaHandler> | undefined;
  readonly counts: { invocations: number; coldStarts: number; errors: number };
}

/** A host without threads. */
export const directHost = (parts: DirectHostParts): LambdaHost => {
  installStreamingRuntime();
  installPluginLookup();
  const functions = new Map(
    parts.functions.map((setting): [string, DirectFunction] => [
      setting.name,
      { setting, handler: undefined, counts: { invocations: 0, coldStarts: 0, errors: 0 } },
    ]),
  );
  const find = (reference: string): DirectFunction => {
    const found = functions.get(functionNameOf(reference));
    if (found === undefined)
      throw new FunctionError('ResourceNotFoundException', `Function not found: ${reference}`);
    return found;
  };
  const invoke = async (
    reference: string,
    event: unknown,
    listener: StreamListener = {},
  ): Promise<unknown> => {
    const fn = find(reference);
    const end = parts.activity.begin();
    fn.counts.invocations++;
    const invocation: Invocation = { plugin: parts.plugin, sleepingCount: 0, resume: () => undefined };
    try {
      return await actingAs(fn.setting.principal, () =>
        invocations.run(invocation, () => run(parts, fn, { event, listener })),
      );
    } catch (error) {
      fn.counts.errors++;
      throw functionErrorOf(error);
    } finally {
      // What it no longer waits for may go on waiting.
      invocation.resume();
      end();
    }
  };
  return {
    invoke,
    restart: (reference) => {
      find(reference).handler = undefined;
      return Promise.resolve();
    },
    counts: () => Object.fromEntries([...functions].map(([name, { counts }]) => [name, { ...counts }])),
    close: () => Promise.resolve(),
  };
};

/** The file a template's `Handler` names inside a code asset. */
export const handlerFile = ({ codeDir, handler }: FunctionSetting): string => {
  const stem = join(codeDir, handler.slice(0, handler.lastIndexOf('.')));
  const found = ['.mjs', '.js', '.cjs'].map((ending) => stem + ending).find((path) => existsSync(path));
  if (found === undefined)
    throw new FunctionError('Runtime.ImportModuleError', `Error: Cannot find module '${stem}'`);
  return found;
};

/** The export a template's `Handler` names. */
export const handlerExport = ({ handler }: FunctionSetting): string =>
  handler.slice(handler.lastIndexOf('.') + 1);

const importBundle: ImportModule = async (setting) =>
  (await import(/* @vite-ignore */ pathToFileURL(handlerFile(setting)).href)) as Readonly<
    Record<string, unknown>
  >;

const run = async (
  parts: DirectHostParts,
  fn: DirectFunction,
  { event, listener }: { readonly event: unknown; readonly listener: StreamListener },
): Promise<unknown> => {
  const { clock } = parts;
  fn.handler ??= coldStart(parts, fn);
  const handler = await fn.handler;
  const context = lambdaContext(contextData(fn.setting, randomUUID(), clock.nowMs()), clock.nowMs);
  let stop: (() => void) | undefined;
  const timeout = new Promise<never>((_, reject) => {
    const timer = clock.at(clock.nowMs() + fn.setting.timeoutMs, () => reject(timedOut(fn.setting)));
    stop = () => clock.cancel(timer);
  });
  try {
    return await Promise.race([callHandler(handler, { event, context, listener }), timeout]);
  } finally {
    stop?.();
  }
};

const coldStart = async (parts: DirectHostParts, fn: DirectFunction): Promise<LambdaHandler> => {
  const { setting } = fn;
  fn.counts.coldStarts++;
  try {
    const module = await (parts.importModule ?? importBundle)(setting);
    const create = module['createHandler'];
    if (typeof create === 'function')
      return (create as CreateHandler)(
        { ...setting.environment, ...runtimeEnvironment(setting) },
        parts.plugin,
      );
    const handler = module[handlerExport(setting)];
    if (typeof handler === 'function') return handler as LambdaHandler;
    throw new FunctionError('Runtime.HandlerNotFound', `${setting.handler} is undefined or not exported`);
  } catch (error) {
    fn.handler = undefined;
    throw error;
  }
};

/** The variables the Lambda runtime itself sets. */
export const runtimeEnvironment = (setting: FunctionSetting): Readonly<Record<string, string>> => ({
  AWS_REGION: setting.arn.split(':')[3] ?? 'us-east-1',
  AWS_LAMBDA_FUNCTION_NAME: setting.name,
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(setting.memoryMb),
});
