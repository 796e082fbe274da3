/** Holds a report against the truth of a random fleet. */
import assert from 'node:assert/strict';
import type { RandomFleet } from './random-fleet.test.support.ts';
import type { Selection } from './selection.ts';
import type { UptimeReport } from './uptime.ts';

export function agreesWithTruth(fleet: RandomFleet, report: UptimeReport, select: Selection): void {
  const { from, to } = report;
  const rows = new Map(report.rows.map((row) => [`${row.deviceClass}/${row.device}`, row]));
  assert.equal(rows.size, report.rows.length, 'no device comes twice');
  for (const name of fleet.names) {
    const [deviceClass, device] = name.split('/') as [string, string];
    const isSelected =
      (select.device ?? device) === device && (select.deviceClass ?? deviceClass) === deviceClass;
    const truth = isSelected ? fleet.truth(name, from, to, select.site) : undefined;
    const row = rows.get(name);
    rows.delete(name);
    const about = `${name} from ${from} to ${to}, ${JSON.stringify(select)}`;
    if (truth === undefined || row === undefined) {
      assert.equal(row, undefined, about);
      assert.equal(truth?.upMs ?? 0, 0, about);
      assert.equal(truth?.downMs ?? 0, 0, about);
      continue;
    }
    const { upMs, downMs, unknownMs } = row;
    assert.deepEqual(
      { upMs, downMs, unknownMs },
      { upMs: truth.upMs, downMs: truth.downMs, unknownMs: truth.unknownMs },
      about,
    );
    assert.equal(upMs + downMs + unknownMs, to - from, about);
    if (select.site !== undefined) continue;
    assert.equal(row.state, truth.state, about);
    assert.equal(row.transitions, fleet.transitions(name, from, to), about);
  }
  assert.equal(rows.size, 0, `not asked for: ${[...rows.keys()]}`);
}
