/**
 * A detector as bytes: `SLOWBEAT`, version, header length, header (JSON), the devices' records, what the classes
 * learned, names, checksum.
 *
 * Records are written as they lie in memory (little-endian, as on every machine Node runs on), so that a fleet of a
 * million is kept in well under a second. The header says which numbers a record consists of: one that was written by
 * a version with fewer columns, or for other classes, is read nevertheless.
 */
import { crc32 } from 'node:zlib';
import { LAYOUT } from './algorithms/index.ts';
import { type ColumnSpec, DeviceRecords } from './device-records.ts';
import { type DeviceTable, FLAG } from './device-table.ts';
import type { Placement } from './evidence.ts';
import type { DeviceClass, Fleet } from './fleet.ts';
import type { Group, GroupKind } from './group.ts';
import type { IncidentState } from './incident.ts';
import type { IncidentBook } from './incident-book.ts';
import type { Location } from './location.ts';
import { entryLength, nameIn } from './name-arena.ts';
import type { Column, Float32Column, Int32Column, Uint16Column } from './record-column.ts';

const MAGIC = 'SLOWBEAT';
const VERSION = 3;
const PREFIX_BYTES = MAGIC.length + 8;
const CHECKSUM_BYTES = 4;

/** Columns that say where a device belongs, which is more than a number to keep. */
const SET_OTHERWISE: ReadonlySet<string> = new Set(['classIndex', 'learned', 'location']);

export class SnapshotError extends Error {
  readonly code = 'SNAPSHOT_UNREADABLE';
  constructor(problem: string) {
    super(`snapshot unreadable: ${problem}`);
    this.name = 'SnapshotError';
  }
}

interface Header {
  readonly now: number | null;
  readonly blindSince: number | null;
  readonly devices: number;
  readonly columns: readonly ColumnSpec[];
  /** What each class has learned follows the records, as so many numbers. */
  readonly classes: readonly { readonly name: string; readonly layout: string; readonly numbers: number }[];
  /** By the numbers in the records; null where a number is free. */
  readonly locations: readonly (Placement | null)[];
  /** Incidents that are open, and the number of the latest. */
  readonly incidents: readonly (IncidentState & { readonly kind: GroupKind; readonly name: string })[];
  readonly latestIncident: number;
}

export function encodeSnapshot(
  fleet: Fleet,
  now: number,
  blindSince: number | undefined,
  book: IncidentBook,
): Uint8Array {
  const { table } = fleet;
  const ofClasses = fleet.classes.map(classKnowledge);
  const header: Header = {
    now: Number.isFinite(now) ? now : null,
    blindSince: blindSince ?? null,
    devices: table.size,
    columns: table.records.columns.map(({ name, kind, numbers }) => ({ name, kind, numbers })),
    classes: fleet.classes.map((deviceClass, index) => ({
      name: deviceClass.name,
      layout: layoutOf(deviceClass),
      numbers: (ofClasses[index] as Float64Array).length,
    })),
    locations: fleet.groups.locations.map((location) => {
      if (location === undefined) return null;
      const { gateway, site, broker } = location;
      return { gateway, site, broker };
    }),
    incidents: book.open.map((incident) => {
      const { kind, name } = incident.group;
      return { kind, name, ...incident.state() };
    }),
    latestIncident: book.latest,
  };
  const head = Buffer.from(JSON.stringify(header));
  const classBytes = ofClasses.reduce((sum, numbers) => sum + numbers.byteLength, 0);
  const recordBytes = table.size * table.records.recordBytes;
  // In one piece: a copy of a large fleet would take as long as all the rest.
  const bytes = Buffer.allocUnsafe(
    PREFIX_BYTES + head.length + recordBytes + classBytes + table.nameBytes + CHECKSUM_BYTES,
  );
  bytes.write(MAGIC);
  bytes.writeUInt32LE(VERSION, MAGIC.length);
  bytes.writeUInt32LE(head.length, MAGIC.length + 4);
  let at = PREFIX_BYTES;
  bytes.set(head, at);
  at = saveRecords(table, bytes, at + head.length);
  for (const { buffer, byteOffset, byteLength } of ofClasses) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  for (let device = 0; device < table.end; device += 1) {
    if (table.has(device)) at = table.saveName(device, bytes, at);
  }
  at = bytes.writeUInt32LE(crc32(bytes.subarray(0, at)), at);
  return bytes.subarray(0, at);
}

/** What a snapshot holds beside the devices. */
export interface Restored {
  readonly now: number;
  readonly blindSince: number | undefined;
  readonly incidents: readonly { readonly group: Group; readonly state: IncidentState }[];
  readonly latestIncident: number;
}

/**
 * Fills an empty fleet. Devices of classes that are no longer configured are left out; a class whose algorithm has
 * changed starts to learn anew and keeps its verdicts and deadlines.
 *
 * @throws SnapshotError
 */
export function decodeSnapshot(fleet: Fleet, snapshot: Uint8Array): Restored {
  const bytes = Buffer.from(snapshot.buffer, snapshot.byteOffset, snapshot.byteLength);
  const header = readHeader(bytes);
  let offset = PREFIX_BYTES + bytes.readUInt32LE(MAGIC.length + 4);
  const take = (length: number): Buffer => {
    if (offset + length > bytes.length - CHECKSUM_BYTES) throw new SnapshotError('it is cut short');
    offset += length;
    return bytes.subarray(offset - length, offset);
  };
  const records = new DeviceRecords();
  for (const spec of header.columns) records.declare(spec);
  records.reserve(header.devices);
  records.bytes(0, header.devices).set(take(header.devices * records.recordBytes));
  const ofClasses = header.classes.map(({ numbers }) =>
    float64s(take(numbers * Float64Array.BYTES_PER_ELEMENT)),
  );
  fleet.groups.restore(header.locations, (locations) => {
    restoreDevices(fleet, header, records, locations, bytes.subarray(offset, bytes.length - CHECKSUM_BYTES));
  });
  header.classes.forEach(({ name, layout }, saved) => {
    const deviceClass = fleet.classes[fleet.classNumber(name) ?? -1];
    // What does not fit is learned anew.
    if (deviceClass !== undefined && layoutOf(deviceClass) === layout) {
      learnClass(deviceClass, ofClasses[saved] as Float64Array);
    }
  });
  return {
    now: header.now ?? Number.NEGATIVE_INFINITY,
    blindSince: header.blindSince ?? undefined,
    incidents: header.incidents.flatMap((state) => {
      const group = fleet.groups.named(state.kind, state.name);
      return group === undefined ? [] : [{ group, state }];
    }),
    latestIncident: header.latestIncident,
  };
}

/** Registers every device of a class that is still configured, under the number that it finds free. */
function restoreDevices(
  fleet: Fleet,
  header: Header,
  records: DeviceRecords,
  locations: readonly (Location | undefined)[],
  names: Buffer,
): void {
  const { table } = fleet;
  const saved = new Map(records.columns.map(({ name, column }) => [name, column]));
  const copied = copies(saved, table);
  const savedClass = saved.get('classIndex') as Uint16Column;
  const savedLocation = saved.get('location') as Int32Column;
  const savedLearned = saved.get('learned') as Float32Column;
  const numbers = header.columns.find(({ name }) => name === 'learned')?.numbers ?? 0;
  const learnedNumbers = Math.min(numbers, table.slots);
  const classNumbers = header.classes.map(({ name }) => fleet.classNumber(name));
  const sameLayout = header.classes.map(({ layout }, index) => {
    const deviceClass = fleet.classes[classNumbers[index] ?? -1];
    return deviceClass !== undefined && layoutOf(deviceClass) === layout;
  });
  table.reserve(header.devices);
  for (let row = 0, at = 0; row < header.devices; row += 1) {
    const length = entryLength(names, at);
    if (!(at + length <= names.length)) throw new SnapshotError('its names are cut short');
    const name = nameIn(names, at);
    at += length;
    const classNumber = classNumbers[savedClass.get(row)];
    if (classNumber === undefined) continue;
    const device = fleet.register(classNumber, name);
    for (const { from, to } of copied) to.set(device, from.get(row));
    // A death that was held back is decided anew.
    fleet.flag(device, FLAG.held, false);
    fleet.groups.move(device, locations[savedLocation.get(row)] as Location);
    if (!sameLayout[savedClass.get(row)]) continue;
    const from = savedLearned.base(row);
    table.learned.values.set(
      savedLearned.values.subarray(from, from + learnedNumbers),
      table.learned.base(device),
    );
  }
}

/** Which columns are taken over as they are. */
function copies(saved: ReadonlyMap<string, Column>, table: DeviceTable): { from: Column; to: Column }[] {
  const own = new Map(table.records.columns.map(({ name, column }) => [name, column]));
  return [...saved].flatMap(([name, from]) => {
    const to = own.get(name);
    if (to === undefined) {
      throw new SnapshotError(`it holds a column "${name}" that this version does not know`);
    }
    return SET_OTHERWISE.has(name) ? [] : [{ from, to }];
  });
}

/** Writes down the records in use, without gaps. Returns where they end. */
function saveRecords(table: DeviceTable, into: Buffer, start: number): number {
  const { records, end } = table;
  let at = start;
  for (let device = 0; device < end; device += 1) {
    if (!table.has(device)) continue;
    const first = device;
    while (device < end && table.has(device)) device += 1;
    into.set(records.bytes(first, device), at);
    at += (device - first) * records.recordBytes;
  }
  return at;
}

/** What was learned of the class: how its devices sleep and reconnect, then what its algorithm knows. */
function classKnowledge({ model, reconnect, sleep }: DeviceClass): Float64Array {
  const parts = [sleep, ...reconnect.persistent(), model.exportClass()];
  return Float64Array.from(parts.flatMap((part) => [...part]));
}

function learnClass({ model, reconnect, sleep }: DeviceClass, numbers: Float64Array): void {
  let at = 0;
  for (const part of [sleep, ...reconnect.persistent()]) {
    part.set(numbers.subarray(at, at + part.length));
    at += part.length;
  }
  model.importClass(numbers.subarray(at));
}

/** Two classes of the same layout learn the same numbers in the same places. */
function layoutOf({ config, model }: DeviceClass): string {
  return `${config.algorithm}/${LAYOUT}/${model.slots}`;
}

function readHeader(bytes: Buffer): Header {
  if (bytes.length < PREFIX_BYTES + CHECKSUM_BYTES || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw new SnapshotError('it does not begin as a snapshot does');
  }
  const version = bytes.readUInt32LE(MAGIC.length);
  if (version !== VERSION) throw new SnapshotError(`it has version ${version}; this is version ${VERSION}`);
  const body = bytes.subarray(0, bytes.length - CHECKSUM_BYTES);
  if (crc32(body) !== bytes.readUInt32LE(body.length)) throw new SnapshotError('its checksum does not match');
  const length = bytes.readUInt32LE(MAGIC.length + 4);
  return JSON.parse(bytes.toString('utf8', PREFIX_BYTES, PREFIX_BYTES + length)) as Header;
}

/** A copy of the bytes as numbers: they may lie at an odd offset. */
function float64s(bytes: Buffer): Float64Array {
  const values = new Float64Array(bytes.length / Float64Array.BYTES_PER_ELEMENT);
  new Uint8Array(values.buffer).set(bytes);
  return values;
}
