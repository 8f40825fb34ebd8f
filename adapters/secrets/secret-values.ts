/** Reads secrets from Secrets Manager and keeps them in memory for five minutes. */
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

export interface SecretValues {
  readonly get: (secretId: string) => Promise<string>;
}

const KEPT_MS = 300_000;

/** Secrets by id; a missing one is an error of the deployment and thrown. */
export const secretValues = (client: SecretsManagerClient, nowMs: () => number): SecretValues => {
  const kept = new Map<string, { readonly value: string; readonly untilMs: number }>();
  return {
    get: async (secretId) => {
      const known = kept.get(secretId);
      if (known && known.untilMs > nowMs()) return known.value;
      const answer = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
      if (answer.SecretString === undefined) throw new Error(`secret ${secretId} has no string value`);
      kept.set(secretId, { value: answer.SecretString, untilMs: nowMs() + KEPT_MS });
      return answer.SecretString;
    },
  };
};
