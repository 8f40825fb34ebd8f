/**
 * Looks at everything `sluice up` depends on and says what is wrong and how to mend it. It changes nothing: a state
 * directory is read as a boot would read it, with a disk that ignores every write.
 */
import { exitCodes } from '#cli/cli-error.ts';
import type { ExitCode } from '#cli/cli-error.ts';
import { checkStateDirectory } from '#cli/offline/doctor-state.ts';
import type { Endpoint } from '#cli/discovery.ts';

/** One thing that was looked at. */
export interface Finding {
  readonly check: string;
  readonly isOk: boolean;
  /** What was found. */
  readonly found: string;
  /** What to do about it; present with a problem only. */
  readonly remedy?: string;
  /** Problems of ports and state have an exit code of their own. */
  readonly isPortOrState?: boolean;
}

export interface DoctorPorts {
  readonly nodeVersion: string;
  readonly stateDir: string;
  /** Ports a stack would use: of the HTTP API and of the AWS endpoint. */
  readonly ports: readonly { readonly name: string; readonly option: string; readonly port: number }[];
  /** What a stack wrote about itself, and whether that process lives. */
  readonly endpoint: Endpoint | undefined;
  readonly isAlive: (pid: number) => boolean;
  readonly isPortFree: (port: number) => Promise<boolean>;
  /** Status of GET, or undefined when nobody answers. */
  readonly get: (url: string) => Promise<number | undefined>;
  readonly freeBytes: () => number | undefined;
  /** Packages by name: the version package.json pins and the one installed. */
  readonly packages: () => readonly Package[];
  readonly sluiceVersion: string;
}

export interface Package {
  readonly name: string;
  readonly pinned: string;
  readonly installed: string | undefined;
}

const NODE_MIN = [20, 20] as const;
const FREE_BYTES_MIN = 1024 ** 3;

/** Every finding, in the order in which they matter. */
export const diagnose = async (ports: DoctorPorts): Promise<readonly Finding[]> => [
  checkNode(ports.nodeVersion),
  checkVersions(ports),
  ...(await checkPorts(ports)),
  ...checkStateDirectory(ports.stateDir, isRunning(ports)),
  checkSpace(ports.freeBytes()),
  await checkStack(ports),
];

/** 0 when all is well, 3 for a port or the state, 1 for anything else. */
export const doctorExitCode = (findings: readonly Finding[]): ExitCode => {
  const problems = findings.filter(({ isOk }) => !isOk);
  if (problems.length === 0) return exitCodes.done;
  return problems.some(({ isPortOrState }) => isPortOrState) ? exitCodes.portOrState : exitCodes.unexpected;
};

const isRunning = ({ endpoint, isAlive }: DoctorPorts): boolean =>
  endpoint !== undefined && isAlive(endpoint.pid);

const checkNode = (version: string): Finding => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOk = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
  return {
    check: 'node',
    isOk,
    found: version,
    ...(isOk ? {} : { remedy: `install Node ${NODE_MIN.join('.')} or later` }),
  };
};

const checkVersions = ({ packages, sluiceVersion }: DoctorPorts): Finding => {
  const off = packages().filter(({ pinned, installed }) => pinned !== installed);
  const found = `sluice ${sluiceVersion}`;
  if (off.length === 0) return { check: 'versions', isOk: true, found: `${found}, packages as pinned` };
  const list = off.map(
    ({ name, pinned, installed }) => `${name} ${installed ?? 'missing'} instead of ${pinned}`,
  );
  return { check: 'versions', isOk: false, found: `${found}; ${list.join(', ')}`, remedy: 'run npm ci' };
};

const checkPorts = async (ports: DoctorPorts): Promise<readonly Finding[]> => {
  const { endpoint } = ports;
  const own = new Set(
    endpoint && isRunning(ports)
      ? [endpoint.url, endpoint.awsUrl].map((url) => Number(new URL(url).port))
      : [],
  );
  const findings: Finding[] = [];
  for (const { name, option, port } of ports.ports) {
    const check = `port ${port}`;
    if (own.has(port)) findings.push({ check, isOk: true, found: `${name}, used by this stack` });
    else if (await ports.isPortFree(port)) findings.push({ check, isOk: true, found: `${name}, free` });
    else
      findings.push({
        check,
        isOk: false,
        found: `${name}, used by another program`,
        remedy: `stop that program, or start with ${option} 0 or another port`,
        isPortOrState: true,
      });
  }
  return findings;
};

const checkSpace = (freeBytes: number | undefined): Finding => {
  if (freeBytes === undefined) return { check: 'disk', isOk: true, found: 'free space is unknown here' };
  const found = `${(freeBytes / 1024 ** 3).toFixed(1)} GiB free`;
  const isOk = freeBytes >= FREE_BYTES_MIN;
  return {
    check: 'disk',
    isOk,
    found,
    ...(isOk
      ? {}
      : { remedy: 'free at least 1 GiB, or choose another disk with --state', isPortOrState: true }),
  };
};

const checkStack = async (ports: DoctorPorts): Promise<Finding> => {
  const { endpoint } = ports;
  if (!endpoint) return { check: 'stack', isOk: true, found: 'not running; "sluice up" starts it' };
  if (!isRunning(ports))
    return {
      check: 'stack',
      isOk: true,
      found: `not running; process ${endpoint.pid} ended without saying so`,
    };
  const status = await ports.get(`${endpoint.url}/health`);
  if (status === 200)
    return { check: 'stack', isOk: true, found: `process ${endpoint.pid} serves ${endpoint.url}` };
  return {
    check: 'stack',
    isOk: false,
    found: `process ${endpoint.pid} runs but ${endpoint.url} answers ${status ?? 'nothing'}`,
    remedy: `stop process ${endpoint.pid} and start "sluice up" again; nothing that was acknowledged is lost`,
    isPortOrState: true,
  };
};
