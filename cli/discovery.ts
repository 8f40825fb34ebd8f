/**
 * Finds the Sluice to talk to: `SLUICE_URL`, `SLUICE_TOKEN` and `SLUICE_WORKSPACE` first, then what a local
 * `sluice up` left in its state directory.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import * as z from 'zod';
import { CliError, exitCodes } from '#cli/cli-error.ts';

/** File in the state directory that says where the running stack listens. */
export const ENDPOINT_FILE = 'endpoint.json';
/** File in the state directory with the admin token, mode 0600. */
export const TOKEN_FILE = 'token';
/** The state directory when none is given. */
export const DEFAULT_STATE_DIR = '.sluice';

const PhysicalNames = z.object({
  tables: z.array(z.string()),
  streams: z.array(z.string()),
  queues: z.array(z.string()),
  stateMachines: z.array(z.string()),
});
/** What AWS clients call the resources of a running stack. */
export type PhysicalNames = z.infer<typeof PhysicalNames>;

const Endpoint = z.object({
  url: z.url(),
  awsUrl: z.url(),
  stateDir: z.string(),
  workspace: z.string(),
  pid: z.int(),
  /** Absent when an older version wrote the file. */
  names: PhysicalNames.optional(),
});
export type Endpoint = z.infer<typeof Endpoint>;

/** Where to send requests and with which credential. */
export interface Target {
  readonly url: string;
  readonly token: string;
  readonly workspace: string;
  /** Known when a local stack was found. */
  readonly endpoint?: Endpoint;
}

/** What the running local stack wrote about itself; undefined when there is none. */
export const readEndpoint = (stateDir: string): Endpoint | undefined => {
  try {
    return Endpoint.parse(JSON.parse(readFileSync(path.join(stateDir, ENDPOINT_FILE), 'utf8')));
  } catch {
    // No file, or one that another version wrote: either way nothing usable runs there.
    return undefined;
  }
};

const readToken = (stateDir: string): string | undefined => {
  try {
    return readFileSync(path.join(stateDir, TOKEN_FILE), 'utf8').trim();
  } catch {
    return undefined;
  }
};

/** The target of a command; refuses with what to do when nothing can be found. */
export const discover = (
  stateDir: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Target => {
  const endpoint = readEndpoint(stateDir);
  const url = environment['SLUICE_URL'] ?? endpoint?.url;
  const token = environment['SLUICE_TOKEN'] ?? readToken(stateDir);
  if (url === undefined)
    throw new CliError(
      'not_found',
      `no Sluice runs from ${stateDir}; start one with "sluice up" or set SLUICE_URL`,
      {
        exitCode: exitCodes.portOrState,
      },
    );
  if (token === undefined)
    throw new CliError('missing_token', `no token in ${stateDir}; set SLUICE_TOKEN`, {
      exitCode: exitCodes.portOrState,
    });
  return {
    url: url.replace(/\/$/, ''),
    token,
    workspace: environment['SLUICE_WORKSPACE'] ?? endpoint?.workspace ?? 'main',
    ...(endpoint ? { endpoint } : {}),
  };
};
