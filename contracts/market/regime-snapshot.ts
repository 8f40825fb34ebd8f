/** A RegimeInputSnapshot as other programs write it down (market reference, section 5.2). */
import * as z from 'zod';

const part = z.record(z.string(), z.unknown()).optional().catch(undefined);

/**
 * Unknown members are tolerated and dropped. A part that is absent or no object, and a member that is absent from
 * its part, count as missing; null is a value.
 */
export const RegimeInputSnapshot = z.object({
  symbol: z.string(),
  /** The engine timestamp in milliseconds. */
  timestamp: z.int(),
  market: part,
  derivatives: part,
  flow: part,
  context: part,
});
export type RegimeInputSnapshot = z.infer<typeof RegimeInputSnapshot>;
