/** Reads the functions of a stack. */
import * as z from 'zod';

import type { Roles } from '#local/iam/roles.ts';
import type { FunctionSetting } from '#local/lambda/lambda-host.ts';
import type { ResolvedStack, Resource } from '#local/template/resolve-stack.ts';
import { TemplateError } from '#local/template/template-error.ts';

const Properties = z.object({
  Code: z.object({ S3Key: z.string() }),
  Handler: z.string().regex(/^[^.]+(\/[^.]+)*\.[A-Za-z_$][\w$]*$/),
  Runtime: z.string().startsWith('nodejs'),
  Environment: z.strictObject({ Variables: z.record(z.string(), z.coerce.string()).optional() }).optional(),
  Timeout: z.coerce.number().min(1).max(900).default(3),
  MemorySize: z.coerce.number().min(128).max(10_240).default(128),
  RecursiveLoop: z.enum(['Allow', 'Terminate']).default('Terminate'),
});

/** The settings of an `AWS::Lambda::Function`; its code must be an asset of the assembly, its role one of its roles. */
export const readFunctionSetting = (
  resource: Resource,
  stack: ResolvedStack,
  roles: Roles,
): FunctionSetting => {
  const parsed = Properties.safeParse(resource.properties);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new TemplateError(
      { ...resource, property: issue?.path.join('.') ?? '' },
      issue?.message ?? 'is not valid',
    );
  }
  const properties = parsed.data;
  const codeDir = stack.assetPaths.get(properties.Code.S3Key);
  if (codeDir === undefined)
    throw new TemplateError({ ...resource, property: 'Code' }, 'the code is no asset of this assembly');
  return {
    name: resource.physicalName,
    arn: `arn:aws:lambda:${resource.region}:${resource.accountId}:function:${resource.physicalName}`,
    codeDir,
    handler: properties.Handler,
    environment: properties.Environment?.Variables ?? {},
    timeoutMs: properties.Timeout * 1000,
    memoryMb: properties.MemorySize,
    mayLoop: properties.RecursiveLoop === 'Allow',
    principal: roles.of(resource, 'Role'),
  };
};
