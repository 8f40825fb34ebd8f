/** The in-process runners by name. */
import type { InlineRunnerName } from '#contracts/runs/runner.ts';
import type { Runner } from '#domain/ports/runner.ts';

/** Succeeds at once and leaves nothing behind. */
const noop: Runner = { run: () => Promise.resolve({ outcome: 'SUCCEEDED' }) };

/** Every runner a plan may name. */
export const runners: Readonly<Record<InlineRunnerName, Runner>> = { noop };
