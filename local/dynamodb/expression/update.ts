/** Updates with their names and values bound, checked once and then applied to an item. */
import { validation } from '#local/kernel/aws-error.ts';
import type { AwsError } from '#local/kernel/aws-error.ts';
import { addNumbers, subtractNumbers } from '../number.ts';
import { setMembers, typeOf } from '../value.ts';
import type { AttributeValue, Item, TypeTag } from '../value.ts';
import { boundPath, boundValue } from './bindings.ts';
import type { Bindings } from './bindings.ts';
import { clashOf, valueAt } from './path.ts';
import type { Path } from './path.ts';
import { rebuild } from './rebuild.ts';
import type { Change } from './rebuild.ts';
import { invalid } from './token.ts';
import type { UpdateAction, UpdateOperand } from './update-syntax.ts';

/** A bound update. */
export interface Update {
  /** Where it writes, in the order of the expression. */
  readonly paths: readonly Path[];
  /** The item after the update; every operand is read from the item before it. */
  readonly apply: (before: Item) => Item;
}

/** Binds an update; refuses overlapping paths and operands whose types can never be right. */
export const bindUpdate = (actions: readonly UpdateAction[], bindings: Bindings): Update => {
  const bound = actions.map((action) => bindAction(action, bindings));
  const paths = bound.map(({ path }) => path);
  refuseClashes(paths);
  return { paths, apply: applier(bound) };
};

const KIND = 'UpdateExpression';
const WRONG_OPERAND = 'An operand in the update expression has an incorrect data type';
const MISSING_OPERAND = 'The provided expression refers to an attribute that does not exist in the item';

const applier =
  (actions: readonly BoundAction[]): Update['apply'] =>
  (before) => {
    const changes: Change[] = [];
    for (const { path, read } of actions) {
      const value = read(before);
      if (value !== UNCHANGED) changes.push({ path, value });
    }
    return rebuild(before, changes);
  };

const remove = (): undefined => undefined;

/** The action leaves the item as it is. */
const UNCHANGED = Symbol('unchanged');

/** A new value, undefined for a removal. */
type Outcome = AttributeValue | undefined | typeof UNCHANGED;

interface BoundAction {
  readonly path: Path;
  readonly read: (before: Item) => Outcome;
}

type Read = (before: Item) => AttributeValue;

const bindAction = (action: UpdateAction, bindings: Bindings): BoundAction => {
  const path = boundPath(bindings, KIND, action.path);
  switch (action.kind) {
    case 'SET':
      return { path, read: bindOperand(action.operand, bindings) };
    case 'REMOVE':
      return { path, read: remove };
    case 'ADD':
      return { path, read: bindAdd(path, boundValue(bindings, KIND, action.placeholder)) };
    case 'DELETE':
      return { path, read: bindDelete(path, boundValue(bindings, KIND, action.placeholder)) };
  }
};

const bindOperand = (operand: UpdateOperand, bindings: Bindings): Read => {
  switch (operand.kind) {
    case 'path': {
      const path = boundPath(bindings, KIND, operand.path);
      return (before) => {
        const value = valueAt(before, path);
        if (value === undefined) throw validation(MISSING_OPERAND);
        return value;
      };
    }
    case 'value': {
      const constant = boundValue(bindings, KIND, operand.placeholder);
      return () => constant;
    }
    case 'if_not_exists': {
      const path = boundPath(bindings, KIND, operand.path);
      const fallback = bindOperand(operand.fallback, bindings);
      return (before) => valueAt(before, path) ?? fallback(before);
    }
    case 'list_append':
      return bindAppend(operand, bindings);
    case '+':
    case '-':
      return bindArithmetic(operand, bindings);
  }
};

const bindAppend = (
  operand: { readonly left: UpdateOperand; readonly right: UpdateOperand },
  bindings: Bindings,
): Read => {
  for (const side of [operand.left, operand.right]) refuseType('list_append', side, bindings, 'L');
  const left = bindOperand(operand.left, bindings);
  const right = bindOperand(operand.right, bindings);
  return (before) => {
    const head = left(before);
    const tail = right(before);
    if (!('L' in head) || !('L' in tail)) throw validation(WRONG_OPERAND);
    return { L: [...head.L, ...tail.L] };
  };
};

const bindArithmetic = (operand: Extract<UpdateOperand, { kind: '+' | '-' }>, bindings: Bindings): Read => {
  for (const side of [operand.left, operand.right]) refuseType(operand.kind, side, bindings, 'N');
  const left = bindOperand(operand.left, bindings);
  const right = bindOperand(operand.right, bindings);
  const compute = operand.kind === '+' ? addNumbers : subtractNumbers;
  return (before) => {
    const one = left(before);
    const other = right(before);
    if (!('N' in one) || !('N' in other)) throw validation(WRONG_OPERAND);
    return { N: compute(one.N, other.N) };
  };
};

const bindAdd = (path: Path, operand: AttributeValue): ((before: Item) => Outcome) => {
  const added = setMembers(operand);
  if (!('N' in operand) && added === undefined) throw wrongSection('ADD', operand);
  return (before) => {
    const present = valueAt(before, path);
    if (present === undefined) return operand;
    if ('N' in operand) {
      if (!('N' in present)) throw validation(WRONG_OPERAND);
      return { N: addNumbers(present.N, operand.N) };
    }
    const members = membersOf(present, operand);
    return setOf(operand, [...new Set([...members, ...(added ?? [])])]);
  };
};

const bindDelete = (path: Path, operand: AttributeValue): ((before: Item) => Outcome) => {
  const members = setMembers(operand);
  if (members === undefined) throw wrongSection('DELETE', operand);
  const deleted = new Set(members);
  return (before) => {
    const present = valueAt(before, path);
    if (present === undefined) return UNCHANGED;
    const left = membersOf(present, operand).filter((member) => !deleted.has(member));
    return left.length === 0 ? undefined : setOf(operand, left);
  };
};

const membersOf = (present: AttributeValue, operand: AttributeValue): readonly string[] => {
  const members = setMembers(present);
  if (members === undefined || typeOf(present) !== typeOf(operand)) throw validation(WRONG_OPERAND);
  return members;
};

const setOf = (like: AttributeValue, members: readonly string[]): AttributeValue => {
  if ('SS' in like) return { SS: members };
  return 'NS' in like ? { NS: members } : { BS: members };
};

/** Only a value that came with the request has a type before the item is known. */
const refuseType = (operator: string, operand: UpdateOperand, bindings: Bindings, wanted: TypeTag): void => {
  if (operand.kind !== 'value') return;
  const type = typeOf(boundValue(bindings, KIND, operand.placeholder));
  if (type === wanted) return;
  throw invalid(
    KIND,
    'Incorrect operand type for operator or function; ' +
      `operator or function: ${operator}, operand type: ${type}`,
  );
};

const TYPE_WORDS: Readonly<Record<TypeTag, string>> = {
  S: 'STRING',
  N: 'NUMBER',
  B: 'BINARY',
  BOOL: 'BOOLEAN',
  NULL: 'NULL',
  SS: 'STRING_SET',
  NS: 'NUMBER_SET',
  BS: 'BINARY_SET',
  L: 'LIST',
  M: 'MAP',
};

const wrongSection = (section: string, operand: AttributeValue): AwsError =>
  invalid(
    KIND,
    'Incorrect operand type for operator or function; ' +
      `operator: ${section}, operand type: ${TYPE_WORDS[typeOf(operand)]}`,
  );

const refuseClashes = (paths: readonly Path[]): void => {
  paths.forEach((path, place) => {
    for (const earlier of paths.slice(0, place)) {
      const clash = clashOf(earlier, path);
      if (clash !== undefined) throw invalid(KIND, clash);
    }
  });
};
