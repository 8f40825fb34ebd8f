/** An alias names a function with a qualifier; locally every qualifier is the one version there is. */
import { arn } from '#local/template/resource-type.ts';
import type { ResourceType } from '#local/template/resource-type.ts';

const aliasArn = arn('lambda', ({ physicalName }) => `function:${physicalName}`);

/** `AWS::Lambda::Alias`: its physical name is `function:alias`. */
export const aliasType: ResourceType = {
  behaviour: 'inert',
  properties: [
    'Name',
    'FunctionName',
    'FunctionVersion',
    'Description',
    'ProvisionedConcurrencyConfig',
    'RoutingConfig',
  ],
  ref: aliasArn,
  attributes: { AliasArn: aliasArn },
};

/** The bare function name in a name, an ARN, or either with a qualifier. */
export const functionNameOf = (reference: string): string => {
  const parts = reference.split(':');
  return (reference.startsWith('arn:') ? parts[6] : parts[0]) ?? reference;
};
