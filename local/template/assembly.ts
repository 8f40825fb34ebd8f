/**
 * Reads a cloud assembly (`cdk.out`) as the CDK wrote it: which stacks, in which order, with which asset files.
 * Nothing is resolved here; `resolve-stack.ts` does that.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import * as z from 'zod';

const Artifact = z.object({
  type: z.string(),
  dependencies: z.array(z.string()).optional(),
  properties: z
    .object({
      templateFile: z.string().optional(),
      stackName: z.string().optional(),
      directoryName: z.string().optional(),
      file: z.string().optional(),
    })
    .optional(),
});
type Artifact = z.infer<typeof Artifact>;

const Manifest = z.object({ artifacts: z.record(z.string(), Artifact) });

const AssetFile = z.object({
  source: z.object({ path: z.string().optional() }),
  destinations: z.record(z.string(), z.object({ objectKey: z.string() })),
});
const AssetManifest = z.object({ files: z.record(z.string(), AssetFile).optional() });

/** One resource as the template declares it, unresolved. */
export const TemplateResource = z.object({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).optional(),
  Condition: z.string().optional(),
  DependsOn: z.union([z.string(), z.array(z.string())]).optional(),
  DeletionPolicy: z.string().optional(),
  UpdateReplacePolicy: z.string().optional(),
  Metadata: z.record(z.string(), z.unknown()).optional(),
});
export type TemplateResource = z.infer<typeof TemplateResource>;

const Parameter = z.object({ Type: z.string(), Default: z.unknown().optional() });

/** A CloudFormation template, as far as the local cloud reads it. */
export const Template = z.object({
  Parameters: z.record(z.string(), Parameter).optional(),
  Mappings: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown()))).optional(),
  Conditions: z.record(z.string(), z.unknown()).optional(),
  Resources: z.record(z.string(), TemplateResource).optional(),
  Outputs: z.record(z.string(), z.unknown()).optional(),
});
export type Template = z.infer<typeof Template>;

/** A stack of the assembly with its template and the files its assets lie in, by S3 object key. */
export interface AssemblyStack {
  readonly artifactId: string;
  readonly stackName: string;
  readonly template: Template;
  readonly assetPaths: ReadonlyMap<string, string>;
}

/** The stacks of the assembly in an order in which each comes after those it depends on. */
export const readAssembly = (assemblyDir: string): readonly AssemblyStack[] => {
  const manifestPath = join(assemblyDir, 'manifest.json');
  if (!existsSync(manifestPath))
    throw new Error(`no cloud assembly in ${assemblyDir}: manifest.json is missing, run npm run synth first`);
  const { artifacts } = Manifest.parse(readJson(manifestPath));
  const nested = Object.values(artifacts)
    .filter((artifact) => artifact.type === 'cdk:cloud-assembly')
    .flatMap((artifact) => readAssembly(join(assemblyDir, artifact.properties?.directoryName ?? '.')));
  const assetPaths = readAssetPaths(assemblyDir, artifacts);
  const own = inDeployOrder(artifacts).map((artifactId) =>
    readStack({ assemblyDir, artifactId, artifact: artifacts[artifactId], assetPaths }),
  );
  return [...nested, ...own];
};

interface StackToRead {
  readonly assemblyDir: string;
  readonly artifactId: string;
  readonly artifact: Artifact | undefined;
  readonly assetPaths: ReadonlyMap<string, string>;
}

const readStack = ({ assemblyDir, artifactId, artifact, assetPaths }: StackToRead): AssemblyStack => {
  const templateFile = artifact?.properties?.templateFile;
  if (templateFile === undefined) throw new Error(`stack ${artifactId} of ${assemblyDir} names no template`);
  return {
    artifactId,
    stackName: artifact?.properties?.stackName ?? artifactId,
    template: Template.parse(readJson(join(assemblyDir, templateFile))),
    assetPaths,
  };
};

const readAssetPaths = (
  assemblyDir: string,
  artifacts: Readonly<Record<string, Artifact>>,
): ReadonlyMap<string, string> => {
  const paths = new Map<string, string>();
  for (const artifact of Object.values(artifacts)) {
    const file = artifact.properties?.file;
    if (artifact.type !== 'cdk:asset-manifest' || file === undefined) continue;
    const { files = {} } = AssetManifest.parse(readJson(join(assemblyDir, file)));
    for (const { source, destinations } of Object.values(files))
      for (const { objectKey } of Object.values(destinations))
        if (source.path !== undefined) paths.set(objectKey, join(assemblyDir, source.path));
  }
  return paths;
};

const inDeployOrder = (artifacts: Readonly<Record<string, Artifact>>): readonly string[] => {
  const ordered: string[] = [];
  const entered = new Set<string>();
  const visit = (artifactId: string): void => {
    const artifact = artifacts[artifactId];
    if (artifact === undefined || entered.has(artifactId)) return;
    entered.add(artifactId);
    artifact.dependencies?.forEach(visit);
    if (artifact.type === 'aws:cloudformation:stack') ordered.push(artifactId);
  };
  Object.keys(artifacts).forEach(visit);
  return ordered;
};

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
