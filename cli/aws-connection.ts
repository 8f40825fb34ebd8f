/** Clients of AWS for commands that speak to its services: to those of the running local stack, or of an account. */
import process from 'node:process';
import { CliError, exitCodes } from '#cli/cli-error.ts';
import { readEndpoint } from '#cli/discovery.ts';

export interface AwsConnection {
  readonly stateDir: string;
  /** The AWS account of the environment instead of a local stack. */
  readonly isAws: boolean;
}

/**
 * Uses clients made with the plugin (see `adapters/sdk/connection.ts`) and closes them; refuses when no local stack runs
 * and AWS was not asked for (`not_found`), or the services cannot be reached (`unavailable`, `missing_credentials`).
 */
export const withAws = async <Result>(
  { stateDir, isAws }: AwsConnection,
  use: (plugin: object) => Promise<Result>,
): Promise<Result> => {
  const clients: object[] = [];
  try {
    return await use({
      configuration: isAws ? {} : localConfiguration(endpointOf(stateDir)),
      attach: (client: object) => void clients.push(client),
    });
  } catch (error) {
    throw asCliError(error);
  } finally {
    for (const client of clients) if (isDestroyable(client)) client.destroy();
  }
};

const localConfiguration = (endpoint: string) => ({
  endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
});

const endpointOf = (stateDir: string): string => {
  const endpoint = process.env['AWS_ENDPOINT_URL'] ?? readEndpoint(stateDir)?.awsUrl;
  if (endpoint !== undefined) return endpoint;
  throw new CliError(
    'not_found',
    `no Sluice runs from ${stateDir}; start one with "sluice up", set AWS_ENDPOINT_URL, or say --aws`,
    { exitCode: exitCodes.portOrState },
  );
};

const isDestroyable = (client: object): client is { readonly destroy: () => void } =>
  'destroy' in client && typeof client.destroy === 'function';

/** What a missing stack looks like to a client of AWS. */
const asCliError = (error: unknown): unknown => {
  if (!(error instanceof Error) || error instanceof CliError) return error;
  const exitCode = exitCodes.portOrState;
  const { name, code } = error as Error & { readonly code?: string };
  if (code === 'ECONNREFUSED')
    return new CliError('unavailable', 'the AWS endpoint does not answer; is "sluice up" running?', {
      exitCode,
    });
  if (name === 'ResourceNotFoundException')
    return new CliError('not_found', `${error.message}; is the stage right (--stage)?`, { exitCode });
  if (name === 'QueueDoesNotExist')
    return new CliError('not_found', `${error.message}; is its name right?`, { exitCode });
  if (name === 'CredentialsProviderError')
    return new CliError('missing_credentials', `AWS credentials are missing: ${error.message}`, { exitCode });
  return error;
};
