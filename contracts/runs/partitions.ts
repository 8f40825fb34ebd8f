/** What readers get of the partitions of assets (asset reference, sections 8.10 and 15). */
import * as z from 'zod';

/** What became of an attempt at a partition. */
export const PartitionOutcome = z.enum(['succeeded', 'failed', 'cancelled', 'timed_out']);
export type PartitionOutcome = z.infer<typeof PartitionOutcome>;
