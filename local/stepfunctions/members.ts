/** Reads the members of an operation's input; what is missing or of the wrong kind is refused as AWS does. */
import { validation } from '#local/kernel/aws-error.ts';
import type { Json } from '#local/kernel/engine.ts';

/** A text member that must be there. */
export const textMember = (input: Json, member: string): string => {
  const value = optionalText(input, member);
  if (value === undefined)
    throw validation(
      `1 validation error detected: Value at '${member}' failed to satisfy constraint: Member must not be null`,
    );
  return value;
};

/** A text member, or undefined when absent. */
export const optionalText = (input: Json, member: string): string | undefined => {
  const value = input[member];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  throw validation(`Value at '${member}' must be a string`);
};

/** A page size from 1 to `most`; 0 and absent mean the default. */
export const pageSize = (input: Json, bounds: { readonly usual: number; readonly most: number }): number => {
  const value = input['maxResults'];
  if (value === undefined || value === null || value === 0) return bounds.usual;
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= bounds.most) return value;
  throw validation(
    `1 validation error detected: Value at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to ${String(bounds.most)}`,
  );
};
