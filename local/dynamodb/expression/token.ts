/** Cuts an expression into tokens and walks over them, with DynamoDB's syntax errors. */
import { validation } from '#local/kernel/aws-error.ts';
import type { AwsError } from '#local/kernel/aws-error.ts';

/** Which parameter an expression came in; refusals name it. */
export type ExpressionKind =
  | 'ConditionExpression'
  | 'FilterExpression'
  | 'KeyConditionExpression'
  | 'ProjectionExpression'
  | 'UpdateExpression';

export type TokenKind = 'word' | 'name' | 'value' | 'number' | 'symbol' | 'end';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

/** A place in the tokens of one expression. */
export interface Cursor {
  readonly peek: (ahead?: number) => Token;
  readonly next: () => Token;
  /** Takes the symbol when it comes next. */
  readonly take: (symbol: string) => boolean;
  /** Takes the keyword, in any case, when it comes next. */
  readonly takeKeyword: (keyword: string) => boolean;
  readonly expect: (symbol: string) => void;
  /** The refusal of the token that comes next. */
  readonly syntaxError: () => AwsError;
  /** A refusal that names the expression. */
  readonly refusal: (message: string) => AwsError;
}

const TOKEN =
  /\s*(?:(?<word>[A-Za-z_][A-Za-z0-9_]*)|(?<name>#[A-Za-z0-9_]+)|(?<value>:[A-Za-z0-9_]+)|(?<number>[0-9]+)|(?<symbol><>|<=|>=|[=<>(),.[\]+-]))/y;

const END: Token = { kind: 'end', text: '<EOF>' };

/** A refusal that names the expression it is about. */
export const invalid = (kind: ExpressionKind, message: string): AwsError =>
  validation(`Invalid ${kind}: ${message}`);

/** Cuts the text; refuses an empty one and characters no token has. */
export const cursorOver = (text: string, kind: ExpressionKind): Cursor => {
  if (text.trim() === '') throw invalid(kind, 'The expression can not be empty;');
  const tokens = tokensOf(text, kind);
  let place = 0;
  const peek = (ahead = 0): Token => tokens[place + ahead] ?? END;
  const next = (): Token => {
    const token = peek();
    place += 1;
    return token;
  };
  const syntaxError = (): AwsError => {
    const near = [tokens[place - 1], tokens[place], tokens[place + 1]].map((token) => token?.text ?? '');
    return invalid(kind, `Syntax error; token: "${peek().text}", near: "${near.join(' ').trim()}"`);
  };
  const take = (symbol: string): boolean => {
    const token = peek();
    if (token.kind !== 'symbol' || token.text !== symbol) return false;
    place += 1;
    return true;
  };
  const takeKeyword = (keyword: string): boolean => {
    const token = peek();
    if (token.kind !== 'word' || token.text.toUpperCase() !== keyword) return false;
    place += 1;
    return true;
  };
  const expect = (symbol: string): void => {
    if (!take(symbol)) throw syntaxError();
  };
  return {
    peek,
    next,
    take,
    takeKeyword,
    expect,
    syntaxError,
    refusal: (message) => invalid(kind, message),
  };
};

const tokensOf = (text: string, kind: ExpressionKind): readonly Token[] => {
  const tokens: Token[] = [];
  const body = text.trimEnd();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < body.length) {
    const start = TOKEN.lastIndex;
    const groups = TOKEN.exec(body)?.groups;
    if (!groups) {
      const rest = body.slice(start).trimStart();
      throw invalid(kind, `Syntax error; token: "${rest.charAt(0)}", near: "${rest.slice(0, 12)}"`);
    }
    for (const tokenKind of ['word', 'name', 'value', 'number', 'symbol'] as const) {
      const found = groups[tokenKind];
      if (found !== undefined) tokens.push({ kind: tokenKind, text: found });
    }
  }
  return tokens;
};
