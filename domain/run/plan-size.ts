/** How large a plan may be, whoever makes it. */
import { runLimits } from '#contracts/runs/limits.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import type { Rejection } from '#domain/kernel/aggregate.ts';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';

/** The refusal of a plan with more tasks or bytes than allowed; undefined for one that may be. */
export const tooLarge = (plan: Plan): Rejection | undefined => {
  const { planTasksMax, planBytesMax } = runLimits;
  if (plan.tasks.length > planTasksMax)
    return refusal(`the plan has ${plan.tasks.length} tasks; at most ${planTasksMax} are allowed`);
  const bytes = Buffer.byteLength(canonicalJson(plan), 'utf8');
  return bytes > planBytesMax
    ? refusal(`the plan has ${bytes} bytes; at most ${planBytesMax} are allowed`)
    : undefined;
};

const refusal = (message: string): Rejection => ({ code: 'plan_too_large', message });
