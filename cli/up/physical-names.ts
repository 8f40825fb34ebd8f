/** What the resources of a running stack are called, for people who point AWS clients at it. */
import {
  deadLetterQueueNames,
  deadQueueOf,
  stateMachineNames,
  streamNames,
  tableNames,
  workQueueNames,
} from '#contracts/naming.ts';
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
    queues: called([...workQueueNames, ...deadLetterQueueNames, ...Object.values(deadQueueOf)]),
    stateMachines: called(stateMachineNames),
  };
};
