import { defineConfig } from 'vitest/config';

const environment = {
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  AWS_REGION: 'us-east-1',
  CDK_VALIDATION: 'false',
};

/**
 * The files of a project share the modules of their worker, which saves half of the time of the small ones: a file puts
 * back what it changes in a module or the process, and support modules register no hooks when they are loaded.
 */
const project = (name: string, include: readonly string[], testTimeout: number) => ({
  extends: true as const,
  test: { name, include: [...include], testTimeout, hookTimeout: testTimeout, isolate: false },
});

/** Percent of branches the unit and flow tests take, by folder: floors that only rise. */
const branchFloors = {
  contracts: 100,
  domain: 100,
  adapters: 96,
  functions: 92,
  infra: 96,
  local: 90,
  cli: 92,
  tools: 91,
};

export default defineConfig({
  test: {
    env: environment,
    pool: 'threads',
    maxWorkers: '100%',
    coverage: {
      provider: 'v8',
      // A fault of one test must not hide what the others cover.
      reportOnFailure: true,
      reporter: ['text-summary', 'json-summary'],
      include: Object.keys(branchFloors).map((folder) => `${folder}/**/*.ts`),
      exclude: ['test/**', 'bench/**', '**/*.d.ts'],
      thresholds: Object.fromEntries(
        Object.entries(branchFloors).map(([folder, branches]) => [`${folder}/**/*.ts`, { branches }]),
      ),
    },
    projects: [
      project(
        'unit',
        ['unit', 'property', 'contract', 'architecture', 'replay', 'infra', 'parity'].map(
          (folder) => `test/${folder}/**/*.test.ts`,
        ),
        60_000,
      ),
      project('flow', ['test/local/**/*.test.ts'], 120_000),
      project('e2e', ['test/e2e/**/*.test.ts'], 180_000),
      project('heavy', ['test/heavy/**/*.test.ts'], 1_800_000),
    ],
  },
});
