import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anchorsOf, linkFaults, linksOf } from '#tools/check/links.ts';

describe('links', () => {
  it('are inline links, images and definitions, outside of code', () => {
    const markdown = [
      'See [one](a.md), ![two](<b.png>) and [three](c.md#part "title").',
      '[four]: d.md',
      '`[not](e.md)` and',
      '```',
      '[nor](f.md)',
      '```',
    ].join('\n');

    expect(linksOf(markdown)).toEqual(['a.md', 'b.png', 'c.md#part', 'd.md']);
  });
});

describe('anchors', () => {
  it('are headings in lower case with dashes, repeats numbered', () => {
    const markdown =
      '# The `sluice` command!\n## Try it\n## Try it\n```\n# no heading\n```\n### [Link](x.md) too';

    expect([...anchorsOf(markdown)]).toEqual(['the-sluice-command', 'try-it', 'try-it-1', 'link-too']);
  });
});

describe('faults', () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(path.join(tmpdir(), 'sluice-links-'));
    execFileSync('git', ['init', '--quiet'], { cwd: root });
    mkdirSync(path.join(root, 'docs'));
    writeFileSync(
      path.join(root, 'README.md'),
      '# Here\n[a](docs/a.md#there) [b](docs/) [c](#here) [d](https://x.org)\n',
    );
    writeFileSync(
      path.join(root, 'docs/a.md'),
      '# There\n[a](../README.md#nowhere) [b](gone.md) [c](../../out.md) [d](#there)\n',
    );
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('name the file, the link and what is wrong with it', () => {
    expect(linkFaults(root)).toEqual([
      'docs/a.md: ../README.md#nowhere names no heading',
      'docs/a.md: gone.md leads nowhere',
      'docs/a.md: ../../out.md leads out of the repository',
    ]);
  });
});
