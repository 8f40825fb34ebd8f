/** Opaque cursors of lists: base64url JSON of the list and the position, so that a cursor fits one list only. */
import { ApiError } from '#functions/shared/api-error.ts';
import type { RowPage } from '#domain/ports/views.ts';

/** The member `nextCursor`, present only when more rows exist. */
export const cursorOf = (
  listKey: string,
  { next }: Pick<RowPage, 'next'>,
): { readonly nextCursor?: string } =>
  next === undefined
    ? {}
    : { nextCursor: Buffer.from(JSON.stringify([listKey, next])).toString('base64url') };

/** The position a cursor stands for; refuses with `invalid_cursor`. */
export const positionOf = (listKey: string, cursor: string | undefined): { readonly after?: string } => {
  if (cursor === undefined) return {};
  const position = decode(listKey, cursor);
  if (position === undefined) throw foreignCursor();
  return { after: position };
};

const foreignCursor = (): ApiError =>
  new ApiError('invalid_cursor', 'the cursor was not issued by this list; start again without one');

/** The whole numbers a cursor stands for, the first at least 1; absent without a cursor; refuses with `invalid_cursor`. */
export const numbersAt = (
  listKey: string,
  cursor: string | undefined,
  count: number,
): readonly number[] | undefined => {
  const { after } = positionOf(listKey, cursor);
  if (after === undefined) return undefined;
  const numbers = after.split(':');
  if (numbers.length !== count || !/^[1-9]\d{0,14}(:\d{1,15})*$/.test(after)) throw foreignCursor();
  return numbers.map(Number);
};

/** The position of a cursor that stands for whole numbers. */
export const numbersText = (...numbers: readonly number[]): string => numbers.join(':');

const decode = (listKey: string, cursor: string): string | undefined => {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(parsed) && parsed[0] === listKey && typeof parsed[1] === 'string'
      ? parsed[1]
      : undefined;
  } catch {
    return undefined;
  }
};
