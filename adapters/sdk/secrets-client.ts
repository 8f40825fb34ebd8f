import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { sharedClient } from '#adapters/sdk/connection.ts';

/** The environment's client of Secrets Manager. */
export const secretsClient = sharedClient((configuration) => new SecretsManagerClient(configuration));
