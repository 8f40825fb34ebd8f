/** Called by the `feed-recovery` state machine. */
import { readEnvironment } from '#contracts/config.ts';
import { feedRecovery } from '#functions/feed-recovery/feed-recovery.ts';
import type { RecoveryAnswer } from '#functions/feed-recovery/feed-recovery.ts';
import { lazily } from '#functions/shared/handler.ts';
import type { Source } from '#functions/shared/handler.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { actingOf, resumeTokensOf } from '#functions/shared/wiring.ts';

/** Builds the handler from its settings. */
export const createHandler = (source: Source, plugin?: object) => {
  const environment = readEnvironment('feed-recovery', source);
  const platform = platformOf(plugin);
  const acting = actingOf('feed-recovery', environment, platform);
  const ports = { ...acting, tokens: resumeTokensOf(environment, platform, acting.telemetry) };
  return async (event: unknown): Promise<RecoveryAnswer> => {
    try {
      return await feedRecovery(ports, event);
    } finally {
      acting.telemetry.flush();
    }
  };
};

/** What AWS calls; it builds itself at the first event. */
export const handler = lazily(createHandler);
