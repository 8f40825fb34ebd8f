/** Records whether the output of an attempt can be read by others, whoever says so. */
import type { OutputVisibilityResponse } from '#contracts/runs/visibility.ts';
import type { ReportOutputVisibility } from '#domain/run/command.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { stateOf } from '#domain/run/run-state.ts';
import { apiErrorOf } from '#functions/shared/api-error.ts';
import type { ApiReply } from '#functions/shared/http.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import type { CommandIdentity } from '#functions/shared/request.ts';

/** 200 with where the output and its run stand from now on, also to the same report again. */
export const recordVisibility = async (
  { mailbox }: { readonly mailbox: Mailbox },
  stream: string,
  { command, identity }: { readonly command: ReportOutputVisibility; readonly identity: CommandIdentity },
): Promise<ApiReply> => {
  const outcome = await mailbox.send(runAggregate, { stream, command, ...identity });
  if (outcome.kind === 'rejected') throw apiErrorOf(outcome.rejection);
  if (outcome.state.status === 'none') throw new Error('a run that took a report is not there');
  const { taskKey, report } = command;
  const body: OutputVisibilityResponse = {
    taskKey,
    attempt: report.attempt,
    outputVisibilityState: report.visibilityState,
    runState: stateOf(outcome.state),
  };
  return { status: 200, body };
};
