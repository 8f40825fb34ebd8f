/** Free text of workers on its way into the ledger. */
import { runLimits } from '#contracts/runs/limits.ts';
import { redactSecrets } from '#domain/kernel/redact.ts';

const CUT = ' [cut]';

/** How much more than what is kept is looked at: a text shrinks where secrets are taken out. */
const SLACK = 4;

/** Free text as it may stand in the ledger: without secrets and at most `max` characters. */
export const safeText = (text: string, max: number = runLimits.messageLengthMax): string => {
  const redacted = redactSecrets(text.slice(0, max * SLACK));
  return redacted.length <= max && text.length <= max * SLACK
    ? redacted
    : redacted.slice(0, max - CUT.length) + CUT;
};
