import { SFNClient } from '@aws-sdk/client-sfn';
import { sharedClient } from '#adapters/sdk/connection.ts';

/** The environment's client of Step Functions. */
export const stepFunctionsClient = sharedClient((configuration) => new SFNClient(configuration));
