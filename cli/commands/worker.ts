/** `worker`: the example worker, in a process of its own. */
import type { Command } from 'commander';
import os from 'node:os';
import process from 'node:process';
import { CliError } from '#cli/cli-error.ts';
import type { CommandContext } from '#cli/commands/context.ts';
import { demoWork } from '#cli/worker/demo-work.ts';
import { ClaimRefused, runWorker } from '#cli/worker-kit/worker.ts';

interface WorkerOptions {
  readonly queue: string;
  readonly concurrency: string;
  readonly feed: string;
}

/** Adds the command. */
export const addWorkerCommand = (program: Command, contextOf: (command: Command) => CommandContext): void => {
  program
    .command('worker')
    .description('run the example worker until it is stopped; it needs the HTTP API and a token only')
    .option('--queue <queue>', 'queue to claim from', 'default-queue')
    .option('--concurrency <count>', 'tasks in work at once, 1 to 10', '2')
    .option('--feed <feedId>', 'feed the demo assets read', 'demo')
    .action(async (options: WorkerOptions, command: Command) => {
      const { client, output, target } = contextOf(command);
      const { url, workspace } = target();
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort());
      output.note(`worker claims from ${options.queue}; stop it with Ctrl-C`);
      await runWorker({
        url,
        workspace,
        token: () => target().token,
        workerId: `${os.hostname()}-${process.pid}`,
        queue: options.queue,
        concurrency: Math.min(10, Math.max(1, Number(options.concurrency) || 1)),
        execute: demoWork(client(), options.feed),
        signal: stop.signal,
        onEvent: output.note,
      }).catch(explained);
    });
};

/** A refused claim is told like other refusals of the API. */
const explained = (error: unknown): never => {
  throw error instanceof ClaimRefused ? new CliError(error.code, error.message) : error;
};
