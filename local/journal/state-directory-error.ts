/** Why a state directory cannot be used. The command line maps each to exit code 3 and prints the message. */
export type StateDirectoryCode = 'state_locked' | 'state_corrupt' | 'state_version' | 'state_unwritable';

/** A state directory that cannot be opened or written; the message says what to do. */
export class StateDirectoryError extends Error {
  readonly code: StateDirectoryCode;

  constructor(code: StateDirectoryCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'StateDirectoryError';
    this.code = code;
  }
}

/** Names the file and the offset of bytes that acknowledged writes cannot have left. */
export const corrupt = (file: string, offset: number, reason: string): StateDirectoryError =>
  new StateDirectoryError(
    'state_corrupt',
    `corrupt state directory: ${file} at byte ${offset}: ${reason}; restore a backup, or remove the directory to start empty`,
  );

/** Wraps a failure of the file system. */
export const unwritable = (path: string, cause: unknown): StateDirectoryError =>
  new StateDirectoryError(
    'state_unwritable',
    `cannot write the state directory: ${path}: ${cause instanceof Error ? cause.message : String(cause)}; free space or choose another directory with --state`,
    cause,
  );
