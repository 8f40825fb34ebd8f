/** `doctor`: looks at Node, ports, state and versions, and says how to mend what is wrong. */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { CliError, exitCodes } from '#cli/cli-error.ts';
import type { CommandContext } from '#cli/commands/context.ts';
import { paint } from '#cli/output.ts';

interface DoctorOptions {
  readonly port: number;
  readonly awsPort: number;
}

/** Adds the command. */
export const addDoctorCommand = (
  program: Command,
  { root, contextOf }: { readonly root: string; readonly contextOf: (command: Command) => CommandContext },
): void => {
  program
    .command('doctor')
    .description('look at Node, ports, state and versions, and say how to mend what is wrong')
    .option('--port <port>', 'port of the HTTP API', port, 4600)
    .option('--aws-port <port>', 'port of the AWS wire endpoint', port, 4566)
    .action(async (options: DoctorOptions, sub: Command) => {
      const { output, stateDir } = contextOf(sub);
      const { diagnose, doctorExitCode } = await import('#cli/offline/doctor.ts');
      const { machine } = await import('#cli/offline/doctor-ports.ts');
      const findings = await diagnose(
        machine({ root, stateDir, port: options.port, awsPort: options.awsPort }),
      );
      const exitCode = doctorExitCode(findings);
      output.result({ isOk: exitCode === exitCodes.done, findings }, () =>
        findings
          .map(({ check, isOk, found, remedy }) =>
            [
              `${isOk ? paint('green', 'ok     ') : paint('red', 'problem')} ${check}: ${found}`,
              ...(remedy === undefined ? [] : [`        to do: ${remedy}`]),
            ].join('\n'),
          )
          .join('\n'),
      );
      const problems = findings.filter(({ isOk }) => !isOk).map(({ check }) => check);
      if (exitCode !== exitCodes.done)
        throw new CliError('problems_found', `look at: ${problems.join(', ')}`, { exitCode });
    });
};

const port = (text: string): number => {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || number > 65_535)
    throw new InvalidArgumentError('must be 1 to 65535.');
  return number;
};
