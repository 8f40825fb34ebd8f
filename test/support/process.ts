/** Real processes of the command line for end-to-end tests, on any free ports and in directories of their own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { httpClient } from '#cli/client.ts';
import type { Client } from '#cli/client.ts';
import { startSluice } from '#tools/torture/sluice-process.ts';
import type { ReadyLine, SluiceOptions, SluiceProcess } from '#tools/torture/sluice-process.ts';

/** A fresh directory that goes when the tests of the file are over. */
export const temporaryFolder = (): string => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-e2e-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** What a command that came to its end has said. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

/** Runs `sluice ARGS…` to its end. */
export const runSluice = async (args: readonly string[], options: SluiceOptions = {}): Promise<Finished> => {
  const { ended, stdout, stderr } = startSluice(args, options);
  const { code } = await ended;
  return { code, stdout, stderr };
};

/** The arguments that let processes run beside each other. */
export const anyPorts = ['--port', '0', '--aws-port', '0'] as const;

/** A process that serves, where it listens, and a client with its admin token. */
export interface Serving extends ReadyLine {
  readonly sluice: SluiceProcess;
  readonly client: Client;
  readonly token: string;
  /** Ends it with SIGTERM, as Ctrl-C does. */
  readonly stop: () => Promise<void>;
}

/** Starts `sluice up ARGS…` and waits until it is ready. */
export const serve = async (args: readonly string[], options: SluiceOptions = {}): Promise<Serving> => {
  const sluice = startSluice(['up', ...anyPorts, '--json', ...args], options);
  const ready = await sluice.ready();
  const token = (await readFile(ready.tokenFile, 'utf8')).trim();
  return {
    ...ready,
    sluice,
    token,
    client: httpClient({ url: ready.url, token, workspace: 'main' }),
    stop: async () => {
      sluice.signal('SIGTERM');
      await sluice.ended;
    },
  };
};
