/** How long each function may take, and whether it may cause messages to itself. */
import type { FunctionName } from '#contracts/naming.ts';

/** What differs between functions besides their grants and variables. */
export interface FunctionSettings {
  readonly timeoutSeconds: number;
  /** On a cycle of queues: Lambda would otherwise drop the seventeenth hop. A test derives the cycles. */
  readonly isRecursive: boolean;
  readonly description: string;
}

const settings = (timeoutSeconds: number, isRecursive: boolean, description: string): FunctionSettings => ({
  timeoutSeconds,
  isRecursive,
  description,
});

/** The settings of every function; API functions answer before the gateway gives up at 29 s. */
export const functionSettings: Readonly<Record<FunctionName, FunctionSettings>> = {
  'api-runs': settings(29, false, 'Serves health, manifests and runs'),
  'api-feeds': settings(29, false, 'Serves market feeds'),
  'api-access': settings(29, false, 'Serves API keys, workspaces and role grants'),
  'api-workers': settings(29, false, 'Hands ready tasks to workers'),
  // Longer than the lease of a stream.
  'api-streams': settings(150, false, 'Streams the events of runs'),
  'task-callback': settings(29, false, 'Takes the reports of workers'),
  'ingest-market': settings(60, false, 'Buffers market records and plans their ticks'),
  'run-engine': settings(30, true, 'Runs the regime engine for planned ticks'),
  commands: settings(30, true, 'Decides the waiting commands of one stream as one commit'),
  'retry-task': settings(30, true, 'Offers a failed task again at its instant'),
  'feed-recovery': settings(30, true, 'Reminds of feeds that wait for a person'),
  compact: settings(60, true, 'Writes the read models from the ledger'),
  publish: settings(60, true, 'Puts outputs on the output stream in order'),
  sweeper: settings(60, false, 'Finds streams whose deadline has passed'),
  sweep: settings(30, true, 'Issues the sweep command to one stream'),
  'dead-letters': settings(30, true, 'Tells aggregates what was given up'),
  timers: settings(30, true, 'Issues commands that were due later'),
  // Shorter than the wait after which a message that led to nothing is sent again.
  'run-inline': settings(
    30,
    true,
    'Runs the tasks of in-process runners one after another, and sends those of execution locations',
  ),
  // As long as Lambda allows: it waits for functions of customers, and beats for them meanwhile.
  'run-task': settings(900, true, 'Has the functions of execution locations make attempts'),
};
