/** Puts a cloud together, from its state to its front; every step says how it is undone. */
import { rm } from 'node:fs/promises';

import type { BootOptions, Cloud, CloudAccess, CloudCounts } from '#local/boot/cloud.ts';
import { openCloudState } from '#local/boot/cloud-state.ts';
import type { CloudState } from '#local/boot/cloud-state.ts';
import { buildCore } from '#local/boot/core.ts';
import type { Core } from '#local/boot/core.ts';
import { documentFetch } from '#local/boot/document-fetch.ts';
import type { CloudEngines } from '#local/boot/engines.ts';
import { localIssuer } from '#local/boot/issuer.ts';
import type { Issuer } from '#local/boot/issuer.ts';
import { keepAssembly } from '#local/boot/keep-assembly.ts';
import { buildMappings } from '#local/boot/mappings.ts';
import { openFront } from '#local/boot/open-front.ts';
import { provision } from '#local/boot/provision.ts';
import { readStackSettings } from '#local/boot/stack-settings.ts';
import type { StackSettings } from '#local/boot/stack-settings.ts';
import { templateStamp } from '#local/boot/template-stamp.ts';
import { timeTravel } from '#local/boot/time.ts';
import { actingAs } from '#local/iam/principal.ts';
import { readRoles } from '#local/iam/roles.ts';
import type { Roles } from '#local/iam/roles.ts';
import { activityCounter } from '#local/kernel/activity.ts';
import type { Activity } from '#local/kernel/activity.ts';
import { directHost, parkingInvocations, sleepOn } from '#local/lambda/direct-host.ts';
import type { FunctionSetting, LambdaHost } from '#local/lambda/lambda-host.ts';
import { ownFunctionSetting } from '#local/lambda/own-function.ts';
import { workerHost } from '#local/lambda/worker-host.ts';
import type { Mapping } from '#local/mapping/mapping.ts';
import { readTraceHeader, withLineage } from '#local/mapping/lineage.ts';
import { startScheduler } from '#local/schedule/scheduler.ts';
import { servePort } from '#local/sdk/port-transport.ts';
import { createSdkHost } from '#local/sdk/sdk-host.ts';
import { readAssembly } from '#local/template/assembly.ts';
import { resolveStacks } from '#local/template/resolve-stack.ts';
import type { ResolvedStack } from '#local/template/resolve-stack.ts';
import { createWire } from '#local/wire/wire.ts';
import type { Wire } from '#local/wire/wire.ts';

const REGION = 'us-east-1';
const ACCOUNT_ID = '000000000000';
/** Root of queue URLs when no port is open; nobody connects to it. */
const CLOSED_AWS_URL = 'http://127.0.0.1:4566';
const TTL_SWEEP_MS = 60_000;
/** Turns of the event loop that work in flight gets to end at closing. */
const CLOSING_TURNS = 20_000;

/** Collects how everything that was opened is closed again, last first. */
export interface Undo {
  readonly onClose: (close: () => Promise<void>) => void;
  readonly closeAll: () => Promise<void>;
}

/** Builds the cloud; whatever was opened when it throws is undone by the caller. */
export const buildCloud = async (options: BootOptions, undo: Undo): Promise<Cloud> => {
  const { clock, log = () => undefined } = options;
  const activity = activityCounter();
  const state = openCloudState(options.stateDir, log);
  undo.onClose(state.close);
  const core = buildCore({
    options,
    activity: parkingInvocations(activity),
    journal: state.journal,
    account: { region: REGION, accountId: ACCOUNT_ID },
    awsUrl: CLOSED_AWS_URL,
  });
  const hasState = state.restore(core.engines);
  const documents = new Map<string, string>();
  const wire = createWire({
    dispatcher: core.dispatcher,
    accountId: ACCOUNT_ID,
    documents,
  });
  const awsUrl = await listenAws(wire, options, undo);
  if (awsUrl !== undefined) core.useAwsUrl(awsUrl);

  const account = { region: REGION, accountId: ACCOUNT_ID, awsUrl: awsUrl ?? CLOSED_AWS_URL };
  const stacks = resolveStacks(readAssembly(await assemblyOf(options, undo)), account);
  const roles = readRoles(stacks.flatMap((stack) => stack.resources));
  const settings = readStackSettings(stacks, roles);
  await applyStacks(core.engines, state, stacks);

  const issuer = issuerOf(options, settings);
  for (const [path, body] of issuer?.documents ?? []) documents.set(path, body);
  const plugin = pluginOf(options, { wire, activity, issuer });
  const host = hostOf(options, { activity, settings, plugin, wire, issuer });
  undo.onClose(host.close);
  core.useHost(host, roles);
  const { journal } = state;
  const mappings = buildMappings({ ...core, settings, host, clock, activity, account, journal, log });
  const front = await openFront({
    ...{ settings, host, clock, activity, log },
    apiPort: options.apiPort,
    accountId: ACCOUNT_ID,
  });
  undo.onClose(front.close);
  startWork({ options, undo, core, settings, host, mappings, activity, firesAtStart: hasState });
  state.keepShort(core.engines, clock);

  return {
    ...timeTravel(clock, activity),
    ...{ awsUrl, clock, plugin, host, mappings },
    apiUrl: front.url,
    request: front.request,
    call: (...request) => actingAs(undefined, () => core.dispatcher.call(...request)),
    names: namesOf(stacks),
    mintToken: (claims) => {
      if (issuer === undefined) throw new Error('the template has no user pool, so nobody issues tokens');
      return issuer.mintToken(claims);
    },
    counts: () => countsOf(core, host, mappings),
    access: () => accessOf(core, roles),
    resetCounts: core.dispatcher.reset,
    snapshot: () => state.snapshot(core.engines),
    close: undo.closeAll,
  };
};

/** Where the assembly is read from: its copy when one is kept, which only whoever holds the state may replace. */
const assemblyOf = async ({ assemblyDir, copyDir }: BootOptions, undo: Undo): Promise<string> => {
  if (copyDir === undefined) return assemblyDir;
  undo.onClose(() => rm(copyDir, { recursive: true, force: true }));
  await keepAssembly(assemblyDir, copyDir);
  return copyDir;
};

const listenAws = async (wire: Wire, { awsPort }: BootOptions, undo: Undo): Promise<string | undefined> => {
  if (awsPort === undefined) return undefined;
  const { port, close } = await wire.listen(awsPort);
  undo.onClose(close);
  return `http://127.0.0.1:${port}`;
};

/** Brings the engines to what the template says, unless that would cost data. */
const applyStacks = async (
  engines: CloudEngines,
  state: CloudState,
  stacks: readonly ResolvedStack[],
): Promise<void> => {
  const stamp = templateStamp(stacks);
  state.checkTemplate(stamp);
  await provision(engines.services, stacks);
  await state.journal.durable();
  state.adoptTemplate(stamp);
};

interface WorkParts {
  readonly options: BootOptions;
  readonly undo: Undo;
  readonly core: Core;
  readonly settings: StackSettings;
  readonly host: LambdaHost;
  readonly mappings: ReadonlyMap<string, Mapping>;
  readonly activity: Activity;
  readonly firesAtStart: boolean;
}

/** Sets everything going that acts by itself; closing stops it and waits for what is in flight. */
const startWork = (parts: WorkParts): void => {
  const { options, core, settings, host, mappings, activity, firesAtStart } = parts;
  const { clock, log = () => undefined } = options;
  core.engines.resume();
  for (const mapping of mappings.values()) mapping.start();
  const { schedules } = settings;
  const scheduler = startScheduler({ schedules, clock, log, invoke: host.invoke, firesAtStart });
  const stopSweeping = keepSweeping(core.engines, options);
  parts.undo.onClose(async () => {
    scheduler.stop();
    stopSweeping();
    for (const mapping of mappings.values()) mapping.stop();
    for (let turn = 0; turn < CLOSING_TURNS && activity.inFlightCount() > 0; turn++)
      await new Promise<void>((resolve) => setImmediate(resolve));
  });
};

const countsOf = (core: Core, host: LambdaHost, mappings: ReadonlyMap<string, Mapping>): CloudCounts => ({
  requests: core.dispatcher.counts(),
  capacity: core.dispatcher.capacity(),
  functions: host.counts(),
  mappings: Object.fromEntries([...mappings].map(([id, mapping]) => [id, mapping.counts()])),
  faults: core.faultCount(),
});

const accessOf = ({ guard }: Core, roles: Roles): CloudAccess => ({
  grants: Object.fromEntries([...roles.policies()].map(([role, policy]) => [role, policy.grants()])),
  denials: guard.denials(),
});

interface PluginParts {
  readonly wire: Wire;
  readonly activity: Activity;
  readonly issuer: Issuer | undefined;
}

const pluginOf = (options: BootOptions, { wire, activity, issuer }: PluginParts): Cloud['plugin'] => ({
  ...createSdkHost({ handle: wire.handle, fidelity: options.fidelity ?? 'bytes', region: REGION }),
  nowMs: options.clock.nowMs,
  write: options.log ?? (() => undefined),
  sleep: sleepOn({ clock: options.clock, activity }),
  fetch: documentFetch(documentsByUrl(issuer)),
});

const issuerOf = ({ clock, stateDir }: BootOptions, { userPool }: StackSettings): Issuer | undefined =>
  userPool &&
  localIssuer({
    userPoolId: userPool.id,
    audience: userPool.audience,
    region: REGION,
    clock,
    ...(stateDir === undefined ? {} : { stateDir }),
  });

/** The issuer's documents where verifiers ask for them: below its own URL. */
const documentsByUrl = (issuer: Issuer | undefined): ReadonlyMap<string, string> =>
  new Map([...(issuer?.documents ?? [])].map(([path, body]) => [new URL(path, issuer?.url).href, body]));

interface HostParts {
  readonly activity: Activity;
  readonly settings: StackSettings;
  readonly plugin: Cloud['plugin'];
  readonly wire: Wire;
  readonly issuer: Issuer | undefined;
}

const hostOf = (
  options: BootOptions,
  { activity, settings, plugin, wire, issuer }: HostParts,
): LambdaHost => {
  const functions = [...settings.functions.values(), ...ownSettings(options, settings)];
  if (options.host === 'direct')
    return directHost({
      functions,
      clock: options.clock,
      activity,
      plugin,
      ...(options.importModule === undefined ? {} : { importModule: options.importModule }),
    });
  return workerHost({
    functions,
    activity,
    documents: documentsByUrl(issuer),
    log: options.log ?? (() => undefined),
    attachPort: (port, { principal }) =>
      servePort(port, (request) =>
        actingAs(principal, () =>
          withLineage(readTraceHeader(request.headers['x-amzn-trace-id']), () => wire.handle(request)),
        ),
      ),
  });
};

/** The functions somebody brings along; one of a name the template has is refused. */
const ownSettings = ({ ownFunctions = [] }: BootOptions, { functions }: StackSettings): FunctionSetting[] =>
  ownFunctions.map((own) => {
    if (functions.has(own.name))
      throw new Error(`${own.name} is a function of the template; use another name`);
    return ownFunctionSetting(own, { region: REGION, accountId: ACCOUNT_ID });
  });

/** DynamoDB deletes what has expired within the minute, as a service would, only faster. */
const keepSweeping = (engines: CloudEngines, { clock }: BootOptions): (() => void) => {
  let timer = clock.at(clock.nowMs() + TTL_SWEEP_MS, function sweep() {
    engines.sweepTtl();
    timer = clock.at(clock.nowMs() + TTL_SWEEP_MS, sweep);
  });
  return () => clock.cancel(timer);
};

const namesOf = (stacks: readonly ResolvedStack[]): Cloud['names'] =>
  Object.fromEntries(
    stacks.map(({ stackName, resources }) => [
      stackName,
      Object.fromEntries(resources.map(({ logicalId, physicalName }) => [logicalId, physicalName])),
    ]),
  );
