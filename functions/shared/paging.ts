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
  if (position === undefined)
    throw new ApiError('invalid_cursor', 'the cursor was not issued by this list; start again without one');
  return { after: position };
};

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
