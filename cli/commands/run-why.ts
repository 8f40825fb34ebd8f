/** `run why`: what a run waits for, until when, and at which place of a limit's queue. */
import type { Command } from 'commander';
import * as z from 'zod';
import type { CommandContext } from '#cli/commands/context.ts';
import { table } from '#cli/output.ts';

const Place = z.object({
  limitId: z.string(),
  position: z.int().optional(),
  waiting: z.int().optional(),
});
const Why = z.object({
  waiting: z.array(
    z.object({ reason: z.string(), subject: z.string(), deadlineAt: z.string(), limit: Place.optional() }),
  ),
});

/** Adds the command. */
export const addRunWhyCommand = (run: Command, contextOf: (command: Command) => CommandContext): void => {
  run
    .command('why <runId>')
    .description('tell what a run waits for, and until when')
    .action(async (runId: string, _options: unknown, command: Command) => why(contextOf(command), runId));
};

const placeOf = ({ limitId, position, waiting }: z.infer<typeof Place>): string =>
  position === undefined ? limitId : `${limitId}, ${position} of ${waiting ?? position}`;

const why = async ({ client, output }: CommandContext, runId: string): Promise<void> => {
  const answer = await client().request('GET', `{ws}/runs/${encodeURIComponent(runId)}/why`);
  const { waiting } = Why.parse(answer);
  output.result(answer, () =>
    waiting.length === 0
      ? 'it waits for nothing'
      : table(
          ['WAITS FOR', 'SUBJECT', 'LOOKED AT BY', 'LIMIT'],
          waiting.map(({ reason, subject, deadlineAt, limit }) => [
            reason,
            subject,
            deadlineAt,
            limit === undefined ? '' : placeOf(limit),
          ]),
        ),
  );
};
