/** What differs in the stack of a local cloud: one token is everybody there, so that its limit is that of a machine. */
import type { Limits } from '#contracts/config.ts';

const limits: Partial<Limits> = { requestsPerMinute: 60_000, requestBurstMax: 10_000 };

/** The context to synthesise a local stack with. */
export const localContext: Readonly<Record<string, string>> = { limits: JSON.stringify(limits) };
