/** Reads EventBridge rules and schedules of the template that start functions. */
import { randomUUID } from 'node:crypto';

import * as z from 'zod';

import { parseScheduleExpression } from '#local/schedule/expression.ts';
import type { NextFiring } from '#local/schedule/expression.ts';
import type { Resource } from '#local/template/resolve-stack.ts';
import { TemplateError } from '#local/template/template-error.ts';

/** Something that starts functions at set times. */
export interface ScheduleSetting {
  readonly id: string;
  readonly next: NextFiring;
  readonly targets: readonly ScheduleTarget[];
}

/** A function a schedule starts. */
export interface ScheduleTarget {
  readonly functionReference: string;
  /** The event of a firing at the instant. */
  readonly event: (atMs: number) => unknown;
}

const LambdaArn = z
  .string()
  .startsWith('arn:aws:lambda:', 'only Lambda targets are supported by the local cloud');

const Rule = z.object({
  ScheduleExpression: z.string(),
  State: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
  Targets: z
    .array(
      z.strictObject({
        Arn: LambdaArn,
        Id: z.string(),
        Input: z.string().optional(),
        RetryPolicy: z.unknown().optional(),
        DeadLetterConfig: z.unknown().optional(),
      }),
    )
    .default([]),
});

const Schedule = z.object({
  ScheduleExpression: z.string(),
  ScheduleExpressionTimezone: z.string().default('UTC'),
  State: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
  FlexibleTimeWindow: z.strictObject({ Mode: z.literal('OFF') }),
  Target: z.strictObject({
    Arn: LambdaArn,
    RoleArn: z.string(),
    Input: z.string().optional(),
    RetryPolicy: z.unknown().optional(),
    DeadLetterConfig: z.unknown().optional(),
  }),
});

/** The schedule a resource declares; undefined when it is disabled. */
export const readScheduleSetting = (resource: Resource): ScheduleSetting | undefined => {
  const setting = resource.type === 'AWS::Events::Rule' ? readRule(resource) : readSchedule(resource);
  return setting;
};

const readRule = (resource: Resource): ScheduleSetting | undefined => {
  const rule = parse(Rule, resource);
  if (rule.State === 'DISABLED') return undefined;
  return {
    id: `${resource.stackName}/${resource.logicalId}`,
    next: readExpression(resource, rule.ScheduleExpression),
    targets: rule.Targets.map(({ Arn, Input }) => ({
      functionReference: Arn,
      event: (atMs) => (Input === undefined ? scheduledEvent(resource, atMs) : parseJson(Input)),
    })),
  };
};

const readSchedule = (resource: Resource): ScheduleSetting | undefined => {
  const schedule = parse(Schedule, resource);
  if (schedule.State === 'DISABLED') return undefined;
  const { Arn, Input = '{}' } = schedule.Target;
  return {
    id: `${resource.stackName}/${resource.logicalId}`,
    next: readExpression(resource, schedule.ScheduleExpression, schedule.ScheduleExpressionTimezone),
    targets: [
      {
        functionReference: Arn,
        event: (atMs) =>
          parseJson(Input.replaceAll('<aws.scheduler.scheduled-time>', new Date(atMs).toISOString())),
      },
    ],
  };
};

const parseJson = (text: string): unknown => JSON.parse(text);

const scheduledEvent = (resource: Resource, atMs: number): Readonly<Record<string, unknown>> => ({
  version: '0',
  id: randomUUID(),
  'detail-type': 'Scheduled Event',
  source: 'aws.events',
  account: resource.accountId,
  time: new Date(atMs).toISOString().replace('.000Z', 'Z'),
  region: resource.region,
  resources: [`arn:aws:events:${resource.region}:${resource.accountId}:rule/${resource.physicalName}`],
  detail: {},
});

const readExpression = (resource: Resource, expression: string, timeZone?: string): NextFiring => {
  try {
    return parseScheduleExpression(expression, timeZone);
  } catch (error) {
    throw new TemplateError(
      { ...resource, property: 'ScheduleExpression' },
      error instanceof Error ? error.message : String(error),
    );
  }
};

const parse = <Schema extends z.ZodType>(schema: Schema, resource: Resource): z.infer<Schema> => {
  const parsed = schema.safeParse(resource.properties);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new TemplateError(
    { ...resource, property: issue?.path.join('.') ?? '' },
    issue?.message ?? 'is not valid',
  );
};
