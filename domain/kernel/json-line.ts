/** Lines of files that are only ever appended to, of which a crash may have cut one short. */
import type * as z from 'zod';

/** The value a line stands for; undefined when it is no JSON, or of another shape. */
export const valueOfLine = <Value>(schema: z.ZodType<Value>, line: string): Value | undefined => {
  try {
    return schema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
};
