/** Checks the fields of one object of a definition against the table of what may stand there. */
import { refusalOf } from './definition-fields.ts';
import type { FieldRule, FieldRules } from './definition-fields.ts';
import type { Fields, Place } from './definition-place.ts';
import { isExpression, templateProblems } from './template-check.ts';

const secondsMax = 99_999_999;

const isCount = (value: unknown, least: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= least && value <= secondsMax;

const fieldFault = (rule: FieldRule, value: unknown): string | undefined => {
  switch (rule) {
    case 'text':
      return typeof value === 'string' ? undefined : 'must be text';
    case 'flag':
      return value === true ? undefined : 'must be true when present';
    case 'count':
      return isCount(value, 0) ? undefined : 'must be a whole number of at least 0';
    case 'positive':
      return isCount(value, 1) ? undefined : 'must be a whole number of at least 1';
    case 'count-or-expression':
      return isExpression(value) || isCount(value, 0)
        ? undefined
        : 'must be a whole number of at least 0 or an expression';
    case 'positive-or-expression':
      return isExpression(value) || isCount(value, 1)
        ? undefined
        : 'must be a whole number of at least 1 or an expression';
    case 'expression':
      return isExpression(value) || typeof value === 'boolean' ? undefined : 'must be an expression {% … %}';
    case 'object-template':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
        ? undefined
        : 'must be an object';
    case 'template':
    case 'structure':
      return undefined;
  }
};

/** Refuses every field the rules do not know and every value its rule does not allow. */
export const checkFields = (fields: Fields, rules: FieldRules, place: Place): void => {
  for (const [field, value] of Object.entries(fields)) {
    const rule = Object.hasOwn(rules, field) ? rules[field] : undefined;
    const fault = rule === undefined ? refusalOf(field) : fieldFault(rule, value);
    if (fault !== undefined) place.at(field).refuse(fault);
    else if (rule !== 'text' && rule !== 'structure')
      place.add(templateProblems(value, `${place.path}/${field}`));
  }
  const assigned = fields['Assign'];
  if (typeof assigned === 'object' && assigned !== null && 'states' in assigned)
    place.at('Assign').at('states').refuse('states is a reserved variable name');
};

/** The state a `Next` leads to; refuses the name of none. */
export const target = (name: unknown, states: Fields, place: Place): readonly string[] => {
  if (typeof name !== 'string') return [];
  if (Object.hasOwn(states, name)) return [name];
  place.refuse(`there is no state named ${name}`);
  return [];
};
