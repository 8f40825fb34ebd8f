/** The states that only look at data or at the clock: Pass, Succeed, Fail, Wait and Choice. */
import type { ChoiceState, FailState, PassState, SucceedState, WaitState } from './definition.ts';
import type { Strand } from './execution.ts';
import { queryError } from './expression.ts';
import { bindingsOf, finish } from './leaving.ts';
import type { Leaving } from './leaving.ts';
import { record, sleepUntil, strandAt } from './run.ts';
import type { Run, Scope } from './run.ts';
import { StateError } from './state-error.ts';

const waitSecondsMax = 99_999_999;

/** Gives its Output, or its input. */
export const performPass = (run: Run, scope: Scope, state: PassState | SucceedState): Promise<Leaving> => {
  const strand = strandAt(run, scope.path);
  const next = state.Type === 'Pass' ? state.Next : undefined;
  return finish(run, strand, { source: state, fallback: strand.input, next });
};

/** Fails with the names its author gave. */
export const performFail = async (run: Run, scope: Scope, state: FailState): Promise<never> => {
  const bindings = bindingsOf(run, strandAt(run, scope.path));
  const [error, cause] = await Promise.all(
    (['Error', 'Cause'] as const).map(async (field) => {
      if (state[field] === undefined) return undefined;
      const value = await run.machinery.evaluate(state[field], bindings, field);
      if (typeof value !== 'string') throw queryError(`the value of ${field} must be text`, field);
      return value;
    }),
  );
  throw new StateError(error ?? '', cause, { origin: 'stated' });
};

/** Waits until an instant that was fixed, and journaled, when the wait began. */
export const performWait = async (run: Run, scope: Scope, state: WaitState): Promise<Leaving> => {
  const strand = strandAt(run, scope.path);
  let untilMs: number;
  if (strand.progress.kind === 'waiting') untilMs = strand.progress.untilMs;
  else {
    untilMs = await wakeInstant(run, strand, state);
    record(run, scope, { strand: { path: scope.path, progress: { kind: 'waiting', untilMs } } });
  }
  await sleepUntil(run, scope, untilMs);
  return finish(run, strand, { source: state, fallback: strand.input, next: state.Next });
};

const wakeInstant = async (run: Run, strand: Strand, state: WaitState): Promise<number> => {
  const { evaluate, setting } = run.machinery;
  const bindings = bindingsOf(run, strand);
  if (state.Timestamp !== undefined) {
    const text = await evaluate(state.Timestamp, bindings, 'Timestamp');
    const atMs = typeof text === 'string' && text.includes('T') ? Date.parse(text) : NaN;
    if (Number.isNaN(atMs))
      throw queryError(`Timestamp must be an RFC 3339 instant, not ${String(text)}`, 'Timestamp');
    return atMs;
  }
  const seconds = await evaluate(state.Seconds, bindings, 'Seconds');
  if (typeof seconds !== 'number' || !Number.isInteger(seconds) || seconds < 0 || seconds > waitSecondsMax)
    throw queryError(
      `Seconds must be a whole number from 0 to ${String(waitSecondsMax)}, not ${String(seconds)}`,
      'Seconds',
    );
  return setting.clock.nowMs() + 1_000 * seconds;
};

/** Takes the first rule whose condition is true, else the default. */
export const performChoice = async (run: Run, scope: Scope, state: ChoiceState): Promise<Leaving> => {
  const strand = strandAt(run, scope.path);
  const bindings = bindingsOf(run, strand);
  for (const [index, rule] of state.Choices.entries()) {
    const field = `Choices[${String(index)}]/`;
    const isTrue = await run.machinery.evaluate(rule.Condition, bindings, `${field}Condition`);
    if (typeof isTrue !== 'boolean')
      throw queryError('a Condition must be true or false', `${field}Condition`);
    if (isTrue) return finish(run, strand, { source: rule, field, fallback: strand.input, next: rule.Next });
  }
  if (state.Default === undefined)
    throw new StateError('States.NoChoiceMatched', 'no rule matched and the state has no Default');
  return finish(run, strand, { source: state, fallback: strand.input, next: state.Default });
};
