/** Puts a cloud together, from its state to its front; every step says how it is undone. */
import type { BootOptions, Cloud } from '#local/boot/cloud.ts';
import { openCloudState } from '#local/boot/cloud-state.ts';
import { documentFetch } from '#local/boot/document-fetch.ts';
import { createEngines } from '#local/boot/engines.ts';
import type { CloudEngines } from '#local/boot/engines.ts';
import { localIssuer } from '#local/boot/issuer.ts';
import type { Issuer } from '#local/boot/issuer.ts';
import { buildMappings } from '#local/boot/mappings.ts';
import { openFront } from '#local/boot/open-front.ts';
import { provision } from '#local/boot/provision.ts';
import { taskRunner } from '#local/boot/run-task.ts';
import { readStackSettings } from '#local/boot/stack-settings.ts';
import type { StackSettings } from '#local/boot/stack-settings.ts';
import { templateStamp } from '#local/boot/template-stamp.ts';
import { timeTravel } from '#local/boot/time.ts';
import { createDispatcher } from '#local/dispatch/dispatcher.ts';
import type { Dispatcher } from '#local/dispatch/dispatcher.ts';
import { createFaults, seededChance } from '#local/dispatch/faults.ts';
import { activityCounter } from '#local/kernel/activity.ts';
import type { Activity } from '#local/kernel/activity.ts';
import { directHost, sleepOn } from '#local/lambda/direct-host.ts';
import type { LambdaHost } from '#local/lambda/lambda-host.ts';
import { workerHost } from '#local/lambda/worker-host.ts';
import { readTraceHeader, withLineage } from '#local/mapping/lineage.ts';
import { startScheduler } from '#local/schedule/scheduler.ts';
import { servePort } from '#local/sdk/port-transport.ts';
import { createSdkHost } from '#local/sdk/sdk-host.ts';
import { readAssembly } from '#local/template/assembly.ts';
import { resolveStacks } from '#local/template/resolve-stack.ts';
import { createWire } from '#local/wire/wire.ts';
import type { Wire } from '#local/wire/wire.ts';

const REGION = 'us-east-1';
const ACCOUNT_ID = '000000000000';
/** Root of queue URLs when no port is open; nobody connects to it. */
const CLOSED_AWS_URL = 'http://127.0.0.1:4566';
const TTL_SWEEP_MS = 60_000;
/** Turns of the event loop that work in flight gets to end at closing. */
const CLOSING_TURNS = 20_000;

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
  const core = buildCore(options, { activity, journal: state.journal });
  const hasState = state.restore(core.engines);
  const documents = new Map<string, string>();
  const wire = wireOf(core.dispatcher, documents);
  const listening = options.awsPort === undefined ? undefined : await wire.listen(options.awsPort);
  if (listening) undo.onClose(listening.close);
  const awsUrl = listening && `http://127.0.0.1:${listening.port}`;

  const account = { region: REGION, accountId: ACCOUNT_ID, awsUrl: awsUrl ?? CLOSED_AWS_URL };
  const stacks = resolveStacks(readAssembly(options.assemblyDir), account);
  const settings = readStackSettings(stacks);
  const stamp = templateStamp(stacks);
  state.checkTemplate(stamp);
  await provision(core.engines.services, stacks);
  await state.journal.durable();
  state.adoptTemplate(stamp);

  const issuer = issuerOf(options, settings);
  for (const [path, body] of issuer?.documents ?? []) documents.set(path, body);
  const plugin = {
    ...createSdkHost({ handle: wire.handle, fidelity: options.fidelity ?? 'bytes', region: REGION }),
    nowMs: clock.nowMs,
    sleep: sleepOn({ clock, activity }),
    fetch: documentFetch(documentsByUrl(issuer)),
  };
  const host = hostOf(options, { activity, settings, plugin, wire, issuer });
  undo.onClose(host.close);
  core.useHost(host);
  const mappings = buildMappings({
    ...core,
    settings,
    host,
    clock,
    activity,
    account,
    journal: state.journal,
    log,
  });
  const front = await openFront({
    settings,
    host,
    clock,
    activity,
    log,
    apiPort: options.apiPort,
    accountId: ACCOUNT_ID,
  });
  undo.onClose(front.close);

  core.engines.resume();
  for (const mapping of mappings.values()) mapping.start();
  const scheduler = startScheduler({
    schedules: settings.schedules,
    clock,
    log,
    invoke: host.invoke,
    firesAtStart: hasState,
  });
  const stopTtl = keepSweeping(core.engines, options);
  state.keepShort(core.engines, clock);
  undo.onClose(async () => {
    scheduler.stop();
    stopTtl();
    for (const mapping of mappings.values()) mapping.stop();
    for (let turn = 0; turn < CLOSING_TURNS && activity.inFlightCount() > 0; turn++)
      await new Promise<void>((resolve) => setImmediate(resolve));
  });

  return {
    ...timeTravel(clock, activity),
    apiUrl: front.url,
    awsUrl,
    clock,
    plugin,
    host,
    mappings,
    request: front.request,
    call: core.dispatcher.call,
    names: namesOf(stacks),
    mintToken: (claims) => {
      if (issuer === undefined) throw new Error('the template has no user pool, so nobody issues tokens');
      return issuer.mintToken(claims);
    },
    counts: () => ({
      requests: core.dispatcher.counts(),
      capacity: core.dispatcher.capacity(),
      functions: host.counts(),
      mappings: Object.fromEntries([...mappings].map(([id, mapping]) => [id, mapping.counts()])),
      faults: core.faultCount(),
    }),
    resetCounts: core.dispatcher.reset,
    snapshot: () => state.snapshot(core.engines),
    close: undo.closeAll,
  };
};

interface Core {
  readonly engines: CloudEngines;
  readonly dispatcher: Dispatcher;
  readonly faultCount: () => number;
  /** Tells the state machines who runs their functions. */
  readonly useHost: (host: LambdaHost) => void;
}

const buildCore = (
  options: BootOptions,
  {
    activity,
    journal,
  }: { readonly activity: Activity; readonly journal: Parameters<typeof createDispatcher>[0]['journal'] },
): Core => {
  const { clock, seed, log = () => undefined } = options;
  let host: LambdaHost | undefined;
  const hostOrThrow = (): LambdaHost => {
    if (host === undefined) throw new Error('a state machine called a function before the cloud was ready');
    return host;
  };
  const engines = createEngines({
    setting: { clock, journal, chance: seededChance(seed), region: REGION, accountId: ACCOUNT_ID },
    activity,
    throttle: options.throttle ?? true,
    ...(options.stateDir === undefined ? {} : { stateDir: options.stateDir }),
    runTask: (...call) => taskRunner(hostOrThrow, dispatcher.call)(...call),
  });
  const faults = options.faults && createFaults({ rules: options.faults, seed: seed + 1, clock, activity });
  const dispatcher = createDispatcher({
    engines: engines.services,
    journal,
    activity,
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
    faultCount: () => faults?.injected().length ?? 0,
    useHost: (ready) => {
      host = ready;
    },
  };
};

/** The wire protocols, and the issuer's public documents beside them. */
const wireOf = (dispatcher: Dispatcher, documents: ReadonlyMap<string, string>): Wire =>
  createWire({
    dispatcher,
    accountId: ACCOUNT_ID,
    documents,
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
  const functions = [...settings.functions.values()];
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
    attachPort: (port) =>
      servePort(port, (request) =>
        withLineage(readTraceHeader(request.headers['x-amzn-trace-id']), () => wire.handle(request)),
      ),
  });
};

/** DynamoDB deletes what has expired within the minute, as a service would, only faster. */
const keepSweeping = (engines: CloudEngines, { clock }: BootOptions): (() => void) => {
  let timer = clock.at(clock.nowMs() + TTL_SWEEP_MS, function sweep() {
    engines.sweepTtl();
    timer = clock.at(clock.nowMs() + TTL_SWEEP_MS, sweep);
  });
  return () => clock.cancel(timer);
};

const namesOf = (stacks: ReturnType<typeof resolveStacks>): Cloud['names'] =>
  Object.fromEntries(
    stacks.map(({ stackName, resources }) => [
      stackName,
      Object.fromEntries(resources.map(({ logicalId, physicalName }) => [logicalId, physicalName])),
    ]),
  );
