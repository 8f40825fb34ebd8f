/** What `npm run torture` was asked for. */
import path from 'node:path';
import { parseArgs } from 'node:util';

/** The options read and checked. */
export interface TortureOptions {
  readonly kills: number;
  readonly seed: number;
  /** Bars of a seeded tape to write and play; absent, `tapeArguments` say what is played. */
  readonly bars?: number;
  /** Options of `up` that name a tape; empty for the demo's. */
  readonly tapeArguments: readonly string[];
}

/** Reads `--kills N --seed S [--tape FILE --format F --symbol S | --bars COUNT]`; throws naming what is malformed. */
export const tortureOptions = (args: readonly string[]): TortureOptions => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kills: { type: 'string', default: '5' },
      seed: { type: 'string', default: '1' },
      tape: { type: 'string' },
      format: { type: 'string' },
      symbol: { type: 'string' },
      bars: { type: 'string' },
    },
  });
  return {
    kills: integerOf('kills', values.kills),
    seed: integerOf('seed', values.seed),
    ...(values.bars === undefined ? {} : { bars: integerOf('bars', values.bars) }),
    tapeArguments: (['tape', 'format', 'symbol'] as const).flatMap((name) => {
      const value = values[name];
      return value === undefined ? [] : [`--${name}`, name === 'tape' ? path.resolve(value) : value];
    }),
  };
};

const integerOf = (name: string, text: string): number => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new Error(`--${name} must be a whole number`);
  return value;
};
