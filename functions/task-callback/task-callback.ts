/** Callbacks of workers: what they say is parsed, their token verified, the report taken, and the answer theirs. */
import type * as z from 'zod';
import { CompletedRequest, HeartbeatRequest, StartedRequest } from '#contracts/runs/callbacks.ts';
import type { HeartbeatResponse } from '#contracts/runs/callbacks.ts';
import { decodeCallbackTaskId } from '#domain/kernel/ids.ts';
import { cancellation } from '#domain/run/callback.ts';
import type { Report } from '#domain/run/guard.ts';
import type { Run } from '#domain/run/run.ts';
import type { TaskTokens } from '#adapters/tokens/task-token.ts';
import { asCallback, refuseOutOfRange, verifyToken } from '#functions/shared/callback-request.ts';
import { completionReply } from '#functions/shared/completion-reply.ts';
import { parseBody } from '#functions/shared/http.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import { refuseSecrets } from '#functions/shared/refuse-secrets.ts';
import { takeReport } from '#functions/shared/task-report.ts';
import type { ReportPorts, TakenReport } from '#functions/shared/task-report.ts';

export interface CallbackPorts extends ReportPorts {
  readonly tokens: TaskTokens;
}

type Kind = Report['kind'];

const schemas = {
  started: StartedRequest,
  heartbeat: HeartbeatRequest,
  completed: CompletedRequest,
} as const;

/** Serves one kind of callback. */
export const callbackOperation = (ports: CallbackPorts, kind: Kind) =>
  asCallback(ports, async (request: ApiRequest): Promise<ApiReply> => {
    const report = parseReport(kind, request.body);
    refuseSecrets({ workerId: report.body.workerId });
    const claims = await verifyToken(ports.tokens, request.bearer ?? '');
    const taskId = request.path['taskId'] ?? '';
    const taken = await takeReport(ports, { taskId, claims, report });
    return { status: 200, body: answerTo(ports, report, { taskId, taken }) };
  });

const parseReport = (kind: Kind, body: unknown): Report => {
  refuseOutOfRange(body);
  const parsed: z.infer<(typeof schemas)[Kind]> = parseBody(schemas[kind], body);
  return { kind, body: parsed } as Report;
};

const answerTo = (
  { nowMs }: CallbackPorts,
  report: Report,
  { taskId, taken }: { readonly taskId: string; readonly taken: TakenReport },
): object => {
  if (report.kind === 'completed') return completionReply(report.body, taken, nowMs());
  const acknowledged = { acknowledged: true, serverTime: new Date(nowMs()).toISOString() };
  if (report.kind === 'started') return acknowledged;
  return { ...acknowledged, ...told(taken.run, decodeCallbackTaskId(taskId)?.taskKey ?? '') };
};

const told = (run: Run, taskKey: string): Pick<HeartbeatResponse, 'shouldCancel' | 'cancelReason'> => {
  const cancelReason = cancellation(run, taskKey);
  return cancelReason === undefined ? { shouldCancel: false } : { shouldCancel: true, cancelReason };
};
