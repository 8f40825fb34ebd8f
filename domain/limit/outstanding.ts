/** The effects a limit owes: to tell each run whose attempt has a slot, until it was seen to have taken it. */
import type { Effect } from '#domain/kernel/effect.ts';
import { dispatchId, effectName } from '#domain/kernel/ids.ts';
import type { ReleaseSlot } from '#domain/limit/command.ts';
import { holderOf } from '#domain/limit/limit.ts';
import type { Limit, OpenLimit, Slot } from '#domain/limit/limit.ts';
import { limitStream } from '#domain/limit/limit-stream.ts';
import type { GrantSlot } from '#domain/run/command.ts';
import { runStream } from '#domain/run/run-stream.ts';

/** Effects are computed once per slot, which never changes: a busy limit asks for them with every commit. */
const remembered = new WeakMap<Slot, Effect>();

/** Every effect still owed, each under a name made of ids and the number of the grant alone. */
export const outstanding = (limit: Limit): readonly Effect[] =>
  limit.status === 'none'
    ? []
    : limit.slots.filter(({ isTaken }) => !isTaken).map((slot) => grantOf(limit, slot));

const grantOf = (limit: OpenLimit, slot: Slot): Effect => {
  const known = remembered.get(slot);
  if (known) return known;
  const effect = grant(limit, slot);
  remembered.set(slot, effect);
  return effect;
};

/** A run that does not want the slot any more refuses it, and then it is given back at once. */
const grant = (limit: OpenLimit, slot: Slot): Effect => {
  const { tenantId, workspaceId, limitId } = limit;
  const { runId, taskKey, attempt } = slot;
  const command: GrantSlot = { type: 'GrantSlot', taskKey, attempt, limitId };
  const giveBack: ReleaseSlot = { type: 'ReleaseSlot', holder: holderOf(slot) };
  return {
    kind: 'issue-command',
    name: effectName('grant', `${dispatchId(slot)}:${limitId}:${slot.requestNo}`, slot.grantNo),
    stream: runStream({ tenantId, workspaceId, runId }),
    command: { ...command },
    ifRefused: { stream: limitStream(limit), command: { ...giveBack } },
  };
};
