/**
 * Steps that a file keeps, a line each: what one line of the input led to is kept whole or not at all, and told only
 * then. A process that ended between the two told nobody; so the next one tells a step again when its input comes again.
 */
import type * as z from 'zod';
import type { AnalysisEngineStep, StateGateStep, StepInput } from '#contracts/market/layer-steps.ts';
import { valueOfLine } from '#domain/kernel/json-line.ts';
import type { openRecordFile } from '#cli/files/record-file.ts';

type AnyStep = StateGateStep | AnalysisEngineStep;

/** Where steps are kept. */
export interface StepStore<Step> {
  /** Puts steps on the disk, all or none. Throws what the file system throws. */
  readonly keep: (step: Step) => void;
  /** Keeps a step now, or else with the next one that can be kept. */
  readonly keepSoon: (step: Step) => void;
  /** Tries once more to keep what could not be kept soon. */
  readonly settle: () => void;
  /** What is still to be kept, and is lost with this process. */
  readonly owed: () => readonly Step[];
  /** What an earlier process kept of an input, once; nothing otherwise. */
  readonly toldBefore: (input: StepInput) => readonly object[];
}

/** How a file of steps is read, and opened. */
export interface StepFile<Step> {
  readonly schema: z.ZodType<Step>;
  /** The `schema` of a line. */
  readonly name: string;
  readonly hear: (step: Step) => void;
  readonly open: typeof openRecordFile;
  /** How many of the latest steps are told again. */
  readonly toldAgainMax?: number;
}

/** More lines than are ever answered at once, so that none is forgotten before it was told. */
const TOLD_AGAIN_MAX = 5_000;

/** Opens the steps of a file and hears them. Refuses a file that holds anything else (`invalid_store`). */
export const stepStore = <Step extends AnyStep>(
  file: string,
  { schema, name, hear, open, toldAgainMax = TOLD_AGAIN_MAX }: StepFile<Step>,
): StepStore<Step> => {
  const told = new Map<string, string>();
  const remember = (step: AnyStep, line: string): void => {
    if (!('input' in step)) return;
    const key = keyOf(step.input);
    told.delete(key);
    told.set(key, line);
    for (const [oldest] of told) {
      if (told.size <= toldAgainMax) break;
      told.delete(oldest);
    }
  };
  const records = open(file, {
    name,
    head: `{"schema":"${name}"`,
    hear: (line) => {
      const step = valueOfLine(schema, line);
      if (step === undefined) return false;
      hear(step);
      remember(step, line);
      return true;
    },
  });
  let owed: readonly Step[] = [];
  const keep = (...steps: readonly Step[]): void => {
    records.append([...owed, ...steps].map((step) => JSON.stringify(step)));
    owed = [];
  };
  const settle = (): void => {
    try {
      if (owed.length > 0) keep();
    } catch {
      // It is told as a failure already, and comes before whatever is kept next.
    }
  };
  return {
    keep,
    keepSoon: (step) => {
      owed = [...owed, step];
      settle();
    },
    settle,
    owed: () => owed,
    toldBefore: (input) => {
      const key = keyOf(input);
      const line = told.get(key);
      told.delete(key);
      return line === undefined ? [] : eventsOf(line);
    },
  };
};

/** Keeps nothing. */
export const noStore = <Step>(): StepStore<Step> => ({
  keep: () => undefined,
  keepSoon: () => undefined,
  settle: () => undefined,
  owed: () => [],
  toldBefore: () => [],
});

/** The events of a line as they were told, to the order of their members; the line was checked when it was heard. */
const eventsOf = (line: string): readonly object[] =>
  (JSON.parse(line) as { events: readonly object[] }).events;

const keyOf = ({ event_type: type, run_id: run, symbol, engine_timestamp_ms: atMs }: StepInput): string =>
  JSON.stringify([type, run, symbol, atMs]);
