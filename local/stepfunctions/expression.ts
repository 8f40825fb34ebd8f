/**
 * JSONata in state machines: a string `{% … %}` is an expression, anything else stands for itself. The root
 * document is undefined, as on AWS; data arrives as `$states` and as the machine's variables.
 */
import jsonata from 'jsonata';
import type { Clock } from '#local/kernel/clock.ts';
import { machineFunctions } from './jsonata-functions.ts';
import { StateError } from './state-error.ts';

/** Values an expression sees under `$name`. */
export type Bindings = Readonly<Record<string, unknown>>;

/** Evaluates every expression inside a template; `field` names the place in the cause of a failure. */
export type Evaluate = (template: unknown, bindings: Bindings, field: string) => Promise<unknown>;

/** Bounds AWS sets on one expression: 100 levels of nesting and about five seconds. */
const bounds = { timeout: 5_000, stack: 100 } as const;
const compiledMax = 5_000;
const compiled = new Map<string, jsonata.Expression>();

/** The expression between `{%` and `%}`. */
export const sourceOf = (text: string): string => text.slice(2, -2).trim();

/** Parses an expression, once per source; throws JSONata's own error when it does not parse. */
export const compile = (source: string): jsonata.Expression => {
  const known = compiled.get(source);
  if (known) return known;
  if (compiled.size >= compiledMax) compiled.clear();
  const expression = jsonata(source, bounds);
  compiled.set(source, expression);
  return expression;
};

/** Builds the evaluator of one engine: time comes from its clock, chance from its seed. */
export const createEvaluate = (setting: {
  readonly clock: Clock;
  readonly chance: () => number;
}): Evaluate => {
  const functions = machineFunctions(setting);
  const evaluateText = async (text: string, bindings: Bindings, field: string): Promise<unknown> => {
    const source = sourceOf(text);
    const about = `The JSONata expression '${source}' specified for the field '${field}'`;
    let value: unknown;
    try {
      value = (await compile(source).evaluate(undefined, { ...functions(), ...bindings })) as unknown;
    } catch (thrown) {
      throw queryError(`${about} threw an error: ${messageOf(thrown)}`, field);
    }
    return asJson(value, field, about);
  };

  const evaluate: Evaluate = async (template, bindings, field) => {
    if (typeof template === 'string') {
      return template.startsWith('{%') && template.endsWith('%}')
        ? evaluateText(template, bindings, field)
        : template;
    }
    if (Array.isArray(template)) {
      const items: unknown[] = [];
      // One after another, so that seeded chance is drawn in the order of the text.
      for (const [index, item] of template.entries())
        items.push(await evaluate(item, bindings, `${field}[${String(index)}]`));
      return items;
    }
    if (typeof template !== 'object' || template === null) return template;
    const members: [string, unknown][] = [];
    for (const [key, item] of Object.entries(template))
      members.push([key, await evaluate(item, bindings, `${field}/${key}`)]);
    return Object.fromEntries(members);
  };
  return evaluate;
};

/** JSONata answers carry markers and may share structure with their input; what leaves here is plain JSON. */
const asJson = (value: unknown, field: string, about: string): unknown => {
  if (value === undefined) throw queryError(`${about} returned nothing (undefined).`, field);
  const isFunction =
    typeof value === 'function' ||
    (typeof value === 'object' &&
      value !== null &&
      ('_jsonata_function' in value || '_jsonata_lambda' in value));
  if (isFunction) throw queryError(`${about} returned an unsupported type.`, field);
  return JSON.parse(JSON.stringify(value)) as unknown;
};

/** What JSONata says went wrong; it throws plain objects. */
export const messageOf = (thrown: unknown): string =>
  typeof thrown === 'object' && thrown !== null && 'message' in thrown && typeof thrown.message === 'string'
    ? thrown.message
    : 'unknown error';

/** The failure of an expression, or of a value an expression gave that its field cannot take. */
export const queryError = (reason: string, field: string): StateError =>
  new StateError('States.QueryEvaluationError', reason, { location: field });
