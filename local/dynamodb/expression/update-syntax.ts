/** The grammar of update expressions: SET, REMOVE, ADD and DELETE, each at most once. */
import { parsePath } from './path.ts';
import type { WrittenPath } from './path.ts';
import type { Cursor } from './token.ts';

/** What a SET may assign. */
export type UpdateOperand =
  | { readonly kind: 'path'; readonly path: WrittenPath }
  | { readonly kind: 'value'; readonly placeholder: string }
  | { readonly kind: 'if_not_exists'; readonly path: WrittenPath; readonly fallback: UpdateOperand }
  | { readonly kind: 'list_append'; readonly left: UpdateOperand; readonly right: UpdateOperand }
  | { readonly kind: '+' | '-'; readonly left: UpdateOperand; readonly right: UpdateOperand };

/** One clause of an update, its names and values not yet bound. */
export type UpdateAction =
  | { readonly kind: 'SET'; readonly path: WrittenPath; readonly operand: UpdateOperand }
  | { readonly kind: 'REMOVE'; readonly path: WrittenPath }
  | { readonly kind: 'ADD' | 'DELETE'; readonly path: WrittenPath; readonly placeholder: string };

const SECTIONS = ['SET', 'REMOVE', 'ADD', 'DELETE'] as const;

/** Parses a whole update expression. */
export const parseUpdate = (cursor: Cursor): readonly UpdateAction[] => {
  const actions: UpdateAction[] = [];
  const seen = new Set<string>();
  while (cursor.peek().kind !== 'end') {
    const section = SECTIONS.find((candidate) => cursor.takeKeyword(candidate));
    if (section === undefined) throw cursor.syntaxError();
    if (seen.has(section)) {
      throw cursor.refusal(`The "${section}" section can only be used once in an update expression;`);
    }
    seen.add(section);
    do actions.push(parseAction(cursor, section));
    while (cursor.take(','));
  }
  return actions;
};

const parseAction = (cursor: Cursor, section: (typeof SECTIONS)[number]): UpdateAction => {
  const path = parsePath(cursor);
  switch (section) {
    case 'SET':
      cursor.expect('=');
      return { kind: 'SET', path, operand: parseSum(cursor) };
    case 'REMOVE':
      return { kind: 'REMOVE', path };
    case 'ADD':
    case 'DELETE':
      if (cursor.peek().kind !== 'value') throw cursor.syntaxError();
      return { kind: section, path, placeholder: cursor.next().text };
  }
};

/** At most one `+` or `-`, as the service has it. */
const parseSum = (cursor: Cursor): UpdateOperand => {
  const left = parseOperand(cursor);
  if (cursor.take('+')) return { kind: '+', left, right: parseOperand(cursor) };
  if (cursor.take('-')) return { kind: '-', left, right: parseOperand(cursor) };
  return left;
};

const parseOperand = (cursor: Cursor): UpdateOperand => {
  if (cursor.take('(')) {
    const inner = parseSum(cursor);
    cursor.expect(')');
    return inner;
  }
  const token = cursor.peek();
  if (token.kind === 'value') return { kind: 'value', placeholder: cursor.next().text };
  if (token.kind === 'word' && cursor.peek(1).text === '(') return parseFunction(cursor);
  return { kind: 'path', path: parsePath(cursor) };
};

const CONDITION_FUNCTIONS: ReadonlySet<string> = new Set([
  'attribute_exists',
  'attribute_not_exists',
  'attribute_type',
  'begins_with',
  'contains',
  'size',
]);

const parseFunction = (cursor: Cursor): UpdateOperand => {
  const name = cursor.next().text;
  cursor.expect('(');
  const operands: UpdateOperand[] = [];
  do operands.push(parseSum(cursor));
  while (cursor.take(','));
  cursor.expect(')');
  if (CONDITION_FUNCTIONS.has(name)) {
    throw cursor.refusal(`The function is not allowed in an update expression; function: ${name}`);
  }
  if (name !== 'if_not_exists' && name !== 'list_append') {
    throw cursor.refusal(`Invalid function name; function: ${name}`);
  }
  const [left, right] = operands;
  if (left === undefined || right === undefined || operands.length !== 2) {
    throw cursor.refusal(
      'Incorrect number of operands for operator or function; ' +
        `operator or function: ${name}, number of operands: ${operands.length}`,
    );
  }
  if (name === 'list_append') return { kind: 'list_append', left, right };
  if (left.kind === 'path') return { kind: 'if_not_exists', path: left.path, fallback: right };
  throw cursor.refusal(`Operator or function requires a document path; operator or function: ${name}`);
};
