/** Configurations that file commands are given. */
import type * as z from 'zod';
import { CliError, exitCodes } from '#cli/cli-error.ts';
import { issueText } from '#cli/files/answer-lines.ts';

/** A configuration with its defaults; nothing, or null, is the default one. Refuses naming what is wrong. */
export const configOf = <Value>(schema: z.ZodType<Value>, given: unknown): Value => {
  const parsed = schema.safeParse(given ?? {});
  if (parsed.success) return parsed.data;
  throw new CliError('invalid_config', `the configuration is refused: ${issueText(parsed.error)}`, {
    exitCode: exitCodes.usage,
  });
};
