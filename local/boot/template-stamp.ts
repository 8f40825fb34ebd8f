/**
 * What a state directory remembers of the template it was made with. Additive changes apply at the next boot; a
 * change that would lose or reinterpret data stops and says what to do.
 */
import { createHash } from 'node:crypto';

import * as z from 'zod';

import type { ResolvedStack, Resource } from '#local/template/resolve-stack.ts';

const StampedResource = z.object({ type: z.string(), name: z.string(), shape: z.string() });

/** Members of the state directory's stamp that belong to the template. */
export const TemplateStamp = z.object({
  templateHash: z.string(),
  resources: z.record(z.string(), StampedResource),
});
export type TemplateStamp = z.infer<typeof TemplateStamp>;

/** For each type that holds data: the properties that cannot change under it. */
const lastingProperties: Readonly<Record<string, readonly string[]>> = {
  'AWS::DynamoDB::Table': ['KeySchema'],
  'AWS::DynamoDB::GlobalTable': ['KeySchema'],
  'AWS::Kinesis::Stream': [],
  'AWS::SQS::Queue': ['FifoQueue'],
  'AWS::S3::Bucket': [],
  'AWS::SecretsManager::Secret': [],
  'AWS::Cognito::UserPool': [],
};

/** The stamp of the stacks as they are now. */
export const templateStamp = (stacks: readonly ResolvedStack[]): TemplateStamp => {
  const resources = stacks.flatMap((stack) => stack.resources);
  const plain = resources.map(({ logicalId, stackName, type, properties }) => ({
    logicalId,
    stackName,
    type,
    properties,
  }));
  return {
    templateHash: createHash('sha256').update(JSON.stringify(plain)).digest('hex'),
    resources: Object.fromEntries(
      resources
        .filter(({ type }) => lastingProperties[type] !== undefined)
        .map((resource) => [
          `${resource.type} ${resource.physicalName}`,
          { type: resource.type, name: resource.physicalName, shape: shapeOf(resource) },
        ]),
    ),
  };
};

/** A template change that existing state does not survive. */
export class TemplateChangeError extends Error {
  readonly code = 'template_change';

  constructor(problems: readonly string[], stateDir: string) {
    super(
      `the template no longer fits the state in ${stateDir}: ${problems.join('; ')}. ` +
        `Put it back, or move the data (sluice backup), delete ${stateDir} and start again, or choose another directory with --state`,
    );
    this.name = 'TemplateChangeError';
  }
}

/** Throws a `TemplateChangeError` unless the change from one stamp to the other only adds. */
export const checkTemplateChange = (before: TemplateStamp, after: TemplateStamp, stateDir: string): void => {
  const problems = Object.entries(before.resources).flatMap(([key, { type, name, shape }]) => {
    const now = after.resources[key];
    if (now === undefined) return [`${type} ${name} is gone or renamed, and its data with it`];
    return now.shape === shape ? [] : [`${type} ${name} has another ${lastingNames(type)}`];
  });
  if (problems.length > 0) throw new TemplateChangeError(problems, stateDir);
};

const lastingNames = (type: string): string => lastingProperties[type]?.join(' or ') ?? 'shape';

const shapeOf = ({ type, properties }: Resource): string =>
  JSON.stringify((lastingProperties[type] ?? []).map((property) => properties[property] ?? null));
