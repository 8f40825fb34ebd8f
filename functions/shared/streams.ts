/** Stream ids of workspace-wide aggregates. */
export const manifestsStream = (scope: { readonly tenantId: string; readonly workspaceId: string }): string =>
  `manifests#${scope.tenantId}/${scope.workspaceId}`;
