/** What may be chosen about the runs of a feed, besides when they are planned. With nothing given they are the reference's. */
import * as z from 'zod';
import { engineSettingShape } from '#contracts/market/engine-setting.ts';
import { BeliefHysteresisConfig, DecisionHysteresisConfig } from '#contracts/market/hysteresis.ts';

/** The members of run options, for configurations that hold them among others. */
export const runOptionsShape = {
  ...engineSettingShape,
  /** Where snapshots come from: the venue's own inputs, or the composer. */
  snapshot_source: z.enum(['snapshot_inputs', 'composer']).default('snapshot_inputs'),
  /** What is stabilized in hysteresis mode. */
  hysteresis: z.enum(['decision', 'belief']).default('decision'),
  /** The members of the hysteresis that is chosen; its defaults when null. */
  hysteresis_config: z.record(z.string(), z.unknown()).nullable().default(null),
  /** How many closed candles of a symbol the composer remembers; those of the slice alone when null. */
  candle_window: z.int().min(1).max(10_000).nullable().default(null),
  /** Whether redeliveries within a slice count once. */
  deduplicate: z.boolean().default(false),
};

interface Chosen {
  readonly hysteresis: 'decision' | 'belief';
  readonly hysteresis_config: Readonly<Record<string, unknown>> | null;
}

/** The configuration of the chosen hysteresis, or what is wrong with it. */
export const chosenHysteresis = ({ hysteresis, hysteresis_config: config }: Chosen) =>
  hysteresis === 'decision'
    ? { kind: hysteresis, parsed: DecisionHysteresisConfig.safeParse(config ?? {}) }
    : { kind: hysteresis, parsed: BeliefHysteresisConfig.safeParse(config ?? {}) };

/** Adds what is wrong with the configuration of the chosen hysteresis to a check. */
export const checkHysteresis = (
  chosen: Chosen,
  context: { readonly addIssue: (issue: { code: 'custom'; message: string; path: PropertyKey[] }) => void },
): void => {
  const { parsed } = chosenHysteresis(chosen);
  for (const { message, path } of parsed.error?.issues ?? [])
    context.addIssue({ code: 'custom', message, path: ['hysteresis_config', ...path] });
};

/** The options of a feed's runs. */
export const RunOptions = z.strictObject(runOptionsShape).superRefine(checkHysteresis);
export type RunOptions = z.infer<typeof RunOptions>;

/** The options when nothing is chosen. */
export const runOptionsDefault: RunOptions = RunOptions.parse({});
