/** `worker`: the example worker, in a process of its own. */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import os from 'node:os';
import process from 'node:process';
import type { AwsConnection } from '#cli/aws-connection.ts';
import { CliError } from '#cli/cli-error.ts';
import type { CommandContext } from '#cli/commands/context.ts';
import { untilStopped } from '#cli/commands/until-stopped.ts';
import { demoWork } from '#cli/worker/demo-work.ts';
import { ClaimRefused } from '#cli/worker-kit/claims.ts';
import type { MessageQueue } from '#cli/worker-kit/messages.ts';
import { runWorker } from '#cli/worker-kit/worker.ts';

interface WorkerOptions {
  readonly queue: string;
  readonly concurrency: number;
  readonly feed: string;
  readonly sqs?: string;
  readonly aws?: boolean;
}

/** Adds the command. */
export const addWorkerCommand = (program: Command, contextOf: (command: Command) => CommandContext): void => {
  program
    .command('worker')
    .description('run the example worker until it is stopped; it needs the HTTP API and a token only')
    .option('--queue <queue>', 'queue to claim from', 'default-queue')
    .option('--sqs <name>', 'receive from the SQS queue of an execution location instead of claiming')
    .option('--aws', 'with --sqs: a queue in the AWS account of the environment, not of the local stack')
    .option('--concurrency <count>', 'tasks in work at once, 1 to 10', concurrency, 2)
    .option('--feed <feedId>', 'feed the demo assets read', 'demo')
    .action(async (options: WorkerOptions, command: Command) => {
      const context = contextOf(command);
      await untilStopped((signal) => work(options, context, signal)).catch(explained);
    });
};

const work = async (options: WorkerOptions, context: CommandContext, signal: AbortSignal): Promise<void> => {
  const { target, stateDir, output } = context;
  const { sqs, queue, aws } = options;
  const basics = { ...basicsOf(options, context), signal };
  output.note(
    sqs === undefined
      ? `worker claims from ${queue}; stop it with Ctrl-C`
      : `worker receives from the SQS queue ${sqs}; stop it with Ctrl-C`,
  );
  await (sqs === undefined
    ? runWorker({ ...basics, queue, token: () => target().token })
    : receiving({ stateDir, isAws: aws === true }, sqs, (messages) => runWorker({ ...basics, messages })));
};

const basicsOf = ({ concurrency, feed }: WorkerOptions, { client, output, target }: CommandContext) => {
  const { url, workspace } = target();
  return {
    url,
    workspace,
    workerId: `${os.hostname()}-${process.pid}`,
    concurrency,
    execute: demoWork(client(), feed),
    onEvent: output.note,
  };
};

const concurrency = (text: string): number => {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > 10) throw new InvalidArgumentError('must be 1 to 10.');
  return count;
};

/** Works with the messages of a queue, whose client is loaded only then. */
const receiving = async (
  connection: AwsConnection,
  queueName: string,
  work: (messages: MessageQueue) => Promise<void>,
): Promise<void> => {
  const { withMessages } = await import('#cli/worker/with-messages.ts');
  await withMessages(connection, queueName, work);
};

/** A refused claim is told like other refusals of the API. */
const explained = (error: unknown): never => {
  throw error instanceof ClaimRefused ? new CliError(error.code, error.message) : error;
};
