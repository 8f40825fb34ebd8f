import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const IGNORED = new Set(['node_modules', 'dist', 'cdk.out', 'coverage', 'reports', '.sluice', '.git']);

const walk = (folder: string): readonly string[] =>
  readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) return IGNORED.has(entry.name) ? [] : walk(name);
    return [name];
  });

/** Every file of the project, as git knows it, or as it lies there when the tree is no git checkout. */
export const trackedFiles = (): readonly string[] => {
  try {
    return execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
      cwd: root,
      encoding: 'utf8',
    })
      .split('\n')
      .filter((name) => name !== '');
  } catch {
    return walk('.').map((name) => name.replace(/^\.\//, ''));
  }
};

/** The absolute place of a file of the project. */
export const inProject = (name: string): string => path.join(root, name);
