/** Starts Step Functions executions by deterministic name. */
import { DescribeExecutionCommand, ExecutionAlreadyExists, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { SFNClient } from '@aws-sdk/client-sfn';
import type { StartExecution } from '#domain/kernel/effect.ts';
import type { Workflow } from '#domain/ports/outside.ts';

export type MachineArns = Readonly<Record<StartExecution['machine'], string>>;

/** Machines by their logical name. */
export const stepFunctionsWorkflow = (client: SFNClient, machines: MachineArns): Workflow => ({
  start: async ({ machine, name, input }) => {
    const stateMachineArn = machines[machine];
    try {
      await client.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }));
      return 'started';
    } catch (error) {
      if (!(error instanceof ExecutionAlreadyExists)) throw error;
      // The name is taken for 90 days: running means started, closed means the next generation is needed.
      const executionArn = `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
      const { status } = await client.send(new DescribeExecutionCommand({ executionArn }));
      return status === 'RUNNING' ? 'started' : 'closed';
    }
  },
});
