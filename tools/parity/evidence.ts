/** What a run of the suites leaves as evidence: a page for people and the same as JSON. */
import type { SuiteReport } from '#tools/parity/suite.ts';

/** A suite of the evidence: its name and the files it consists of. */
export interface Suite {
  readonly name: string;
  readonly files: readonly string[];
}

/** The suites of the evidence, in the order they are run. */
export const suites: readonly Suite[] = [
  { name: 'gates M1, runs', files: ['test/parity/m1-runs.test.ts'] },
  { name: 'gates M3, runs', files: ['test/parity/m3-runs.test.ts'] },
  { name: 'gates M2, automation', files: ['test/parity/m2-automation.test.ts'] },
  { name: 'market feeds', files: ['test/parity/market-feeds.test.ts'] },
  { name: 'laws of runs', files: ['test/property/run'] },
  { name: 'routes by role, tenant and workspace', files: ['test/local/flows/route-matrix.test.ts'] },
  { name: 'external worker', files: ['test/e2e/external-worker.test.ts'] },
  { name: 'deploy, run, callbacks, logs', files: ['test/e2e/deploy-run-callbacks-logs.test.ts'] },
];

/** The tree the suites ran on. */
export interface Tree {
  readonly branch: string;
  readonly commit: string;
  readonly isClean: boolean;
}

/** One suite with what it came to; a suite whose files are not there is absent. */
export type SuiteEvidence = { readonly suite: string; readonly command: string } & (
  | { readonly state: 'absent' }
  | {
      readonly state: 'passed' | 'failed';
      readonly seconds: number;
      readonly passed: number;
      readonly failed: number;
      readonly skipped: number;
    }
);

/** All of the evidence. */
export interface Evidence extends Tree {
  readonly at: string;
  readonly suites: readonly SuiteEvidence[];
  /** What nothing here proves. */
  readonly openRisks: readonly string[];
}

/** What one report comes to. */
export const suiteEvidence = (
  { name }: Suite,
  command: readonly string[],
  ran: { readonly report: SuiteReport; readonly seconds: number } | undefined,
): SuiteEvidence => {
  const named = { suite: name, command: command.join(' ') };
  if (!ran) return { ...named, state: 'absent' };
  const { numPassedTests: passed, numFailedTests: failed, numPendingTests: skipped } = ran.report;
  const isGreen = failed === 0 && skipped === 0 && passed > 0;
  return { ...named, state: isGreen ? 'passed' : 'failed', seconds: ran.seconds, passed, failed, skipped };
};

/** Every absent or failed suite, and what no suite looks at. */
export const openRisksOf = (suites: readonly SuiteEvidence[]): readonly string[] => [
  ...suites
    .filter(({ state }) => state !== 'passed')
    .map(({ suite, state }) => `the suite "${suite}" is ${state}`),
  'nothing here ran in an AWS account: the stacks ran on the local cloud',
];

/** The page. */
export const evidencePage = ({ at, branch, commit, isClean, suites, openRisks }: Evidence): string => {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  return [
    `# Evidence of ${at.slice(0, 10)}`,
    '',
    `Made by \`npm run evidence\` at ${at} on branch \`${branch}\`, commit \`${commit}\`, ${isClean ? 'clean tree' : 'tree with changes'}.`,
    '',
    line(['Suite', 'State', 'Passed', 'Failed', 'Skipped', 'Seconds', 'Command']),
    line(Array.from({ length: 7 }, () => '---')),
    ...suites.map((one) =>
      one.state === 'absent'
        ? line([one.suite, 'absent', '', '', '', '', `\`${one.command}\``])
        : line([
            one.suite,
            one.state,
            one.passed,
            one.failed,
            one.skipped,
            one.seconds.toFixed(1),
            `\`${one.command}\``,
          ]),
    ),
    '',
    '## Open risks',
    '',
    ...openRisks.map((risk) => `- ${risk}`),
    '',
  ].join('\n');
};
