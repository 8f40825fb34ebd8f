/** Key conditions: one partition, and a range of its sort values. */
import { validation } from '#local/kernel/aws-error.ts';
import { boundPath, boundValue } from './expression/bindings.ts';
import type { Bindings } from './expression/bindings.ts';
import { bindCondition } from './expression/condition.ts';
import type { Condition, Operand } from './expression/condition-syntax.ts';
import { invalid } from './expression/token.ts';
import { partitionText } from './key.ts';
import type { KeyAttribute, KeySchema } from './key.ts';
import { bytesOf, compareValues, typeOf } from './value.ts';
import type { AttributeValue } from './value.ts';

export interface KeyRange {
  readonly partition: string;
  /** The condition of the range key; undefined for a whole partition. */
  readonly term: Term | undefined;
}

/** Binds a key condition; refuses what is no equality of the hash key and one condition of the range key. */
export const bindKeyCondition = (condition: Condition, schema: KeySchema, bindings: Bindings): KeyRange => {
  bindCondition(KIND, condition, bindings);
  const terms = termsOf(condition, bindings);
  refuseSecond(terms);
  const hash = terms.find(({ name }) => name === schema.hash.name);
  if (hash === undefined) {
    throw validation(`Query condition missed key schema element: ${schema.hash.name}`);
  }
  if (hash.operator !== '=') throw validation(UNSUPPORTED);
  const range = terms.find((term) => term !== hash);
  if (range !== undefined && range.name !== schema.range?.name) {
    throw schema.range
      ? validation(`Query condition missed key schema element: ${schema.range.name}`)
      : validation(UNSUPPORTED);
  }
  requireTypes(hash, schema.hash);
  if (range && schema.range) requireTypes(range, schema.range);
  return { partition: partitionText(hash.value), term: range };
};

/** Whether a sort value has reached the range; along the order it stays so. */
export const hasBegun = ({ term }: KeyRange, sort: AttributeValue): boolean => {
  switch (term?.operator) {
    case undefined:
    case '<':
    case '<=':
      return true;
    case '>':
      return compareValues(sort, term.value) > 0;
    case '=':
    case '>=':
    case 'BETWEEN':
    case 'begins_with':
      return compareValues(sort, term.value) >= 0;
  }
};

/** Whether a sort value lies past the range; along the order it stays so. */
export const hasEnded = ({ term }: KeyRange, sort: AttributeValue): boolean => {
  switch (term?.operator) {
    case undefined:
    case '>':
    case '>=':
      return false;
    case '<':
      return compareValues(sort, term.value) >= 0;
    case '=':
    case '<=':
      return compareValues(sort, term.value) > 0;
    case 'BETWEEN':
      return compareValues(sort, term.upper ?? term.value) > 0;
    case 'begins_with':
      return compareValues(sort, term.value) > 0 && !hasPrefix(sort, term.value);
  }
};

const KIND = 'KeyConditionExpression';
const UNSUPPORTED = 'Query key condition not supported';

type Operator = '=' | '<' | '<=' | '>' | '>=' | 'BETWEEN' | 'begins_with';

/** One condition on one key attribute; `upper` belongs to BETWEEN. */
interface Term {
  readonly name: string;
  readonly operator: Operator;
  readonly value: AttributeValue;
  readonly upper?: AttributeValue;
}

const termsOf = (condition: Condition, bindings: Bindings): readonly Term[] => {
  switch (condition.kind) {
    case 'and':
      return [...termsOf(condition.left, bindings), ...termsOf(condition.right, bindings)];
    case 'or':
      throw badOperator('OR');
    case 'not':
      throw badOperator('NOT');
    case 'in':
      throw badOperator('IN');
    case 'comparison':
      return [comparisonTerm(condition, bindings)];
    case 'between':
      return [
        {
          name: attributeName(condition.operand, bindings),
          operator: 'BETWEEN',
          value: constant(condition.lower, bindings),
          upper: constant(condition.upper, bindings),
        },
      ];
    case 'function': {
      const [subject, argument] = condition.operands;
      if (condition.name !== 'begins_with' || !subject || !argument) throw badOperator(condition.name);
      return [
        {
          name: attributeName(subject, bindings),
          operator: 'begins_with',
          value: constant(argument, bindings),
        },
      ];
    }
  }
};

const comparisonTerm = (condition: Extract<Condition, { kind: 'comparison' }>, bindings: Bindings): Term => {
  const { comparator, left, right } = condition;
  if (comparator === '<>') throw badOperator('<>');
  return left.kind === 'value'
    ? {
        name: attributeName(right, bindings),
        operator: MIRRORED[comparator],
        value: constant(left, bindings),
      }
    : { name: attributeName(left, bindings), operator: comparator, value: constant(right, bindings) };
};

const MIRRORED = { '=': '=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const;

const attributeName = (operand: Operand, bindings: Bindings): string => {
  if (operand.kind === 'value') {
    throw invalid(KIND, 'No key attribute specified');
  }
  if (operand.kind === 'size') {
    throw validation('Invalid operator used in KeyConditionExpression: size');
  }
  const [name, ...nested] = boundPath(bindings, KIND, operand.path);
  if (nested.length > 0) {
    throw invalid(KIND, 'KeyConditionExpressions cannot have conditions on nested attributes');
  }
  return name;
};

const constant = (operand: Operand, bindings: Bindings): AttributeValue => {
  if (operand.kind === 'value') return boundValue(bindings, KIND, operand.placeholder);
  throw validation(
    'Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition',
  );
};

const hasPrefix = (sort: AttributeValue, prefix: AttributeValue): boolean => {
  if ('S' in sort && 'S' in prefix) return sort.S.startsWith(prefix.S);
  if (!('B' in sort) || !('B' in prefix)) return false;
  const start = bytesOf(prefix.B);
  return bytesOf(sort.B).subarray(0, start.length).equals(start);
};

const refuseSecond = (terms: readonly Term[]): void => {
  const names = terms.map(({ name }) => name);
  if (new Set(names).size !== names.length) {
    throw invalid(KIND, 'KeyConditionExpressions must only contain one condition per key');
  }
  if (terms.length > 2) throw validation('Conditions can be of length 1 or 2 only');
};

const requireTypes = ({ operator, value, upper }: Term, { name, type }: KeyAttribute): void => {
  for (const operand of upper === undefined ? [value] : [value, upper]) {
    if (typeOf(operand) !== type) {
      throw validation(
        'One or more parameter values were invalid: Condition parameter type does not match schema type',
      );
    }
    const isEmpty = ('S' in operand && operand.S === '') || ('B' in operand && operand.B === '');
    if (!isEmpty || operator === 'begins_with') continue;
    throw validation(
      'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain ' +
        `an empty ${type === 'S' ? 'string' : 'binary'} value. Key: ${name}`,
    );
  }
};

const badOperator = (operator: string) =>
  validation(`Invalid operator used in KeyConditionExpression: ${operator}`);
