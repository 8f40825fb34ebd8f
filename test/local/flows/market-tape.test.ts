import { describe, expect, it } from 'vitest';

import { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import { apiOf, bootTestCloud } from '#test/support/cloud.ts';
import { buffered, engineRuns, published, readFeed, receiveAll } from '#test/support/cloud-market.ts';
import { commitsIn, numberingFaults } from '#test/support/cloud-stores.ts';
import { demoRecords, marketOutcome, play, startDemoFeed } from '#test/support/demo-market.ts';

const played = async (atOnce?: number) => {
  const api = apiOf(await bootTestCloud());
  await startDemoFeed(api);
  await play(api, await demoRecords(), atOnce);
  return api;
};

describe('the demo tape', () => {
  it('is ingested whole, run at every boundary and published, with nothing refused', async () => {
    const api = await played();
    const records = await demoRecords();
    expect(await readFeed(api, 'demo')).toMatchObject({
      recordCount: records.length,
      lastIngestSeq: records.length,
      decodeFailureCount: 7,
    });
    const runs = await engineRuns(api, 'demo');
    const events = await published(api.cloud);
    expect(events).toHaveLength(2 * runs.length);
    expect(new Set(runs.map(({ run_id }) => run_id)).size).toBe(runs.length);
    expect(runs.filter(({ status }) => status === 'completed').length).toBeGreaterThan(30);
    expect(new Set(runs.filter(({ status }) => status === 'failed').map((run) => run.error_kind))).toEqual(
      new Set(['missing_snapshot_inputs']),
    );
    expect(await receiveAll(api.cloud, 'market-dead-letters')).toEqual([]);
    expect(numberingFaults(await commitsIn(api.cloud))).toEqual([]);
    expect(api.cloud.faultLines()).toEqual([]);
  });

  it('publishes each symbol in the order of its boundaries, a start before its end', async () => {
    const api = await played();
    const { bySymbol } = await marketOutcome(api.cloud);
    for (const texts of Object.values(bySymbol)) {
      const events = texts.map((text) => OrchestratorEvent.parse(JSON.parse(text)));
      const stamps = events.map((event) => event.engine_timestamp_ms);
      expect(stamps).toEqual([...stamps].sort((one, other) => one - other));
      events.forEach((event, index) => {
        const isStart = event.event_type === 'EngineRunStarted';
        expect(isStart).toBe(index % 2 === 0);
        if (!isStart) expect(event.run_id).toBe(events[index - 1]?.run_id);
      });
      const cuts = events.filter((_, index) => index % 2 === 0);
      cuts.slice(1).forEach((event, index) => {
        expect(event.cut_start_ingest_seq).toBe((cuts[index]?.cut_end_ingest_seq ?? 0) + 1);
      });
    }
  });

  it('keeps genuine duplicates of the venue', async () => {
    const api = await played();
    const records = await buffered(api.cloud, 'BTC-PERP', 'demo');
    const ids = records.map(({ text }) => (JSON.parse(text) as { source_event_id: string }).source_event_id);
    expect(ids.length).toBeGreaterThan(new Set(ids).size);
    const seqs = records.map(({ ingestSeq }) => ingestSeq);
    expect(seqs).toEqual([...seqs].sort((one, other) => one - other));
  });

  it('uses of a late, a corrected and a missing snapshot what the cut holds', async () => {
    const api = await played();
    const runs = await engineRuns(api, 'demo');
    for (const symbol of ['BTC-PERP', 'ETH-PERP', 'SOL-PERP']) {
      const records = await buffered(api.cloud, symbol, 'demo');
      for (const run of runs.filter((one) => one.symbol === symbol)) {
        const inputs = records.filter(
          ({ ingestSeq, text }) =>
            ingestSeq >= run.cut_start_ingest_seq &&
            ingestSeq <= run.cut_end_ingest_seq &&
            text.includes('"SnapshotInputs"') &&
            text.includes(`"timestamp_ms":${run.engine_timestamp_ms}`),
        );
        expect([run.run_id, run.status]).toEqual([run.run_id, inputs.length > 0 ? 'completed' : 'failed']);
      }
    }
  });

  it('leads to the same events, order and rows whatever came in one request', async () => {
    const whole = await marketOutcome((await played(500)).cloud);
    expect(await marketOutcome((await played(37)).cloud)).toEqual(whole);
  });
});
