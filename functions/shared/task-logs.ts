/** Keeps the log of an attempt, whoever uploads it: body first, then the fact. */
import { runLimits } from '#contracts/runs/limits.ts';
import type { UploadLogResponse } from '#contracts/runs/task-log.ts';
import type { BlobStore } from '#domain/ports/blobs.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import { storeTaskLog, taskLogAggregate, taskLogStream } from '#domain/task-log/task-log.ts';
import type { LogPlace } from '#domain/task-log/task-log.ts';
import { ApiError, apiErrorOf } from '#functions/shared/api-error.ts';
import type { ApiReply } from '#functions/shared/http.ts';
import { loadStream } from '#functions/shared/load.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import type { CommandIdentity } from '#functions/shared/request.ts';

export interface LogPorts {
  readonly ledger: LedgerReader;
  readonly blobs: BlobStore;
  readonly mailbox: Mailbox;
}

/** An upload whose attempt is known to have been made. */
export interface LogUpload {
  readonly place: LogPlace;
  readonly stdout: string;
  readonly stderr: string;
  readonly identity: Omit<CommandIdentity, 'correlationId'>;
}

/** 200 to the first upload and to the same one again; 409 `log_already_stored` to another one. */
export const keepLog = async ({ ledger, blobs, mailbox }: LogPorts, upload: LogUpload): Promise<ApiReply> => {
  refuseOversize(upload);
  const { place, identity } = upload;
  const { command, text } = storeTaskLog(place, upload);
  const stream = taskLogStream(place);
  const { state } = await loadStream(ledger, taskLogAggregate, stream);
  // A body is stored only where it may become the log: refused uploads leave nothing behind.
  if (state.status === 'none') await blobs.put(command.log.bodyKey, text);
  const outcome = await mailbox.send(taskLogAggregate, {
    stream,
    command,
    ...identity,
    correlationId: place.runId,
  });
  if (outcome.kind === 'rejected') throw apiErrorOf(outcome.rejection);
  const { path, sizeBytes, redacted } = command.log;
  const body: UploadLogResponse = { path, sizeBytes, ...(redacted === undefined ? {} : { redacted }) };
  return { status: 200, body };
};

const refuseOversize = ({ stdout, stderr }: LogUpload): void => {
  const bytes = Buffer.byteLength(stdout, 'utf8') + Buffer.byteLength(stderr, 'utf8');
  const limitBytes = runLimits.logBytesMax;
  if (bytes > limitBytes)
    throw new ApiError(
      'payload_too_large',
      `the log has ${bytes} bytes, allowed are ${limitBytes}; upload its end`,
      { details: { limitBytes } },
    );
};
