/** What an event source mapping of the template asks for, with the defaults of AWS. */
import * as z from 'zod';

import type { Resource } from '#local/template/resolve-stack.ts';
import { TemplateError } from '#local/template/template-error.ts';

const Filters = z.strictObject({
  Filters: z.array(z.strictObject({ Pattern: z.string() })).optional(),
});

const Properties = z.object({
  EventSourceArn: z.string(),
  FunctionName: z.string(),
  Enabled: z.boolean().default(true),
  BatchSize: z.int().min(1).max(10_000).optional(),
  MaximumBatchingWindowInSeconds: z.int().min(0).max(300).default(0),
  StartingPosition: z.enum(['TRIM_HORIZON', 'LATEST']).optional(),
  ParallelizationFactor: z.int().min(1).max(10).default(1),
  BisectBatchOnFunctionError: z.boolean().default(false),
  MaximumRetryAttempts: z.int().min(-1).max(10_000).default(-1),
  MaximumRecordAgeInSeconds: z.int().min(-1).max(604_800).default(-1),
  FunctionResponseTypes: z.array(z.literal('ReportBatchItemFailures')).default([]),
  FilterCriteria: Filters.optional(),
  DestinationConfig: z
    .strictObject({
      OnFailure: z.strictObject({ Destination: z.string().startsWith('arn:aws:sqs:') }).optional(),
    })
    .optional(),
  ScalingConfig: z.strictObject({ MaximumConcurrency: z.int().min(2).max(1000) }).optional(),
});

/** A mapping's setting, ready to use. */
export interface MappingSetting {
  /** Stable name: stack and logical id; its checkpoints are kept under it. */
  readonly id: string;
  readonly sourceArn: string;
  readonly functionReference: string;
  readonly isEnabled: boolean;
  readonly batchSize: number;
  readonly batchingWindowMs: number;
  readonly startsAt: 'TRIM_HORIZON' | 'LATEST';
  readonly parallelizationFactor: number;
  readonly bisects: boolean;
  /** -1 is without end. */
  readonly retriesMax: number;
  /** -1 is without end. */
  readonly recordAgeMaxMs: number;
  readonly reportsItemFailures: boolean;
  readonly patterns: readonly string[];
  readonly failureQueueArn?: string;
  readonly concurrencyMax: number;
}

/** Pollers a queue mapping starts with on AWS; the local bound when the template sets none. */
const CONCURRENCY_DEFAULT = 5;

/** Reads the properties of an `AWS::Lambda::EventSourceMapping`; refuses what the local cloud cannot do. */
export const readMappingSetting = (resource: Resource): MappingSetting => {
  if (resource.properties['TumblingWindowInSeconds'] !== undefined)
    throw new TemplateError(
      { ...resource, property: 'TumblingWindowInSeconds' },
      'tumbling windows are not supported by the local cloud',
    );
  const parsed = Properties.safeParse(resource.properties);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new TemplateError(
      { ...resource, property: issue?.path.join('.') ?? '' },
      issue?.message ?? 'is not valid',
    );
  }
  const properties = parsed.data;
  const isQueue = properties.EventSourceArn.includes(':sqs:');
  if (!isQueue && properties.StartingPosition === undefined)
    throw new TemplateError({ ...resource, property: 'StartingPosition' }, 'a stream mapping must set it');
  const failureQueueArn = properties.DestinationConfig?.OnFailure?.Destination;
  return {
    id: `${resource.stackName}/${resource.logicalId}`,
    sourceArn: properties.EventSourceArn,
    functionReference: properties.FunctionName,
    isEnabled: properties.Enabled,
    batchSize: properties.BatchSize ?? (isQueue ? 10 : 100),
    batchingWindowMs: properties.MaximumBatchingWindowInSeconds * 1000,
    startsAt: properties.StartingPosition ?? 'TRIM_HORIZON',
    parallelizationFactor: properties.ParallelizationFactor,
    bisects: properties.BisectBatchOnFunctionError,
    retriesMax: properties.MaximumRetryAttempts,
    recordAgeMaxMs:
      properties.MaximumRecordAgeInSeconds < 0 ? -1 : properties.MaximumRecordAgeInSeconds * 1000,
    reportsItemFailures: properties.FunctionResponseTypes.length > 0,
    patterns: properties.FilterCriteria?.Filters?.map(({ Pattern }) => Pattern) ?? [],
    ...(failureQueueArn === undefined ? {} : { failureQueueArn }),
    concurrencyMax: properties.ScalingConfig?.MaximumConcurrency ?? CONCURRENCY_DEFAULT,
  };
};
