/** The demo's asset graph: deployed and started once per state directory, whatever was killed in between. */
import { setTimeout as pause } from 'node:timers/promises';
import * as z from 'zod';
import type { Client } from '#cli/client.ts';
import { readDocument } from '#cli/commands/read-document.ts';

const Triggered = z.object({ runId: z.string() });
const ENDED = new Set(['SUCCEEDED', 'FAILED', 'CANCELLED', 'TIMED_OUT']);

/** Deploys the manifest and starts the run; repeating both finds what is there. */
export const startDemoRun = async (client: Client, manifestFile: string): Promise<string> => {
  await client.request('POST', '{ws}/manifests', { body: readDocument(manifestFile) });
  const answer = await client.request('POST', '{ws}/runs', {
    body: { selection: ['demo.report'], includeUpstream: true, runKey: 'demo' },
  });
  return Triggered.parse(answer).runId;
};

const RunPage = z.object({
  runs: z.array(z.object({ runId: z.string(), state: z.string() })),
  nextCursor: z.string().optional(),
});

/** States of every run of the workspace. */
const runStates = async (client: Client): Promise<readonly string[]> => {
  const states: string[] = [];
  let cursor: string | undefined;
  do {
    const page = RunPage.parse(await client.request('GET', '{ws}/runs', { query: { limit: 200, cursor } }));
    states.push(...page.runs.map(({ state }) => state));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return states;
};

const POLL_MS = 200;

/** Waits until every run of the workspace has ended; answers their states. */
export const awaitRuns = async (client: Client, signal: AbortSignal): Promise<readonly string[]> => {
  for (;;) {
    const states = await runStates(client);
    if (signal.aborted || states.every((state) => ENDED.has(state))) return states;
    await pause(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
};
