/** Waiting on the clock of this process. */
import { setTimeout as pause } from 'node:timers/promises';

/** Waits, or returns at once when the signal comes. */
export const waitFor = (waitMs: number, signal?: AbortSignal): Promise<void> =>
  pause(waitMs, undefined, signal && { signal }).catch(() => undefined);
