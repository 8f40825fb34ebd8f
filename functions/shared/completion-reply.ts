/** What a worker hears of its completion. */
import type { CompletedRequest, CompletedResponse } from '#contracts/runs/callbacks.ts';
import type { TakenReport } from '#functions/shared/task-report.ts';

/** The same answer to the same report, however often it comes; `duplicate` tells that it had come before. */
export const completionReply = (
  { outcome }: CompletedRequest,
  { kind }: Pick<TakenReport, 'kind'>,
  nowMs: number,
): CompletedResponse => ({
  acknowledged: true,
  finalState: outcome,
  serverTime: new Date(nowMs).toISOString(),
  ...(kind === 'repeated' ? { duplicate: true } : {}),
});
