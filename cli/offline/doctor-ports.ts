/** What the doctor looks at, on this machine. */
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import * as z from 'zod';
import { readEndpoint } from '#cli/discovery.ts';
import type { DoctorPorts, Package } from '#cli/offline/doctor.ts';

export interface MachineOptions {
  readonly root: string;
  readonly stateDir: string;
  readonly port: number;
  readonly awsPort: number;
}

/** This machine, this checkout, this state directory. */
export const machine = ({ root, stateDir, port, awsPort }: MachineOptions): DoctorPorts => ({
  nodeVersion: process.versions.node,
  stateDir: path.resolve(stateDir),
  ports: [
    { name: 'HTTP API', option: '--port', port },
    { name: 'AWS endpoint', option: '--aws-port', port: awsPort },
  ],
  endpoint: readEndpoint(stateDir),
  isAlive,
  isPortFree,
  get,
  freeBytes: () => freeBytes(path.resolve(stateDir)),
  packages: () => packages(root),
  sluiceVersion: Manifest.parse(readJson(path.join(root, 'package.json'))).version,
});

const Manifest = z.object({ version: z.string(), dependencies: z.record(z.string(), z.string()).optional() });

const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

/** The packages whose versions matter at run time: the clients of AWS and the compiler of the template. */
const packages = (root: string): readonly Package[] => {
  const { dependencies = {} } = Manifest.parse(readJson(path.join(root, 'package.json')));
  return Object.entries(dependencies)
    .filter(([name]) => name.startsWith('@aws-sdk/') || name === 'aws-cdk-lib' || name === 'zod')
    .map(([name, pinned]) => {
      const file = path.join(root, 'node_modules', name, 'package.json');
      return {
        name,
        pinned,
        installed: existsSync(file) ? Manifest.parse(readJson(file)).version : undefined,
      };
    });
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
};

const isPortFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

const ANSWER_MS = 3_000;

const get = async (url: string): Promise<number | undefined> => {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) })).status;
  } catch {
    return undefined;
  }
};

/** Of the directory, or of the nearest one above that exists. */
const freeBytes = (directory: string): number | undefined => {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  } catch {
    const parent = path.dirname(directory);
    return parent === directory ? undefined : freeBytes(parent);
  }
};
