/** A worker says whether what its attempt wrote can be read by others, mostly after the attempt has ended. */
import { randomUUID } from 'node:crypto';
import { AttemptVisibilityRequest } from '#contracts/runs/visibility.ts';
import { checkAttempt } from '#domain/run/callback.ts';
import { runStream } from '#domain/run/run-stream.ts';
import { apiErrorOf } from '#functions/shared/api-error.ts';
import { parseBody } from '#functions/shared/http.ts';
import { recordVisibility } from '#functions/shared/output-visibility.ts';
import { refuseSecrets } from '#functions/shared/refuse-secrets.ts';
import { asCallback, refuseOutOfRange, verifyToken } from '#functions/shared/callback-request.ts';
import type { CallbackPorts } from '#functions/task-callback/task-callback.ts';

/** Records the report: 200 also to the same one again. */
export const reportAttemptVisibility = (ports: CallbackPorts) =>
  asCallback(ports, async (request) => {
    refuseOutOfRange(request.body);
    const body = parseBody(AttemptVisibilityRequest, request.body);
    refuseSecrets({ workerId: body.workerId });
    const claims = await verifyToken(ports.tokens, request.bearer ?? '');
    const stream = runStream(claims);
    const placed = checkAttempt(await ports.loadRun(stream), {
      taskId: request.path['taskId'] ?? '',
      claims,
      body,
    });
    if (placed.kind === 'refused') throw apiErrorOf(placed.rejection);
    const { attemptId, workerId, traceparent: _trace, ...report } = body;
    return recordVisibility(ports, stream, {
      command: { type: 'ReportOutputVisibility', taskKey: placed.taskKey, report },
      identity: {
        commandId: `visibility:${attemptId}:${randomUUID()}`,
        actor: { kind: 'worker', id: workerId },
        correlationId: claims.runId,
      },
    });
  });
