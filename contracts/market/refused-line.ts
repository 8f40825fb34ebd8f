/** What a file command answers in place of a line it refuses. */
import * as z from 'zod';

/** Why a line was refused. */
export const RefusedLineCode = z.enum([
  'invalid_json',
  'invalid_snapshot',
  'invalid_regime_output',
  'invalid_regime_state',
  'invalid_buffer_record',
  'invalid_received_message',
  'invalid_composer_material',
  'invalid_orchestrator_event',
  'invalid_state_gate_event',
  'invalid_layer_event',
  'inconsistent_run',
  'unlisted_source',
  'unlisted_symbol',
  'unlisted_channel',
  'engine_failure',
  'persistence_failure',
  'non_increasing_timestamp',
  'hysteresis_monotonicity_violation',
]);
export type RefusedLineCode = z.infer<typeof RefusedLineCode>;

/** A refused line. Where the line itself is at fault the message begins with its number. */
export const RefusedLine = z.strictObject({
  error: z.strictObject({ code: RefusedLineCode, message: z.string() }),
});
export type RefusedLine = z.infer<typeof RefusedLine>;
