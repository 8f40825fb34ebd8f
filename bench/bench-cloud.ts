/** The stacks of stage `dev` on the local cloud as a measurement wants them, and a user of their HTTP API. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { bootCloud } from '#local/boot/cloud.ts';
import type { BootOptions, Cloud } from '#local/boot/cloud.ts';
import { wallClock } from '#local/kernel/clock.ts';
import { bundle } from '#tools/build/bundle.ts';
import { localContext } from '#tools/build/local-context.ts';
import { synth } from '#tools/build/synth.ts';

/** A cloud whose state goes with it. */
export type BenchCloud = Pick<Cloud, 'counts' | 'resetCounts' | 'settle' | 'mappings' | 'close'> & {
  readonly cloud: Cloud;
  readonly ask: Ask;
};

/** A JSON request as an admin of every workspace; throws on a refusal. */
export type Ask = (method: string, path: string, body?: unknown, bearer?: string) => Promise<unknown>;

/** Boots the bundles of the repository, by default on the wall clock, in this thread, with its state on disk. */
export const bootBenchCloud = async (
  root: string,
  options: Partial<BootOptions> = {},
): Promise<BenchCloud> => {
  await bundle({ root });
  const { assemblyDir } = await synth({ root, context: localContext });
  const stateDir = mkdtempSync(path.join(os.tmpdir(), 'sluice-bench-'));
  const cloud = await bootCloud({
    ...{ assemblyDir, copyDir: path.join(stateDir, 'assembly') },
    ...{ stateDir, clock: wallClock(), seed: 1, host: 'direct' },
    ...options,
  });
  return {
    ...cloud,
    cloud,
    ask: askOf(cloud),
    close: async () => {
      await cloud.close();
      rmSync(stateDir, { recursive: true });
    },
  };
};

const TOKEN_S = 3_600;

const askOf = (cloud: Cloud): Ask => {
  const token = cloud.mintToken({
    ...{ sub: 'bench', tenant_id: 'local', workspace_id: '*', role: 'admin' },
    exp: Math.floor(cloud.clock.nowMs() / 1000) + TOKEN_S,
  });
  return async (method, place, body, bearer = token) => {
    const { status, text } = await (cloud.apiUrl === undefined ? askInProcess : askOverHttp)(cloud, {
      ...{ method, place, bearer, body },
    });
    if (status >= 300) throw new Error(`${method} ${place}: ${status} ${text}`);
    return JSON.parse(text) as unknown;
  };
};

interface Asked {
  readonly method: string;
  readonly place: string;
  readonly bearer: string;
  readonly body: unknown;
}

interface Answered {
  readonly status: number;
  readonly text: string;
}

const askInProcess = (cloud: Cloud, { method, place, bearer, body }: Asked): Promise<Answered> =>
  cloud.request(method, place, {
    headers: { authorization: `Bearer ${bearer}` },
    ...(body === undefined ? {} : { body }),
  });

const askOverHttp = async (cloud: Cloud, { method, place, bearer, body }: Asked): Promise<Answered> => {
  const response = await fetch(`${cloud.apiUrl ?? ''}${place}`, {
    method,
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text() };
};

/** Resolves when every commit has been compacted and nothing is in flight. */
export const drained = async ({ mappings, settle }: BenchCloud): Promise<void> => {
  do {
    await settle();
  } while (![...mappings.values()].every((mapping) => mapping.idle()));
};
