/** Functions a developer brings along, beside those of the template: the functions of customers at a local stage. */
import path from 'node:path';
import type { FunctionSetting } from '#local/lambda/lambda-host.ts';

/** A function by its name, and the module that exports its `handler`. */
export interface OwnFunction {
  readonly name: string;
  readonly file: string;
}

const TIMEOUT_MS = 900_000;
const MEMORY_MB = 512;

/** Its setting: the longest timeout, no variables, and no role, so that its AWS calls are a person's. */
export const ownFunctionSetting = (
  { name, file }: OwnFunction,
  { region, accountId }: { readonly region: string; readonly accountId: string },
): FunctionSetting => ({
  name,
  arn: `arn:aws:lambda:${region}:${accountId}:function:${name}`,
  codeDir: path.resolve(path.dirname(file)),
  handler: `${path.basename(file, path.extname(file))}.handler`,
  environment: {},
  timeoutMs: TIMEOUT_MS,
  memoryMb: MEMORY_MB,
  mayLoop: true,
  principal: undefined,
});
