/** Walks a definition and names every fault with its place; nothing is passed over in silence. */
import { graphFields, refusalOf, ruleFields, stateFields } from './definition-fields.ts';
import type { FieldRules } from './definition-fields.ts';
import type { Problem } from './template-check.ts';
import { checkFields, target } from './field-check.ts';
import { fieldsOf, listOf, startPlace } from './definition-place.ts';
import type { Fields, Place } from './definition-place.ts';
import { checkHandlers } from './handler-check.ts';

const nameMax = 80;

/** Every fault of a parsed definition. */
export const checkMachine = (value: unknown): readonly Problem[] => {
  const place = startPlace();
  const machine = fieldsOf(value, place);
  if (machine) {
    if (machine['QueryLanguage'] !== 'JSONata')
      place.at('QueryLanguage').refuse('must be JSONata; JSONPath, the default, is not supported');
    if (!['1.0', undefined].includes(machine['Version'] as string | undefined))
      place.at('Version').refuse('must be 1.0');
    checkGraph(machine, 'machine', place);
  }
  return place.problems();
};

const checkGraph = (graph: Fields, kind: 'machine' | 'branch' | 'processor', place: Place): void => {
  checkFields(graph, graphFields[kind], place);
  if (kind !== 'machine') checkLanguage(graph, place);
  const states = fieldsOf(graph['States'] ?? undefined, place.at('States'));
  if (!states) return;
  const startAt = graph['StartAt'];
  if (startAt === undefined) place.at('StartAt').refuse('is missing');
  else if (typeof startAt === 'string') target(startAt, states, place.at('StartAt'));
  if (Object.keys(states).length === 0) place.at('States').refuse('must hold at least one state');

  const targets = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(states)) {
    const at = place.at('States').at(name);
    if (name.length > nameMax) at.refuse(`a state name has at most ${String(nameMax)} characters`);
    if (place.names.has(name)) at.refuse('the state name is used twice in this definition');
    place.names.add(name);
    const state = fieldsOf(value, at);
    if (state) targets.set(name, checkState(state, states, at));
  }
  if (typeof startAt === 'string') checkReachable(startAt, targets, place);
};

const checkLanguage = (fields: Fields, place: Place): void => {
  const language = fields['QueryLanguage'];
  if (language !== undefined && language !== 'JSONata')
    place.at('QueryLanguage').refuse('must be JSONata; JSONPath is not supported');
};

const checkReachable = (
  startAt: string,
  targets: ReadonlyMap<string, readonly string[]>,
  place: Place,
): void => {
  if (!targets.has(startAt)) return;
  const reached = new Set([startAt]);
  for (const name of reached) for (const target of targets.get(name) ?? []) reached.add(target);
  for (const name of targets.keys())
    if (!reached.has(name)) place.at('States').at(name).refuse('no transition leads to this state');
};

/** Checks one state and answers the states it may lead to. */
const checkState = (state: Fields, states: Fields, place: Place): readonly string[] => {
  const type = state['Type'];
  const rules = typeof type === 'string' && Object.hasOwn(stateFields, type) ? stateFields[type] : undefined;
  if (rules === undefined) {
    place.at('Type').refuse(typeof type === 'string' ? `${type} is not a state type` : 'is missing');
    return [];
  }
  checkFields(state, rules, place);
  checkLanguage(state, place);
  checkLeaving(state, rules, place);
  checkType(state, place);
  return [
    ...target(state['Next'], states, place.at('Next')),
    ...target(state['Default'], states, place.at('Default')),
    ...checkRules(state['Choices'], states, place.at('Choices')),
    ...checkHandlers(state, states, place),
  ];
};

const checkLeaving = (state: Fields, rules: FieldRules, place: Place): void => {
  if (!Object.hasOwn(rules, 'Next')) return;
  if (state['Next'] === undefined && state['End'] === undefined) place.refuse('needs Next or End');
  if (state['Next'] !== undefined && state['End'] !== undefined) place.refuse('has both Next and End');
};

const checkType = (state: Fields, place: Place): void => {
  switch (state['Type']) {
    case 'Wait':
      if ((state['Seconds'] === undefined) === (state['Timestamp'] === undefined))
        place.refuse('needs exactly one of Seconds and Timestamp');
      break;
    case 'Choice':
      if (state['Choices'] === undefined) place.at('Choices').refuse('is missing');
      break;
    case 'Task':
      checkTask(state, place);
      break;
    case 'Parallel':
      for (const [index, branch] of listOf(state['Branches'], place.at('Branches')).entries()) {
        const at = place.at('Branches').at(index);
        const graph = fieldsOf(branch, at);
        if (graph) checkGraph(graph, 'branch', at);
      }
      break;
    case 'Map':
      checkMap(state, place);
      break;
    default:
  }
};

const checkTask = (state: Fields, place: Place): void => {
  const resource = state['Resource'];
  const at = place.at('Resource');
  if (typeof resource !== 'string' || !resource.startsWith('arn:')) {
    at.refuse('must be the ARN of a function or an integration');
    return;
  }
  if (/\.sync(:\d+)?$/.test(resource)) at.refuse('waiting for a job to complete (.sync) is not supported');
  if (resource.includes(':activity:')) at.refuse('activities are not supported');
  if (state['HeartbeatSeconds'] !== undefined && !resource.endsWith('.waitForTaskToken'))
    place.at('HeartbeatSeconds').refuse('needs a resource with .waitForTaskToken');
};

const checkMap = (state: Fields, place: Place): void => {
  if (state['Iterator'] !== undefined) return;
  const at = place.at('ItemProcessor');
  const processor = fieldsOf(state['ItemProcessor'], at);
  if (!processor) return;
  const config = processor['ProcessorConfig'];
  if (config !== undefined) {
    const fields = fieldsOf(config, at.at('ProcessorConfig')) ?? {};
    for (const [field, value] of Object.entries(fields)) {
      if (field === 'Mode' && value === 'INLINE') continue;
      at.at('ProcessorConfig')
        .at(field)
        .refuse(field === 'Mode' ? `${String(value)} maps are not supported` : refusalOf(field));
    }
  }
  checkGraph(processor, 'processor', at);
};

const checkRules = (rules: unknown, states: Fields, place: Place): readonly string[] => {
  if (rules === undefined) return [];
  return listOf(rules, place).flatMap((value, index) => {
    const at = place.at(index);
    const rule = fieldsOf(value, at);
    if (!rule) return [];
    checkFields(rule, ruleFields, at);
    if (rule['Condition'] === undefined) at.at('Condition').refuse('is missing');
    if (rule['Next'] === undefined) at.at('Next').refuse('is missing');
    return target(rule['Next'], states, at.at('Next'));
  });
};
