/** What the resources of a running stack are called, for people who point AWS clients at it. */
import {
  deadLetterQueueNames,
  deadQueueNames,
  stateMachineNames,
  streamNames,
  tableNames,
  workQueueNames,
} from '#contracts/naming.ts';
import { CliError } from '#cli/cli-error.ts';
import type { PhysicalNames } from '#cli/discovery.ts';
import type { Cloud } from '#local/boot/cloud.ts';

/** The physical names as the template gave them. */
export const physicalNames = ({ names }: Pick<Cloud, 'names'>): PhysicalNames => {
  const known = Object.values(names).flatMap((resources) => Object.values(resources));
  const called = (logicals: readonly string[]): string[] =>
    logicals.flatMap(
      (logical) => known.find((name) => name.startsWith('sluice-') && name.endsWith(`-${logical}`)) ?? [],
    );
  return {
    tables: called(tableNames),
    streams: called(streamNames),
    queues: called([...workQueueNames, ...deadLetterQueueNames, ...deadQueueNames]),
    stateMachines: called(stateMachineNames),
  };
};

/** The physical name of one resource, which ends with the logical one; throws when the stack has none. */
export const physicalNameOf = ({ names }: Pick<Cloud, 'names'>, logical: string): string => {
  for (const resources of Object.values(names)) {
    const found = Object.values(resources).find((name) => name.endsWith(`-${logical}`));
    if (found !== undefined) return found;
  }
  throw new CliError('not_found', `the stack has no ${logical}`);
};
