/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';

export interface BenchArguments {
  /** Measurements to make; all of them when empty. */
  readonly only: readonly string[];
  /** Where the JSON goes. */
  readonly jsonFile?: string;
  readonly monthFile?: string;
}

/** Parses the words behind the program; throws naming what it does not know. */
export const parseBenchArguments = (words: readonly string[], known: readonly string[]): BenchArguments => {
  const { values } = parseArgs({
    args: [...words],
    options: {
      only: { type: 'string', multiple: true },
      json: { type: 'string' },
      month: { type: 'string' },
    },
  });
  const only = (values.only ?? []).flatMap((names) => names.split(','));
  const unknown = only.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Error(`there is no measurement ${unknown.join(', ')}; there are ${known.join(', ')}`);
  return {
    only,
    ...(values.json === undefined ? {} : { jsonFile: values.json }),
    ...(values.month === undefined ? {} : { monthFile: values.month }),
  };
};
