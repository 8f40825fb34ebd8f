/** Manifests for tests. */
import type { DeployManifestRequest } from '#contracts/runs/manifest.ts';
import { validateManifest } from '#domain/manifest/validate.ts';

const parts = (key: string) => {
  const [namespace = '', ...name] = key.split('.');
  return { namespace, name: name.join('.') };
};

/** An asset that depends on the given keys. */
export const asset = (namespace: string, name: string, upstreams: readonly string[], more: object = {}) => ({
  key: { namespace, name },
  id: `id-${namespace}-${name}`,
  ...(upstreams.length === 0 ? {} : { dependencies: upstreams.map((key) => ({ upstreamKey: parts(key) })) }),
  ...more,
});

export const manifest = (assets: readonly object[], more: object = {}) => ({
  manifestVersion: '1.0',
  codeVersionId: 'git-1',
  assets,
  ...more,
});

/** The parsed manifest; a fault fails the test. */
export const validated = (input: unknown): DeployManifestRequest => {
  const check = validateManifest(input);
  if (check.kind === 'valid') return check.manifest;
  throw new Error(JSON.stringify(check.faults));
};
