/** Tells what pure code had to remark. */
import type { Remark } from '#domain/kernel/projection.ts';
import type { Telemetry } from '#domain/ports/outside.ts';

/** Counts and logs the remarks, in order. */
export const tellRemarks = (telemetry: Telemetry, remarks: readonly Remark[]): void => {
  for (const remark of remarks)
    if (remark.kind === 'metric') telemetry.count(remark.metric, remark.value);
    else telemetry.log(remark.level, remark.message, remark.fields);
};
