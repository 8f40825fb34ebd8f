/** Which field may stand where in a definition, and why a field that may not is refused. */

/** How the value of a field is checked. */
export type FieldRule =
  | 'text'
  | 'template'
  | 'object-template'
  | 'flag'
  | 'count'
  | 'count-or-expression'
  | 'positive'
  | 'positive-or-expression'
  | 'expression'
  | 'structure';

export type FieldRules = Readonly<Record<string, FieldRule>>;

const common: FieldRules = { Type: 'text', Comment: 'text', QueryLanguage: 'structure' };
const leaving: FieldRules = { Next: 'text', End: 'flag', Assign: 'object-template', Output: 'template' };
const failing: FieldRules = { Retry: 'structure', Catch: 'structure' };

/** Fields of a machine, of a branch and of an item processor. */
export const graphFields: Readonly<Record<'machine' | 'branch' | 'processor', FieldRules>> = {
  machine: {
    Comment: 'text',
    QueryLanguage: 'structure',
    StartAt: 'text',
    States: 'structure',
    TimeoutSeconds: 'positive',
    Version: 'structure',
  },
  branch: { Comment: 'text', QueryLanguage: 'structure', StartAt: 'text', States: 'structure' },
  processor: {
    Comment: 'text',
    QueryLanguage: 'structure',
    StartAt: 'text',
    States: 'structure',
    ProcessorConfig: 'structure',
  },
};

/** Fields of each state type. */
export const stateFields: Readonly<Record<string, FieldRules>> = {
  Pass: { ...common, ...leaving },
  Succeed: { ...common, Output: 'template' },
  Fail: { ...common, Error: 'template', Cause: 'template' },
  Wait: { ...common, ...leaving, Seconds: 'count-or-expression', Timestamp: 'template' },
  Choice: {
    ...common,
    Choices: 'structure',
    Default: 'text',
    Assign: 'object-template',
    Output: 'template',
  },
  Task: {
    ...common,
    ...leaving,
    ...failing,
    Resource: 'structure',
    Arguments: 'template',
    TimeoutSeconds: 'positive-or-expression',
    HeartbeatSeconds: 'positive-or-expression',
  },
  Parallel: { ...common, ...leaving, ...failing, Branches: 'structure', Arguments: 'template' },
  Map: {
    ...common,
    ...leaving,
    ...failing,
    ItemProcessor: 'structure',
    Items: 'template',
    ItemSelector: 'template',
    MaxConcurrency: 'count-or-expression',
    ToleratedFailureCount: 'count-or-expression',
    ToleratedFailurePercentage: 'count-or-expression',
  },
};

/** Fields of a choice rule. */
export const ruleFields: FieldRules = {
  Comment: 'text',
  Condition: 'expression',
  Next: 'text',
  Assign: 'object-template',
  Output: 'template',
};

/** Fields of a retrier. */
export const retrierFields: FieldRules = {
  Comment: 'text',
  ErrorEquals: 'structure',
  IntervalSeconds: 'positive',
  MaxAttempts: 'count',
  BackoffRate: 'structure',
  MaxDelaySeconds: 'positive',
  JitterStrategy: 'structure',
};

/** Fields of a catcher. */
export const catcherFields: FieldRules = {
  Comment: 'text',
  ErrorEquals: 'structure',
  Next: 'text',
  Assign: 'object-template',
  Output: 'template',
};

const jsonPathFields: ReadonlySet<string> = new Set([
  'InputPath',
  'OutputPath',
  'ResultPath',
  'Parameters',
  'ResultSelector',
  'Result',
  'Variable',
  'And',
  'Or',
  'Not',
]);
const jsonPathComparison = /^(String|Numeric|Boolean|Timestamp)[A-Z]\w*$|^Is[A-Z]\w*$/;

const unsupportedFields: Readonly<Record<string, string>> = {
  Credentials: 'task credentials are not supported',
  ItemReader: 'item readers belong to distributed maps, which are not supported',
  ItemBatcher: 'item batching belongs to distributed maps, which are not supported',
  ResultWriter: 'result writers belong to distributed maps, which are not supported',
  Label: 'labels belong to distributed maps, which are not supported',
  Iterator: 'Iterator is the old name of ItemProcessor and is not supported',
};

/** The reason a field has no place where it was found. */
export const refusalOf = (field: string): string => {
  if (jsonPathFields.has(field) || field.endsWith('Path') || jsonPathComparison.test(field))
    return `${field} is a JSONPath field; only JSONata is supported`;
  return unsupportedFields[field] ?? `${field} is not a field here`;
};
