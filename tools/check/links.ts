/** Finds links in Markdown that lead nowhere: missing files, missing anchors, links out of the repository. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/** Every broken link of the repository's Markdown files. Links to other sites are not followed. */
export const linkFaults = (root: string): readonly string[] =>
  markdownFiles(root).flatMap((file) =>
    linksOf(readFileSync(join(root, file), 'utf8')).flatMap((link) => faultOf(root, file, link)),
  );

const markdownFiles = (root: string): readonly string[] =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((name) => name !== '' && existsSync(join(root, name)));

/** Targets of inline links, images and reference definitions, outside of code. */
export const linksOf = (markdown: string): readonly string[] => {
  const prose = withoutCode(markdown);
  const inline = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
  const definitions = [...prose.matchAll(/^\s{0,3}\[[^\]]+\]:\s+<?(\S+?)>?\s*$/gm)];
  return [...inline, ...definitions].map(([, target = '']) => target);
};

const withoutCode = (markdown: string): string =>
  markdown.replace(/^(```|~~~)[\s\S]*?^\1[^\n]*$/gm, '').replace(/`[^`\n]*`/g, '');

/** The anchors of a Markdown text, as code hosts derive them from headings; repeats are numbered. */
export const anchorsOf = (markdown: string): ReadonlySet<string> => {
  const seen = new Map<string, number>();
  const headings = markdown.replace(/^(```|~~~)[\s\S]*?^\1[^\n]*$/gm, '').matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm);
  return new Set(
    [...headings].map(([, heading = '']) => {
      const slug = slugOf(heading);
      const count = seen.get(slug) ?? 0;
      seen.set(slug, count + 1);
      return count === 0 ? slug : `${slug}-${count}`;
    }),
  );
};

const slugOf = (heading: string): string =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');

const faultOf = (root: string, file: string, link: string): readonly string[] => {
  if (/^(https?|mailto):/.test(link)) return [];
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? join(root, file) : resolve(root, dirname(file), decodeURIComponent(path));
  const fault = (text: string): readonly string[] => [`${file}: ${link} ${text}`];
  if (relative(root, target).startsWith('..')) return fault('leads out of the repository');
  if (!existsSync(target)) return fault('leads nowhere');
  if (anchor === undefined || !target.endsWith('.md')) return [];
  return anchorsOf(readFileSync(target, 'utf8')).has(anchor) ? [] : fault('names no heading');
};
