import { defineConfig } from 'vitest/config';

const environment = {
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  AWS_REGION: 'us-east-1',
  CDK_VALIDATION: 'false',
};

const project = (name: string, include: readonly string[], testTimeout: number) => ({
  extends: true as const,
  test: { name, include: [...include], testTimeout, hookTimeout: testTimeout },
});

export default defineConfig({
  test: {
    env: environment,
    pool: 'threads',
    projects: [
      project(
        'unit',
        ['unit', 'property', 'contract', 'architecture', 'replay', 'infra', 'parity'].map(
          (folder) => `test/${folder}/**/*.test.ts`,
        ),
        30_000,
      ),
      project('flow', ['test/local/**/*.test.ts'], 60_000),
      project('e2e', ['test/e2e/**/*.test.ts'], 180_000),
      project('heavy', ['test/heavy/**/*.test.ts'], 1_800_000),
    ],
  },
});
