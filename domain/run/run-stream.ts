/** `run#tenant/workspace/runId`: the stream of a run. */
export const runStream = (scope: {
  readonly tenantId: string;
  readonly workspaceId: string;
  readonly runId: string;
}): string => `run#${scope.tenantId}/${scope.workspaceId}/${scope.runId}`;
