/** A real `sluice` process: its lines as they come, its end, and signals to it alone. */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import path from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import * as z from 'zod';

/** The root of the repository. */
export const repositoryRoot = path.resolve(import.meta.dirname, '../..');

/** The first line of `up --json`. */
export const ReadyLine = z.strictObject({
  ready: z.literal(true),
  url: z.url(),
  awsUrl: z.url(),
  tokenFile: z.string(),
  stateDir: z.string(),
  readySeconds: z.number(),
});
export type ReadyLine = z.infer<typeof ReadyLine>;

/** How a process ended: one of the two is null. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running process. */
export interface SluiceProcess {
  /** Lines so far. */
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  /** The first line of standard output; rejects with standard error when the process ends without one. */
  readonly firstLine: Promise<string>;
  /** What `up --json` says once it serves. */
  readonly ready: () => Promise<ReadyLine>;
  /** The first line on standard error that matches, also one already there; rejects when none comes. */
  readonly remark: (pattern: RegExp) => Promise<string>;
  readonly ended: Promise<Ending>;
  /** Sends the signal to this process alone; does nothing once it has ended. */
  readonly signal: (signal: NodeJS.Signals) => void;
}

export interface SluiceOptions {
  /** The command line behind `node`, default the CLI's entry. */
  readonly entry?: readonly string[];
  /** On top of this process's environment. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Starts `sluice ARGS…`. */
export const startSluice = (args: readonly string[], options: SluiceOptions = {}): SluiceProcess => {
  const { entry = [path.join(repositoryRoot, 'cli/sluice.mjs')], environment = {} } = options;
  const child = spawn(process.execPath, [...entry, ...args], {
    cwd: options.cwd ?? repositoryRoot,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const ended = new Promise<Ending>((resolve, reject) => {
    child.once('error', reject);
    // `close` comes after the last line; `exit` may come before it.
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const failure = async (what: string): Promise<never> => {
    const { code, signal } = await ended;
    throw new Error(
      `sluice ${args.join(' ')} ended (${code ?? signal ?? ''}) without ${what}:\n${stderr.lines.join('\n')}`,
    );
  };
  const firstLine = Promise.race([stdout.find(/^/), ended.then(() => stdout.lines[0] ?? failure('a line'))]);
  // Whoever does not ask for it must not be told of its failure.
  firstLine.catch(() => undefined);
  return {
    stdout: stdout.lines,
    stderr: stderr.lines,
    firstLine,
    ready: async () => ReadyLine.parse(JSON.parse(await firstLine)),
    remark: (pattern) => Promise.race([stderr.find(pattern), failure(`saying ${String(pattern)}`)]),
    ended,
    signal: (signal) => void child.kill(signal),
  };
};

interface Lines {
  readonly lines: readonly string[];
  readonly find: (pattern: RegExp) => Promise<string>;
}

const collect = (stream: Readable): Lines => {
  const lines: string[] = [];
  const seekers = new Set<(line: string) => void>();
  createInterface({ input: stream, crlfDelay: Infinity }).on('line', (line) => {
    lines.push(line);
    for (const seek of seekers) seek(line);
  });
  return {
    lines,
    find: (pattern) =>
      new Promise((resolve) => {
        const there = lines.find((line) => pattern.test(line));
        if (there !== undefined) {
          resolve(there);
          return;
        }
        const seek = (line: string): void => {
          if (!pattern.test(line)) return;
          seekers.delete(seek);
          resolve(line);
        };
        seekers.add(seek);
      }),
  };
};
