/** Conditions with their names and values bound, checked once and then tested against many items. */
import type { AwsError } from '#local/kernel/aws-error.ts';
import { binarySize } from '../size.ts';
import { bytesOf, compareValues, equalValues, setMembers, typeOf } from '../value.ts';
import type { AttributeValue, Item } from '../value.ts';
import { boundPath, boundValue } from './bindings.ts';
import type { Bindings } from './bindings.ts';
import type { Comparator, Condition, ConditionFunction, Operand } from './condition-syntax.ts';
import { formatPath, isSamePath, valueAt } from './path.ts';
import type { Path } from './path.ts';
import { invalid } from './token.ts';
import type { ExpressionKind } from './token.ts';

/** Whether an item meets a condition. */
export type Test = (item: Item) => boolean;

/** Binds a condition; refuses operands whose types can never be right. */
export const bindCondition = (kind: ExpressionKind, condition: Condition, bindings: Bindings): Test =>
  bind({ kind, bindings }, condition);

interface Binding {
  readonly kind: ExpressionKind;
  readonly bindings: Bindings;
}

type Read = (item: Item) => AttributeValue | undefined;

/** An operand that gives its value for an item; `constant` when the value came with the request. */
interface BoundOperand {
  readonly read: Read;
  readonly path?: Path;
  readonly constant?: AttributeValue;
  readonly isSize?: true;
}

const bind = (binding: Binding, condition: Condition): Test => {
  switch (condition.kind) {
    case 'and': {
      const left = bind(binding, condition.left);
      const right = bind(binding, condition.right);
      return (item) => left(item) && right(item);
    }
    case 'or': {
      const left = bind(binding, condition.left);
      const right = bind(binding, condition.right);
      return (item) => left(item) || right(item);
    }
    case 'not': {
      const inner = bind(binding, condition.inner);
      return (item) => !inner(item);
    }
    case 'comparison':
      return bindComparison(binding, condition);
    case 'between':
      return bindBetween(binding, condition);
    case 'in': {
      const operand = bindOperand(binding, condition.operand);
      const candidates = condition.candidates.map((candidate) => bindOperand(binding, candidate));
      return (item) => candidates.some((candidate) => isEqual(operand.read(item), candidate.read(item)));
    }
    case 'function':
      return bindFunction(binding, condition.name, condition.operands);
  }
};

const bindComparison = (binding: Binding, condition: Extract<Condition, { kind: 'comparison' }>): Test => {
  const { comparator } = condition;
  const left = bindOperand(binding, condition.left);
  const right = bindOperand(binding, condition.right);
  refuseSame(binding, comparator, left, right);
  if (comparator === '=') return (item) => isEqual(left.read(item), right.read(item));
  if (comparator === '<>') return (item) => !isEqual(left.read(item), right.read(item));
  for (const operand of [left, right]) refuseUnordered(binding, comparator, operand);
  return (item) => {
    const one = left.read(item);
    const other = right.read(item);
    return one !== undefined && other !== undefined && holds(comparator, compareValues(one, other));
  };
};

/** A comparison of different types is NaN, which no ordering holds for. */
const holds = (comparator: Exclude<Comparator, '=' | '<>'>, order: number): boolean => {
  switch (comparator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
};

const bindBetween = (binding: Binding, condition: Extract<Condition, { kind: 'between' }>): Test => {
  const operand = bindOperand(binding, condition.operand);
  const lower = bindOperand(binding, condition.lower);
  const upper = bindOperand(binding, condition.upper);
  for (const bound of [operand, lower, upper]) refuseUnordered(binding, 'BETWEEN', bound);
  refuseBounds(binding, lower.constant, upper.constant);
  return (item) => {
    const value = operand.read(item);
    const least = lower.read(item);
    const most = upper.read(item);
    if (value === undefined || least === undefined || most === undefined) return false;
    return compareValues(value, least) >= 0 && compareValues(value, most) <= 0;
  };
};

const refuseBounds = (
  { kind }: Binding,
  lower: AttributeValue | undefined,
  upper: AttributeValue | undefined,
): void => {
  if (lower === undefined || upper === undefined) return;
  const bounds = `lower bound operand: ${printed(lower)}, upper bound operand: ${printed(upper)}`;
  if (typeOf(lower) !== typeOf(upper)) {
    throw invalid(kind, `The BETWEEN operator requires same data type for lower and upper bounds; ${bounds}`);
  }
  if (compareValues(lower, upper) > 0) {
    throw invalid(
      kind,
      'The BETWEEN operator requires upper bound to be greater than or equal to lower bound; ' + bounds,
    );
  }
};

const bindFunction = (binding: Binding, name: ConditionFunction, operands: readonly Operand[]): Test => {
  const [subject, argument] = operands.map((operand) => bindOperand(binding, operand));
  if (subject === undefined) throw new Error(`the function ${name} was parsed without an operand`);
  if (name === 'attribute_exists' || name === 'attribute_not_exists') {
    if (subject.path === undefined) throw pathRequired(binding, name);
    const wanted = name === 'attribute_exists';
    return (item) => (subject.read(item) !== undefined) === wanted;
  }
  if (argument === undefined) throw new Error(`the function ${name} was parsed with one operand`);
  refuseSame(binding, name, subject, argument);
  if (name === 'attribute_type') return bindAttributeType(binding, subject, argument);
  if (name === 'begins_with') {
    for (const operand of [subject, argument]) refuseTypes(binding, name, operand, ['S', 'B']);
  }
  const test = name === 'begins_with' ? hasPrefix : contains;
  return (item) => {
    const value = subject.read(item);
    const wanted = argument.read(item);
    return value !== undefined && wanted !== undefined && test(value, wanted);
  };
};

const TYPE_NAMES = ['B', 'NULL', 'SS', 'BOOL', 'L', 'BS', 'N', 'NS', 'S', 'M'];

const bindAttributeType = (binding: Binding, subject: BoundOperand, argument: BoundOperand): Test => {
  if (subject.path === undefined) throw pathRequired(binding, 'attribute_type');
  const type = argument.constant;
  if (type === undefined || !('S' in type)) {
    const given = type === undefined ? '{NS,SS,L,BS,N,M,B,BOOL,NULL,S}' : typeOf(type);
    throw wrongType(binding, 'attribute_type', given);
  }
  if (!TYPE_NAMES.includes(type.S)) {
    throw invalid(
      binding.kind,
      `Invalid attribute type name found; type: ${type.S}, valid types: {${TYPE_NAMES.join(',')}}`,
    );
  }
  return (item) => {
    const value = subject.read(item);
    return value !== undefined && typeOf(value) === type.S;
  };
};

const bindOperand = (binding: Binding, operand: Operand): BoundOperand => {
  switch (operand.kind) {
    case 'path': {
      const path = boundPath(binding.bindings, binding.kind, operand.path);
      return { path, read: readPath(path) };
    }
    case 'value': {
      const constant = boundValue(binding.bindings, binding.kind, operand.placeholder);
      return { constant, read: readConstant(constant) };
    }
    case 'size': {
      const of = bindOperand(binding, operand.of);
      if (of.isSize) throw wrongType(binding, 'size', 'N');
      refuseTypes(binding, 'size', of, ['S', 'B', 'SS', 'NS', 'BS', 'L', 'M']);
      return { isSize: true, read: readSize(of.read) };
    }
  }
};

const readPath =
  (path: Path): Read =>
  (item) =>
    valueAt(item, path);

const readConstant =
  (constant: AttributeValue): Read =>
  () =>
    constant;

const readSize =
  (read: Read): Read =>
  (item) =>
    sizeOf(read(item));

/** What `size()` gives: characters, bytes or members; nothing for numbers, booleans and null. */
const sizeOf = (value: AttributeValue | undefined): AttributeValue | undefined => {
  if (value === undefined) return undefined;
  if ('S' in value) return { N: String(value.S.length) };
  if ('B' in value) return { N: String(binarySize(value.B)) };
  if ('L' in value) return { N: String(value.L.length) };
  if ('M' in value) return { N: String(Object.keys(value.M).length) };
  const members = setMembers(value);
  return members === undefined ? undefined : { N: String(members.length) };
};

const isEqual = (left: AttributeValue | undefined, right: AttributeValue | undefined): boolean =>
  left !== undefined && right !== undefined && equalValues(left, right);

const hasPrefix = (value: AttributeValue, prefix: AttributeValue): boolean => {
  if ('S' in value) return 'S' in prefix && value.S.startsWith(prefix.S);
  if (!('B' in value) || !('B' in prefix)) return false;
  const start = bytesOf(prefix.B);
  return bytesOf(value.B).subarray(0, start.length).equals(start);
};

const contains = (value: AttributeValue, wanted: AttributeValue): boolean => {
  if ('S' in value) return 'S' in wanted && value.S.includes(wanted.S);
  if ('B' in value) return 'B' in wanted && bytesOf(value.B).includes(bytesOf(wanted.B));
  if ('L' in value) return value.L.some((element) => equalValues(element, wanted));
  if ('SS' in value) return 'S' in wanted && value.SS.includes(wanted.S);
  if ('NS' in value) return 'N' in wanted && value.NS.includes(wanted.N);
  return 'BS' in value && 'B' in wanted && value.BS.includes(wanted.B);
};

const printed = (value: AttributeValue): string => {
  const [entry] = Object.entries(value);
  return `AttributeValue: {${entry?.[0] ?? ''}:${String(entry?.[1])}}`;
};

const refuseUnordered = (binding: Binding, operator: string, operand: BoundOperand): void =>
  refuseTypes(binding, operator, operand, ['S', 'N', 'B']);

const refuseTypes = (
  binding: Binding,
  operator: string,
  operand: BoundOperand,
  allowed: readonly string[],
): void => {
  const type = operand.isSize ? 'N' : operand.constant && typeOf(operand.constant);
  if (type !== undefined && !allowed.includes(type)) throw wrongType(binding, operator, type);
};

const refuseSame = (binding: Binding, operator: string, left: BoundOperand, right: BoundOperand): void => {
  if (!left.path || !right.path || !isSamePath(left.path, right.path)) return;
  throw invalid(
    binding.kind,
    'The first operand must be distinct from the remaining operands for this operator or function; ' +
      `operator: ${operator}, first operand: ${formatPath(left.path)}`,
  );
};

const wrongType = (binding: Binding, operator: string, type: string): AwsError =>
  invalid(
    binding.kind,
    'Incorrect operand type for operator or function; ' +
      `operator or function: ${operator}, operand type: ${type}`,
  );

const pathRequired = (binding: Binding, name: string): AwsError =>
  invalid(binding.kind, `Operator or function requires a document path; operator or function: ${name}`);
