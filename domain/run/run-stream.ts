import type { RunId } from '#contracts/ids.ts';

/** `run#tenant/workspace/runId`: the stream of a run. */
export const runStream = (scope: {
  readonly tenantId: string;
  readonly workspaceId: string;
  readonly runId: string;
}): string => `run#${scope.tenantId}/${scope.workspaceId}/${scope.runId}`;

/** The run of a stream. */
export const runOfStream = (
  stream: string,
): { readonly tenantId: string; readonly workspaceId: string; readonly runId: RunId } => {
  const [tenantId = '', workspaceId = '', runId = ''] = stream.slice('run#'.length).split('/');
  // Streams are named after runs that exist.
  return { tenantId, workspaceId, runId: runId as RunId };
};
