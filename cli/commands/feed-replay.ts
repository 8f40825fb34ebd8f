/** `feed outputs|replay|capture|diff`: what a feed said, told again and compared. */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import process from 'node:process';
import { CliError } from '#cli/cli-error.ts';
import type { CommandContext } from '#cli/commands/context.ts';
import { openLog } from '#cli/commands/open-log.ts';
import { paint } from '#cli/output.ts';
import type { ReplayComparison } from '#cli/files/compare-replay.ts';
import type { ToldEvent, UnfinishedRun } from '#cli/feed/output-pages.ts';
import type { WriteLine } from '#cli/files/line-file.ts';

type GetContext = (command: Command) => CommandContext;

interface OutputOptions {
  readonly out?: string;
}

interface ReplayOptions extends OutputOptions {
  readonly from?: number;
  readonly to?: number;
}

/** Adds the commands to `feed`. */
export const addReplayCommands = (feed: Command, contextOf: GetContext): void => {
  feed
    .command('outputs <feedId>')
    .description('print what the ledger recorded of a feed, as JSON lines, and its hash on standard error')
    .option('--out <file>', 'write the events into a file instead, and print their number and hash')
    .action(async (feedId: string, options: OutputOptions, command: Command) =>
      outputs(contextOf(command), feedId, options),
    );
  feed
    .command('replay <feedId>')
    .description('compute again what a feed said, and compare it with what was recorded; 1 when it differs')
    .option('--from <ms>', 'the first engine timestamp', instant)
    .option('--to <ms>', 'the last engine timestamp', instant)
    .option('--out <file>', 'write the computed events into a file, as JSON lines')
    .action(async (feedId: string, options: ReplayOptions, command: Command) =>
      replay(contextOf(command), feedId, options),
    );
  feed
    .command('capture <feedId> <out>')
    .description('write the records of a feed and its configuration into one file, for feed simulate --log')
    .action(async (feedId: string, out: string, _options: unknown, command: Command) =>
      capture(contextOf(command), feedId, out),
    );
  feed
    .command('diff <a> <b>')
    .description('compare two files of orchestrator events, and name the first that differs; 1 when one does')
    .action(async (a: string, b: string, _options: unknown, command: Command) =>
      diff(contextOf(command), a, b),
    );
};

const instant = (text: string): number => {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('must be milliseconds since 1970.');
  return Number(text);
};

const outputs = async (
  { client, output }: CommandContext,
  feedId: string,
  { out }: OutputOptions,
): Promise<void> => {
  const { toldRuns } = await import('#cli/feed/output-pages.ts');
  const { writeOutputs } = await import('#cli/files/recorded-outputs.ts');
  const tell = (write: WriteLine) => writeOutputs(toldRuns(client(), { feedId, list: 'outputs' }), write);
  if (out !== undefined) {
    const told = await writing(out, tell);
    output.result({ ...told, out }, () =>
      [`${told.events} events in ${out}`, `hash  ${told.outputHash}`, ...stopText(told.unfinished)].join(
        '\n',
      ),
    );
    return;
  }
  const { whileRead, writeLine } = await import('#cli/files/answer-lines.ts');
  await whileRead(process.stdout, async () => {
    const { outputHash, unfinished } = await tell((event) => writeLine(process.stdout, event));
    output.note(
      output.isJson
        ? JSON.stringify({ outputHash, unfinished })
        : [`output hash ${outputHash}`, ...stopText(unfinished)].join('\n'),
    );
  });
};

const writing = async <Value>(out: string, fill: (write: WriteLine) => Promise<Value>): Promise<Value> => {
  const { writeLineFile } = await import('#cli/files/line-file.ts');
  return writeLineFile(out, fill);
};

const replay = async (
  { client, output }: CommandContext,
  feedId: string,
  { from, to, out }: ReplayOptions,
): Promise<void> => {
  const { toldRuns } = await import('#cli/feed/output-pages.ts');
  const { compareReplay } = await import('#cli/files/compare-replay.ts');
  const compare = (onEvent: (event: ToldEvent) => Promise<void>): Promise<ReplayComparison> =>
    compareReplay(
      toldRuns(client(), { feedId, list: 'replay', from, to }),
      toldRuns(client(), { feedId, list: 'outputs', from, to }),
      async (events) => {
        for (const event of events) await onEvent(event);
      },
    );
  const comparison = await (out === undefined ? compare(() => Promise.resolve()) : writing(out, compare));
  output.result({ feedId, ...comparison }, () => replayText(feedId, comparison));
  if (!comparison.isEqual)
    throw differs(`the replay of ${feedId}`, ['replay', 'record'], comparison.difference);
};

const replayText = (feedId: string, comparison: ReplayComparison): string => {
  const { runs, events, outputHash, recordedHash, isEqual, unfinished } = comparison;
  return [
    `${paint('bold', feedId)} ${runs} runs, ${events} events`,
    `hash      ${outputHash}`,
    `recorded  ${recordedHash} ${isEqual ? paint('green', 'equal') : paint('red', 'not equal')}`,
    ...stopText(unfinished),
  ].join('\n');
};

/** Says where a telling stops, if it does before the end of the plan. */
const stopText = (unfinished: UnfinishedRun | undefined): readonly string[] =>
  unfinished
    ? [`stops before the run of ${unfinished.symbol} at ${unfinished.engine_timestamp_ms}, still at work`]
    : [];

/** The line that names the first difference, with exit code 1. */
const differs = (
  what: string,
  [first, second]: readonly [string, string],
  difference: ReplayComparison['difference'],
): CliError => {
  if (!difference) return new CliError('outputs_differ', `${what} differs`);
  const { symbol, run_id, event_type, engine_timestamp_ms, members } = difference;
  const where = `${event_type} of ${symbol} at ${String(engine_timestamp_ms)}, run ${String(run_id)}`;
  const how = {
    both: `which differs in ${members.join(', ')}`,
    first: `which is only in ${first}`,
    second: `which is only in ${second}`,
  }[difference.in];
  return new CliError('outputs_differ', `${what} differs first at ${where}, ${how}`, {
    details: difference,
  });
};

const capture = async ({ client, output }: CommandContext, feedId: string, out: string): Promise<void> => {
  const { captureFeed } = await import('#cli/feed/capture-feed.ts');
  const records = await writing(out, (write) => captureFeed(client(), feedId, write));
  output.result({ feedId, records, out }, () => `${records} records of ${feedId} in ${out}`);
};

const diff = async ({ output }: CommandContext, a: string, b: string): Promise<void> => {
  const { diffFiles } = await import('#cli/files/diff-files.ts');
  const found = await diffFiles({ name: a, bytes: await openLog(a) }, { name: b, bytes: await openLog(b) });
  output.result(found, () =>
    found.isEqual
      ? `equal\nhash  ${found.firstHash}`
      : `not equal\nfirst   ${found.firstHash}\nsecond  ${found.secondHash}`,
  );
  if (!found.isEqual) throw differs(b, [a, b], found.difference);
};
