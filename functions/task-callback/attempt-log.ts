/** A worker uploads the log of its attempt, whatever has become of the attempt since. */
import { randomUUID } from 'node:crypto';
import { AttemptLogRequest } from '#contracts/runs/task-log.ts';
import { checkAttempt } from '#domain/run/callback.ts';
import { runStream } from '#domain/run/run-stream.ts';
import { apiErrorOf } from '#functions/shared/api-error.ts';
import { parseBody } from '#functions/shared/http.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import { refuseSecrets } from '#functions/shared/refuse-secrets.ts';
import { keepLog } from '#functions/shared/task-logs.ts';
import type { LogPorts } from '#functions/shared/task-logs.ts';
import { asCallback, refuseOutOfRange, verifyToken } from '#functions/shared/callback-request.ts';
import type { CallbackPorts } from '#functions/task-callback/task-callback.ts';

/** Keeps the log: 200 also to the same one again. */
export const uploadAttemptLog = (ports: CallbackPorts & LogPorts) =>
  asCallback(ports, async (request: ApiRequest): Promise<ApiReply> => {
    refuseOutOfRange(request.body);
    const body = parseBody(AttemptLogRequest, request.body);
    refuseSecrets({ workerId: body.workerId });
    const claims = await verifyToken(ports.tokens, request.bearer ?? '');
    const run = await ports.loadRun(runStream(claims));
    const placed = checkAttempt(run, { taskId: request.path['taskId'] ?? '', claims, body });
    if (placed.kind === 'refused') throw apiErrorOf(placed.rejection);
    const { tenantId, workspaceId, runId, attempt } = claims;
    return keepLog(ports, {
      place: { tenantId, workspaceId, runId, taskKey: placed.taskKey, attempt },
      stdout: body.stdout,
      stderr: body.stderr,
      identity: {
        commandId: `logs:${claims.attemptId}:${randomUUID()}`,
        actor: { kind: 'worker', id: body.workerId },
      },
    });
  });
