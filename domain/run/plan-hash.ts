/** The content address of a plan. */
import type { Plan } from '#contracts/runs/plan.ts';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';

/** SHA-256 of the plan's canonical JSON. */
export const planHash = (plan: Plan): string => sha256Hex(canonicalJson(plan));
