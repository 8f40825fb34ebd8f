/** The grammar of conditions: condition, filter and key condition expressions share it. */
import { parsePath } from './path.ts';
import type { WrittenPath } from './path.ts';
import type { Cursor } from './token.ts';

export type Comparator = '=' | '<>' | '<' | '<=' | '>' | '>=';

export type ConditionFunction =
  'attribute_exists' | 'attribute_not_exists' | 'attribute_type' | 'begins_with' | 'contains';

/** What a comparison compares. */
export type Operand =
  | { readonly kind: 'path'; readonly path: WrittenPath }
  | { readonly kind: 'value'; readonly placeholder: string }
  | { readonly kind: 'size'; readonly of: Operand };

/** A condition as written, its names and values not yet bound. */
export type Condition =
  | { readonly kind: 'and' | 'or'; readonly left: Condition; readonly right: Condition }
  | { readonly kind: 'not'; readonly inner: Condition }
  | {
      readonly kind: 'comparison';
      readonly comparator: Comparator;
      readonly left: Operand;
      readonly right: Operand;
    }
  | { readonly kind: 'between'; readonly operand: Operand; readonly lower: Operand; readonly upper: Operand }
  | { readonly kind: 'in'; readonly operand: Operand; readonly candidates: readonly Operand[] }
  | { readonly kind: 'function'; readonly name: ConditionFunction; readonly operands: readonly Operand[] };

type Node = Condition | Operand;

const CANDIDATES_MAX = 100;
const COMPARATORS: ReadonlySet<string> = new Set(['=', '<>', '<', '<=', '>', '>=']);

const OPERAND_COUNTS: Readonly<Record<ConditionFunction | 'size', number>> = {
  attribute_exists: 1,
  attribute_not_exists: 1,
  attribute_type: 2,
  begins_with: 2,
  contains: 2,
  size: 1,
};

/** Parses a whole condition. */
export const parseCondition = (cursor: Cursor): Condition => {
  const wrapped = new WeakSet<Node>();
  const condition = asCondition(cursor, parseOr({ cursor, wrapped }));
  if (cursor.peek().kind !== 'end') throw cursor.syntaxError();
  return condition;
};

/** The paths a condition reads, as written. */
export const pathsIn = (condition: Condition): readonly WrittenPath[] => {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return [...pathsIn(condition.left), ...pathsIn(condition.right)];
    case 'not':
      return pathsIn(condition.inner);
    case 'comparison':
      return [condition.left, condition.right].flatMap(operandPaths);
    case 'between':
      return [condition.operand, condition.lower, condition.upper].flatMap(operandPaths);
    case 'in':
      return [condition.operand, ...condition.candidates].flatMap(operandPaths);
    case 'function':
      return condition.operands.flatMap(operandPaths);
  }
};

const operandPaths = (operand: Operand): readonly WrittenPath[] => {
  switch (operand.kind) {
    case 'path':
      return [operand.path];
    case 'value':
      return [];
    case 'size':
      return operandPaths(operand.of);
  }
};

/** `wrapped` holds the nodes that stand in parentheses of their own. */
interface Parsing {
  readonly cursor: Cursor;
  readonly wrapped: WeakSet<Node>;
}

const parseOr = (parsing: Parsing): Node => {
  const { cursor } = parsing;
  let node = parseAnd(parsing);
  while (cursor.takeKeyword('OR')) {
    const left = asCondition(cursor, node);
    node = { kind: 'or', left, right: asCondition(cursor, parseAnd(parsing)) };
  }
  return node;
};

const parseAnd = (parsing: Parsing): Node => {
  const { cursor } = parsing;
  let node = parseNot(parsing);
  while (cursor.takeKeyword('AND')) {
    const left = asCondition(cursor, node);
    node = { kind: 'and', left, right: asCondition(cursor, parseNot(parsing)) };
  }
  return node;
};

const parseNot = (parsing: Parsing): Node => {
  const { cursor } = parsing;
  if (!cursor.takeKeyword('NOT')) return parseTest(parsing);
  return { kind: 'not', inner: asCondition(cursor, parseNot(parsing)) };
};

const parseTest = (parsing: Parsing): Node => {
  const { cursor } = parsing;
  const node = parseTerm(parsing);
  const token = cursor.peek();
  if (token.kind === 'symbol' && COMPARATORS.has(token.text)) {
    const left = asOperand(cursor, node);
    const comparator = cursor.next().text as Comparator;
    return { kind: 'comparison', comparator, left, right: parseOperand(parsing) };
  }
  if (cursor.takeKeyword('BETWEEN')) {
    const operand = asOperand(cursor, node);
    const lower = parseOperand(parsing);
    if (!cursor.takeKeyword('AND')) throw cursor.syntaxError();
    return { kind: 'between', operand, lower, upper: parseOperand(parsing) };
  }
  if (cursor.takeKeyword('IN')) {
    const operand = asOperand(cursor, node);
    return { kind: 'in', operand, candidates: parseCandidates(parsing) };
  }
  return node;
};

const parseCandidates = (parsing: Parsing): readonly Operand[] => {
  const { cursor } = parsing;
  const candidates = parseArguments(parsing).map((node) => asOperand(cursor, node));
  if (candidates.length > CANDIDATES_MAX) {
    throw cursor.refusal(
      'The expression contains too many operands for operator: IN, ' +
        `number of operands: ${candidates.length + 1}`,
    );
  }
  return candidates;
};

const parseTerm = (parsing: Parsing): Node => {
  const { cursor, wrapped } = parsing;
  if (cursor.take('(')) {
    const inner = parseOr(parsing);
    cursor.expect(')');
    if (wrapped.has(inner)) throw cursor.refusal('The expression has redundant parentheses;');
    wrapped.add(inner);
    return inner;
  }
  const token = cursor.peek();
  if (token.kind === 'value') return { kind: 'value', placeholder: cursor.next().text };
  if (token.kind === 'word' && cursor.peek(1).text === '(') return parseFunction(parsing);
  return { kind: 'path', path: parsePath(cursor) };
};

const parseFunction = (parsing: Parsing): Node => {
  const { cursor } = parsing;
  const name = cursor.next().text;
  const operands = parseArguments(parsing);
  if (name === 'if_not_exists' || name === 'list_append') {
    throw cursor.refusal(`The function is not allowed in a condition expression; function: ${name}`);
  }
  if (!isFunction(name)) throw cursor.refusal(`Invalid function name; function: ${name}`);
  const values = operands.map((node) => asOperand(cursor, node));
  const [first] = values;
  if (values.length !== OPERAND_COUNTS[name] || first === undefined) {
    throw cursor.refusal(
      'Incorrect number of operands for operator or function; ' +
        `operator or function: ${name}, number of operands: ${values.length}`,
    );
  }
  return name === 'size' ? { kind: 'size', of: first } : { kind: 'function', name, operands: values };
};

const parseArguments = (parsing: Parsing): readonly Node[] => {
  const { cursor } = parsing;
  cursor.expect('(');
  const nodes: Node[] = [];
  do nodes.push(parseTerm(parsing));
  while (cursor.take(','));
  cursor.expect(')');
  return nodes;
};

const parseOperand = (parsing: Parsing): Operand => asOperand(parsing.cursor, parseTerm(parsing));

const isFunction = (name: string): name is ConditionFunction | 'size' => Object.hasOwn(OPERAND_COUNTS, name);

const asOperand = (cursor: Cursor, node: Node): Operand => {
  switch (node.kind) {
    case 'path':
    case 'value':
    case 'size':
      return node;
    case 'function':
      throw misused(cursor, node.name);
    case 'and':
    case 'or':
    case 'not':
    case 'comparison':
    case 'between':
    case 'in':
      throw cursor.syntaxError();
  }
};

const asCondition = (cursor: Cursor, node: Node): Condition => {
  switch (node.kind) {
    case 'path':
    case 'value':
      throw cursor.syntaxError();
    case 'size':
      throw misused(cursor, 'size');
    case 'and':
    case 'or':
    case 'not':
    case 'comparison':
    case 'between':
    case 'in':
    case 'function':
      return node;
  }
};

const misused = (cursor: Cursor, name: string) =>
  cursor.refusal(`The function is not allowed to be used this way in an expression; function: ${name}`);
