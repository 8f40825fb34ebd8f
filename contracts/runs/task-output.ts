/** What a worker says about the end of an attempt (asset reference, section 7.3). */
import * as z from 'zod';

/** Whether what the task wrote can be read by others. */
export const OutputVisibilityState = z.enum(['PENDING', 'VISIBLE', 'FAILED']);
export type OutputVisibilityState = z.infer<typeof OutputVisibilityState>;

/** What an attempt's output is on the wire. */
export const OutputFields = z.strictObject({
  materializationId: z.string().min(1).max(256).optional(),
  rowCount: z.int().min(0).optional(),
  byteSize: z.int().min(0).optional(),
  outputPath: z.string().min(1).max(2048).optional(),
  deltaTable: z.string().min(1).max(512).optional(),
  deltaVersion: z.int().min(0).optional(),
  deltaPartition: z.string().min(1).max(1024).optional(),
  outputVisibilityState: OutputVisibilityState.optional(),
  publishedAt: z.iso.datetime({ offset: true }).optional(),
  publishError: z.string().max(65_536).optional(),
});

/**
 * Output of a successful attempt. The lineage members are always carried, present or undefined, so that no code
 * between callback and read model can lose them without the compiler noticing.
 */
export const TaskOutput = OutputFields.transform((output) => ({
  ...output,
  deltaTable: output.deltaTable,
  deltaVersion: output.deltaVersion,
  deltaPartition: output.deltaPartition,
})).readonly();
export type TaskOutput = z.infer<typeof TaskOutput>;

/** What kind of failure ended an attempt. */
export const ErrorCategory = z.enum([
  'USER_CODE',
  'DATA_QUALITY',
  'INFRASTRUCTURE',
  'CONFIGURATION',
  'TIMEOUT',
  'CANCELLED',
]);
export type ErrorCategory = z.infer<typeof ErrorCategory>;

/** Whether a failure of this category is worth another attempt; `retryable` in the report overrides it. */
export const isRetryableCategory = {
  USER_CODE: true,
  DATA_QUALITY: false,
  INFRASTRUCTURE: true,
  CONFIGURATION: false,
  TIMEOUT: true,
  CANCELLED: false,
} as const satisfies Record<ErrorCategory, boolean>;

/** Why an attempt failed, by the worker's word. */
export const TaskError = z
  .strictObject({
    category: ErrorCategory,
    message: z.string().max(65_536),
    stackTrace: z.string().max(262_144).optional(),
    retryable: z.boolean().optional(),
  })
  .readonly();
export type TaskError = z.infer<typeof TaskError>;

/** What an attempt used, as far as the worker measured it. */
export const TaskMetrics = z
  .strictObject({
    cpuTimeMs: z.int().min(0).optional(),
    peakMemoryBytes: z.int().min(0).optional(),
    ioReadBytes: z.int().min(0).optional(),
    ioWriteBytes: z.int().min(0).optional(),
  })
  .readonly();
export type TaskMetrics = z.infer<typeof TaskMetrics>;
