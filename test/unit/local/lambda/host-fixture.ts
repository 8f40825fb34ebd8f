/** Functions written as text, and hosts that run them. */
import { activityCounter } from '#local/kernel/activity.ts';
import { virtualClock } from '#local/kernel/clock.ts';
import { directHost, sleepOn } from '#local/lambda/direct-host.ts';
import type { FunctionSetting, LambdaHost } from '#local/lambda/lambda-host.ts';

export const functionSetting = (name: string, given: Partial<FunctionSetting> = {}): FunctionSetting => ({
  name,
  arn: `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
  codeDir: '/nowhere',
  handler: 'handler.handler',
  environment: {},
  timeoutMs: 3000,
  memoryMb: 128,
  mayLoop: false,
  principal: undefined,
  ...given,
});

/** A direct host over modules given as objects. */
export const directBench = (
  modules: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  given: Partial<FunctionSetting> = {},
): { readonly host: LambdaHost } & Pick<ReturnType<typeof virtualClock>, 'step' | 'nowMs'> & {
    readonly inFlightCount: () => number;
  } => {
  const clock = virtualClock(1_800_000_000_000);
  const activity = activityCounter();
  const host = directHost({
    functions: Object.keys(modules).map((name) => functionSetting(name, given)),
    clock,
    activity,
    plugin: {
      nowMs: clock.nowMs,
      sleep: sleepOn({ clock, activity }),
      fetch: () => Promise.reject(new Error('no network')),
    },
    importModule: ({ name }) => Promise.resolve(modules[name] ?? {}),
  });
  return { host, step: clock.step, nowMs: clock.nowMs, inFlightCount: activity.inFlightCount };
};

export const turns = async (count = 5): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};
