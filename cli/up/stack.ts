/** Builds what is out of date and boots the local cloud from the synthesised app. */
import { rmSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { CliError, exitCodes } from '#cli/cli-error.ts';
import { readEndpoint } from '#cli/discovery.ts';
import { ephemeralFolder } from '#cli/up/ephemeral-folder.ts';
import { physicalNames } from '#cli/up/physical-names.ts';
import { removeEndpoint, writeStateFiles } from '#cli/up/state-files.ts';
import { bootCloud } from '#local/boot/cloud.ts';
import type { Cloud } from '#local/boot/cloud.ts';
import { isRunning } from '#local/journal/process-state.ts';
import type { OwnFunction } from '#local/lambda/own-function.ts';
import { wallClock } from '#local/kernel/clock.ts';
import { bundle } from '#tools/build/bundle.ts';
import { localContext } from '#tools/build/local-context.ts';
import { synth } from '#tools/build/synth.ts';

export interface StackSetting {
  readonly root: string;
  readonly stateDir: string;
  readonly isEphemeral: boolean;
  /** 0 = any free port. */
  readonly port: number;
  readonly awsPort: number;
  /** Whether a shard of Kinesis takes no more than on AWS, 1,000 records and 1 MiB a second. */
  readonly hasShardLimits: boolean;
  /** Functions of one's own that execution locations may name; default none. */
  readonly taskFunctions?: readonly OwnFunction[];
  readonly log: (text: string) => void;
}

export interface Stack {
  readonly cloud: Cloud;
  readonly url: string;
  readonly awsUrl: string;
  readonly token: string;
  readonly tokenFile: string;
  readonly stateDir: string;
  readonly close: () => Promise<void>;
}

const TOKEN_DAYS = 30;

/** Brings bundles and assembly up to date; answers where the assembly lies. */
const assemble = async (root: string): Promise<string> => {
  await bundle({ root });
  return (await synth({ root, context: localContext })).assemblyDir;
};

/**
 * Starts the stack of what `prepare` made of the root; refuses with exit code 3 when a port is taken or the state
 * cannot be used.
 */
export const startStack = async (
  setting: StackSetting,
  prepare: (root: string) => Promise<string> = assemble,
): Promise<Stack> => {
  const { root, log } = setting;
  refuseSecond(setting);
  const assemblyDir = await prepare(root);
  const stateDir = setting.isEphemeral ? ephemeralFolder() : path.resolve(setting.stateDir);
  let isClosing = false;
  // Functions cut off by the shutdown would be reported as faults.
  const quiet = (text: string): void => {
    if (!isClosing) log(text);
  };
  const cloud = await boot({ ...setting, log: quiet }, assemblyDir, stateDir);
  const { apiUrl, awsUrl } = cloud;
  if (apiUrl === undefined || awsUrl === undefined) throw new Error('the local cloud has no ports');
  const token = mintAdminToken(cloud);
  const names = physicalNames(cloud);
  const endpoint = { url: apiUrl, awsUrl, stateDir, workspace: 'main', pid: process.pid, names };
  const tokenFile = writeStateFiles(stateDir, endpoint, token);
  log(`state in ${stateDir}`);
  return {
    cloud,
    url: apiUrl,
    awsUrl,
    token,
    tokenFile,
    stateDir,
    close: async () => {
      isClosing = true;
      removeEndpoint(stateDir);
      await cloud.close();
      if (setting.isEphemeral) rmSync(stateDir, { recursive: true, force: true });
    },
  };
};

const boot = async (setting: StackSetting, assemblyDir: string, stateDir: string): Promise<Cloud> => {
  try {
    return await bootCloud({
      assemblyDir,
      copyDir: path.join(stateDir, 'assembly'),
      ...(setting.isEphemeral ? {} : { stateDir }),
      clock: wallClock(),
      seed: process.pid,
      host: 'worker',
      apiPort: setting.port,
      awsPort: setting.awsPort,
      throttle: setting.hasShardLimits,
      ownFunctions: setting.taskFunctions ?? [],
      log: setting.log,
    });
  } catch (error) {
    if (setting.isEphemeral) rmSync(stateDir, { recursive: true, force: true });
    throw asCliError(error);
  }
};

const asCliError = (error: unknown): unknown => {
  if (!(error instanceof Error)) return error;
  const { code, message, port } = error as Error & { code?: string; port?: number };
  if (code === 'EADDRINUSE')
    return new CliError(
      'port_in_use',
      `port ${port ?? ''} is in use; choose another with --port or --aws-port`,
      {
        exitCode: exitCodes.portOrState,
      },
    );
  if (code?.startsWith('state_')) return new CliError(code, message, { exitCode: exitCodes.portOrState });
  return error;
};

/** The lock of the state directory would refuse too; this says it before anything is built. */
const refuseSecond = ({ stateDir, isEphemeral }: StackSetting): void => {
  const running = isEphemeral ? undefined : readEndpoint(stateDir);
  if (!running || running.pid === process.pid || !isRunning(running.pid)) return;
  throw new CliError(
    'state_locked',
    `process ${running.pid} runs on ${stateDir}; stop it, or choose another directory with --state`,
    { exitCode: exitCodes.portOrState },
  );
};

const mintAdminToken = (cloud: Cloud): string =>
  cloud.mintToken({
    sub: 'local-admin',
    tenant_id: 'local',
    workspace_id: '*',
    role: 'admin',
    exp: Math.floor(Date.now() / 1000) + TOKEN_DAYS * 86_400,
  });
