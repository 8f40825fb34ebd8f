/** The inner half of a cloud: engines, the one door in front of them, and whoever judges at it. */
import type { BootOptions } from '#local/boot/cloud.ts';
import { createEngines } from '#local/boot/engines.ts';
import type { CloudEngines } from '#local/boot/engines.ts';
import { taskRunner } from '#local/boot/run-task.ts';
import { createDispatcher } from '#local/dispatch/dispatcher.ts';
import type { Dispatcher } from '#local/dispatch/dispatcher.ts';
import { createFaults, seededChance } from '#local/dispatch/faults.ts';
import { createGuard } from '#local/iam/guard.ts';
import type { Guard } from '#local/iam/guard.ts';
import type { Roles } from '#local/iam/roles.ts';
import type { Activity } from '#local/kernel/activity.ts';
import type { Journal } from '#local/kernel/journal.ts';
import type { LambdaHost } from '#local/lambda/lambda-host.ts';

/** Engines that answer, before a template has said what they hold. */
export interface Core {
  readonly engines: CloudEngines;
  readonly dispatcher: Dispatcher;
  readonly guard: Guard;
  readonly faultCount: () => number;
  readonly useAwsUrl: (awsUrl: string) => void;
  /** Tells engines who runs their functions, and what their roles allow. */
  readonly useHost: (host: LambdaHost, roles: Roles) => void;
}

/** What a core is built from. */
export interface CoreParts {
  readonly options: BootOptions;
  readonly activity: Activity;
  readonly journal: Journal;
  readonly account: { readonly region: string; readonly accountId: string };
  /** Root of queue URLs until another is known. */
  readonly awsUrl: string;
}

/** A core whose engines are empty. */
export const buildCore = ({ options, activity, journal, account, awsUrl }: CoreParts): Core => {
  const { clock, seed, log = () => undefined } = options;
  let ready: { readonly host: LambdaHost; readonly roles: Roles } | undefined;
  let knownAwsUrl = awsUrl;
  const readyOrThrow = (): NonNullable<typeof ready> => {
    if (ready === undefined) throw new Error('a function was called before the cloud was ready');
    return ready;
  };
  const guard = createGuard({ scope: account, log });
  const engines = createEngines({
    setting: { clock, journal, chance: seededChance(seed), ...account },
    activity,
    throttle: options.throttle ?? true,
    ...(options.stateDir === undefined ? {} : { stateDir: options.stateDir }),
    awsUrl: () => knownAwsUrl,
    host: () => readyOrThrow().host,
    runTask: (...call) => taskRunner({ ...readyOrThrow(), guard, account, call: dispatcher.call })(...call),
  });
  const faults = options.faults && createFaults({ rules: options.faults, seed: seed + 1, clock, activity });
  const dispatcher = createDispatcher({
    engines: engines.services,
    journal,
    activity,
    guard,
    ...(faults ? { faults } : {}),
    isMetered: options.isMetered ?? false,
    onInternalError: (error, { service, operation }) =>
      log(
        `${service}.${operation} broke: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      ),
  });
  return {
    engines,
    dispatcher,
    guard,
    faultCount: () => faults?.injected().length ?? 0,
    useAwsUrl: (url) => {
      knownAwsUrl = url;
    },
    useHost: (host, roles) => {
      ready = { host, roles };
    },
  };
};
