/** `npm run evidence`: runs each suite by itself and writes `docs/parity/evidence-DATE.md` and `.json`. */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runTool } from '#tools/build/run-tool.ts';
import { evidencePage, openRisksOf, suiteEvidence, suites } from '#tools/parity/evidence.ts';
import type { Evidence, Suite, SuiteEvidence } from '#tools/parity/evidence.ts';
import { runSuite, suiteCommand } from '#tools/parity/suite.ts';

const root = process.cwd();
const git = (...args: readonly string[]): string =>
  execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();

const run = (suite: Suite): SuiteEvidence => {
  const command = suiteCommand(suite.files);
  if (!suite.files.every((file) => existsSync(path.join(root, file))))
    return suiteEvidence(suite, command, undefined);
  const startMs = performance.now();
  const report = runSuite(root, suite.files);
  return suiteEvidence(suite, command, { report, seconds: (performance.now() - startMs) / 1000 });
};

await runTool(() => {
  const tree = {
    branch: git('rev-parse', '--abbrev-ref', 'HEAD'),
    commit: git('rev-parse', 'HEAD'),
    isClean: git('status', '--porcelain') === '',
  };
  const at = new Date().toISOString();
  const ran = suites.map((suite) => {
    const one = run(suite);
    console.log(`${one.state.padEnd(7)} ${one.suite}`);
    return one;
  });
  const evidence: Evidence = { at, ...tree, suites: ran, openRisks: openRisksOf(ran) };
  const file = path.join(root, 'docs', 'parity', `evidence-${at.slice(0, 10)}`);
  writeFileSync(`${file}.json`, `${JSON.stringify(evidence, null, 2)}\n`);
  writeFileSync(`${file}.md`, evidencePage(evidence));
  process.exitCode = Number(ran.some(({ state }) => state === 'failed'));
  return Promise.resolve();
});
