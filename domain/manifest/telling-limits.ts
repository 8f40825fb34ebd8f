/** What a workspace owes its limits: to tell each of the last change of its capacity, until it has heard. */
import { LimitId } from '#contracts/runs/concurrency.ts';
import { runTiming } from '#contracts/runs/limits.ts';
import type { Waiting } from '#domain/kernel/aggregate.ts';
import type { Effect } from '#domain/kernel/effect.ts';
import { effectName } from '#domain/kernel/ids.ts';
import type { SetCapacity } from '#domain/limit/command.ts';
import type { ConfiguredLimit, ConfiguredLimits, ConfirmLimit } from '#domain/manifest/configured-limits.ts';

type Untold = ConfiguredLimit & { readonly limitId: LimitId; readonly untoldSinceMs: number };

const untold = ({ byId }: ConfiguredLimits): readonly Untold[] =>
  Object.entries(byId).flatMap(([id, limit]) => {
    const { untoldSinceMs } = limit;
    return untoldSinceMs === undefined ? [] : [{ ...limit, untoldSinceMs, limitId: LimitId.parse(id) }];
  });

/** Tells each limit of the last change of its capacity, until it has heard. */
export const limitEffects = (limits: ConfiguredLimits): readonly Effect[] => {
  const { stream } = limits;
  if (stream === undefined) return [];
  const place = stream.slice(stream.indexOf('#') + 1);
  return untold(limits).map(({ limitId, changeNo, capacity }) => {
    const word = { changeNo, ...(capacity === undefined ? {} : { capacity }) };
    const command: SetCapacity = { type: 'SetCapacity', word };
    const confirm: ConfirmLimit = { type: 'ConfirmLimit', limitId, changeNo };
    return {
      kind: 'issue-command',
      name: effectName('limit', `${place}/${limitId}`, changeNo),
      stream: `limit#${place}/${limitId}`,
      command: { ...command },
      ifDone: { stream, command: { ...confirm } },
    };
  });
};

/** Limits that have not heard of a change. */
export const limitsWaiting = (limits: ConfiguredLimits): readonly Waiting[] =>
  untold(limits).map(({ limitId, untoldSinceMs }) => ({
    reason: 'limit',
    deadlineMs: untoldSinceMs + runTiming.silenceMs,
    subject: limitId,
  }));
