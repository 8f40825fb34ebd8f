/** Lints the API description with the rules of `redocly.yaml`; nothing is fetched and nothing is reported home. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';

/** What the lint says when it refuses. */
export const openApiFaults = (root: string): readonly string[] => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/@redocly/cli/bin/cli.js'), 'lint', 'docs/api/openapi.json', '--format=stylish'],
    {
      cwd: root,
      encoding: 'utf8',
      env: {
        ...process.env,
        REDOCLY_TELEMETRY: 'off',
        REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
        NO_COLOR: '1',
      },
    },
  );
  return status === 0 ? [] : [`${stdout}${stderr}`.trim()];
};
