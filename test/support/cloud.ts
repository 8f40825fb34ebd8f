/**
 * The stacks of Sluice on the local cloud, booted for a test: in process, in virtual time, with the sources of the
 * functions in place of bundles, from an assembly that is synthesised once and kept until an input changes.
 */
import { expect, onTestFinished } from 'vitest';

import { functionNames } from '#contracts/naming.ts';
import type { Role } from '#contracts/roles.ts';
import { bootCloud } from '#local/boot/cloud.ts';
import type { BootOptions, Cloud } from '#local/boot/cloud.ts';
import { virtualClock } from '#local/kernel/clock.ts';
import type { ImportModule } from '#local/lambda/direct-host.ts';
import { undocumented } from '#test/support/documented.ts';
import { keptAssembly } from '#test/support/kept-assembly.ts';
import { localContext } from '#tools/build/local-context.ts';

/** The instant at which every test cloud begins. */
export const START_MS = Date.parse('2026-11-20T00:00:00Z');

/** A cloud under test with everything it has logged. */
export interface TestCloud extends Cloud {
  /** Lines of functions and of the cloud itself, in order. */
  readonly logged: readonly string[];
  /** Lines in which a function or the cloud reports a fault. */
  readonly faultLines: () => readonly string[];
  /** Operations of AWS fail now and then. */
  readonly isFaulty: boolean;
}

/** Folder of the synthesised app as the local cloud has it. */
export const testAssembly = (): Promise<string> => keptAssembly(localContext);

/** Loads `functions/<name>/handler.ts` for the function `sluice-dev-<name>`. */
export const sourceModules: ImportModule = async ({ name }) => {
  const logical = functionNames.find((functionName) => name === `sluice-dev-${functionName}`);
  if (logical === undefined) throw new Error(`${name} is no function of the stacks`);
  return (await import(`../../functions/${logical}/handler.ts`)) as Readonly<Record<string, unknown>>;
};

/** What a test knows of its cloud. */
export interface Expectations {
  /** Calls that roles do not allow are what the test is about; otherwise one of them fails it. */
  readonly areDenialsExpected?: boolean;
}

/** Boots a cloud that is closed when the test ends; by default in memory, without Kinesis limits, seed 1. */
export const bootTestCloud = async (
  options: Partial<BootOptions> = {},
  { areDenialsExpected = false }: Expectations = {},
): Promise<TestCloud> => {
  const logged: string[] = [];
  const cloud = await bootCloud({
    assemblyDir: options.assemblyDir ?? (await testAssembly()),
    clock: virtualClock(START_MS),
    seed: 1,
    host: 'direct',
    throttle: false,
    importModule: sourceModules,
    log: (line) => logged.push(line),
    ...options,
  });
  onTestFinished(async () => {
    await cloud.close();
    if (!areDenialsExpected) expect(cloud.access().denials).toEqual([]);
  });
  const isFaulty = (options.faults ?? []).length > 0;
  return { ...cloud, logged, isFaulty, faultLines: () => logged.filter(isFault) };
};

/** Functions log JSON with a level; what the cloud says itself is no JSON and always a fault. */
const isFault = (line: string): boolean => !line.startsWith('{') || /"level":"(error|ERROR)"/.test(line);

/** An answer of the HTTP API. */
export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, readonly string[]>>;
}

/** What goes with a request besides its method and path. */
export interface Asked {
  /** Text as it is, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Replaces the client's own token; null sends none. */
  readonly bearer?: string | null;
}

/** Asks the HTTP API as one user. */
export interface Api {
  readonly cloud: TestCloud;
  /** The user's token. */
  readonly token: string;
  /** Any answer, refusals included. */
  readonly ask: (method: string, path: string, asked?: Asked) => Promise<Answer>;
  /** The body of a successful answer; throws on a refusal. Where operations fail now and then, a read insists on its answer. */
  readonly must: (method: string, path: string, body?: unknown, asked?: Asked) => Promise<Answer['body']>;
}

const TRIES_MAX = 40;

/** Asks until there is an answer that is no server's fault, as every client of an API must. */
export const insistOn = async (ask: () => Promise<Answer>): Promise<Answer> => {
  for (let tries = 1; ; tries++) {
    const answer = await ask();
    if (answer.status < 500) return answer;
    if (tries === TRIES_MAX) throw new Error(`still ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
};

/** Who asks; an admin of every workspace of tenant `local` unless told otherwise. */
export interface User {
  readonly role?: Role;
  readonly workspaceId?: string;
  readonly tenantId?: string;
}

/** A token of the local issuer. */
export const tokenOf = (
  cloud: Cloud,
  user: User = {},
  claims: Readonly<Record<string, unknown>> = {},
): string =>
  cloud.mintToken({
    sub: 'tester',
    tenant_id: user.tenantId ?? 'local',
    workspace_id: user.workspaceId ?? '*',
    role: user.role ?? 'admin',
    ...claims,
  });

/** A client of the HTTP API with a token of the local issuer. */
export const apiOf = (cloud: TestCloud, user: User = {}): Api => {
  const ask: Api['ask'] = async (method, path, { body, headers = {}, bearer } = {}) => {
    // Minted for each request: virtual time passes faster than a token lives.
    const token = bearer === undefined ? tokenOf(cloud, user) : bearer;
    const answered = await cloud.request(method, path, {
      headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const isText = answered.headers['content-type']?.[0]?.startsWith('text/') === true;
    const parsed = isText ? { text: answered.text } : answered.text === '' ? {} : answered.json();
    const answer = { status: answered.status, body: parsed as Answer['body'], headers: answered.headers };
    expect(undocumented(method, path, answer)).toBeUndefined();
    return answer;
  };
  return {
    cloud,
    token: tokenOf(cloud, user),
    ask,
    must: async (method, path, body, asked = {}) => {
      const once = () => ask(method, path, { ...asked, ...(body === undefined ? {} : { body }) });
      const answered = await (cloud.isFaulty && method === 'GET' ? insistOn(once) : once());
      if (answered.status >= 300)
        throw new Error(`${method} ${path}: ${answered.status} ${JSON.stringify(answered.body)}`);
      return answered.body;
    },
  };
};

/** The path of something in workspace `main`. */
export const inMain = (path: string): string => `/v1/workspaces/main${path}`;

/** Asks again after an error, as a user does: twenty times at most. */
export const insist = async (api: Api, act: () => Promise<unknown>): Promise<void> => {
  for (let tries = 1; ; tries++) {
    try {
      await act();
      return;
    } catch (error) {
      if (tries === 20) throw error;
      await api.cloud.settle();
    }
  }
};
