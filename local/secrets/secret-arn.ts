/** ARNs of secrets. */
import { createHash } from 'node:crypto';

/**
 * The ARN of a secret: the six characters AWS draws by chance follow from the name here, so that a secret keeps its
 * ARN over a fresh start.
 */
export const secretArnOf = (
  { region, accountId }: { readonly region: string; readonly accountId: string },
  name: string,
): string => {
  const suffix = createHash('sha256').update(`${accountId}/${name}`).digest('hex').slice(0, 6);
  return `arn:aws:secretsmanager:${region}:${accountId}:secret:${name}-${suffix}`;
};
