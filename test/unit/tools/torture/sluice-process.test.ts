import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startSluice } from '#tools/torture/sluice-process.ts';

const script = (text: string): readonly string[] => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-process-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'script.mjs');
  writeFileSync(file, text);
  return [file];
};
const start = (text: string, more: Parameters<typeof startSluice>[1] = {}) =>
  startSluice(['up', '--json'], { entry: script(text), ...more });
const ready = JSON.stringify({
  ...{ ready: true, url: 'http://127.0.0.1:1', awsUrl: 'http://127.0.0.1:2' },
  ...{ tokenFile: 't', stateDir: 's', readySeconds: 1 },
});

describe('a process', () => {
  it('is told its arguments and surroundings, and is heard line by line to its end', async () => {
    const life = start(
      "console.log(process.argv.slice(2).join(' ')); console.log(process.env.EXTRA, process.cwd());",
      {
        environment: { EXTRA: 'here' },
        cwd: tmpdir(),
      },
    );

    expect(await life.ended).toEqual({ code: 0, signal: null });
    expect(await life.firstLine).toBe('up --json');
    expect(life.stdout).toEqual(['up --json', `here ${tmpdir()}`]);
  });

  it('is ready once its first line says so', async () => {
    const life = start(`console.log('${ready}');`);

    expect(await life.ready()).toMatchObject({ url: 'http://127.0.0.1:1' });
  });

  it('makes remarks, before and after they are asked for', async () => {
    const life = start("console.error('one'); setTimeout(() => console.error('noise\\ntwo'), 50);");

    expect(await life.remark(/one/)).toBe('one');
    expect(await life.remark(/t.o/)).toBe('two');
    expect(await life.remark(/noise/)).toBe('noise');
  });

  it('that ends without what was waited for is reported with all it said', async () => {
    const life = start("console.error('reason'); process.exitCode = 3;");

    await expect(life.firstLine).rejects.toThrow(/^sluice up --json ended \(3\) without a line:\nreason$/);
    await expect(life.remark(/never/)).rejects.toThrow('without saying /never/');
  });

  it('is ended by a signal, which does nothing once it is over', async () => {
    const life = start('setInterval(() => undefined, 1_000);');

    life.signal('SIGKILL');

    expect(await life.ended).toEqual({ code: null, signal: 'SIGKILL' });
    await expect(life.ready()).rejects.toThrow('ended (SIGKILL) without a line');
    life.signal('SIGTERM');
  });
});
