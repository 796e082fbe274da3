/**
 * A detector as bytes: `SLOWBEAT`, version, header length, header (JSON), columns, learned values, class values, names,
 * checksum.
 *
 * Columns are written as they lie in memory (little-endian, as on every machine Node runs on), so that a fleet of a
 * million is kept in well under a second.
 */
import { crc32 } from 'node:zlib';
import { LAYOUT } from './algorithms/index.ts';
import { type Column, type DeviceTable, FLAG } from './device-table.ts';
import type { DeviceClass, Fleet } from './fleet.ts';
import { type Group, type GroupKind, PLACE_KINDS } from './groups.ts';
import type { IncidentState } from './incident.ts';
import type { IncidentBook } from './incident-book.ts';

const MAGIC = 'SLOWBEAT';
const VERSION = 2;
const PREFIX_BYTES = MAGIC.length + 8;
const CHECKSUM_BYTES = 4;

/** Columns that say where a device belongs, which is more than a number to keep. */
const SET_OTHERWISE: ReadonlySet<string> = new Set(['classIndex', ...PLACE_KINDS]);

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
  readonly stride: number;
  /** What each class has learned follows the columns, as so many numbers. */
  readonly classes: readonly { readonly name: string; readonly layout: string; readonly numbers: number }[];
  readonly places: readonly string[];
  /** Incidents that are open, and the number of the latest. */
  readonly incidents: readonly (IncidentState & { readonly kind: GroupKind; readonly place: number })[];
  readonly latestIncident: number;
  readonly columns: readonly string[];
  readonly namesBytes: number;
}

export function encodeSnapshot(
  fleet: Fleet,
  now: number,
  blindSince: number | undefined,
  book: IncidentBook,
): Uint8Array {
  const { table } = fleet;
  const devices = [...table.indices()];
  const names = Buffer.from(devices.map((device) => table.nameAt(device)).join('\n'));
  const columns = Object.entries(table.columns());
  const ofClasses = fleet.classes.map(({ model }) => model.exportClass());
  const header: Header = {
    now: Number.isFinite(now) ? now : null,
    blindSince: blindSince ?? null,
    devices: devices.length,
    stride: table.stride,
    classes: fleet.classes.map((deviceClass, index) => ({
      name: deviceClass.name,
      layout: layoutOf(deviceClass),
      numbers: (ofClasses[index] as Float64Array).length,
    })),
    places: table.places.names,
    incidents: book.open.map((incident) => {
      const { kind, place } = incident.group;
      return { kind, place, ...incident.state() };
    }),
    latestIncident: book.latest,
    columns: columns.map(([name]) => name),
    namesBytes: names.length,
  };
  const head = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.write(MAGIC);
  prefix.writeUInt32LE(VERSION, MAGIC.length);
  prefix.writeUInt32LE(head.length, MAGIC.length + 4);
  const parts = [
    prefix,
    head,
    ...columns.map(([, column]) => gathered(column, devices)),
    learned(table, devices),
    ...ofClasses.map((numbers) => Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength)),
    names,
  ];
  const body = Buffer.concat(parts);
  const checksum = Buffer.alloc(CHECKSUM_BYTES);
  checksum.writeUInt32LE(crc32(body));
  return Buffer.concat([body, checksum]);
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
  const { table } = fleet;
  const { devices } = header;
  let offset = PREFIX_BYTES + bytes.readUInt32LE(MAGIC.length + 4);
  const take = (length: number): Buffer => {
    if (offset + length > bytes.length - CHECKSUM_BYTES) throw new SnapshotError('it is cut short');
    offset += length;
    return bytes.subarray(offset - length, offset);
  };
  const own = table.columns();
  const columns = new Map<string, Column>();
  for (const name of header.columns) {
    const like = own[name];
    if (like === undefined)
      throw new SnapshotError(`it holds a column "${name}" that this version does not know`);
    columns.set(name, aligned(like, take(devices * like.BYTES_PER_ELEMENT), devices));
  }
  const learnedBytes = take(devices * header.stride * Float32Array.BYTES_PER_ELEMENT);
  const learnedValues = aligned(new Float32Array(0), learnedBytes, devices * header.stride);
  const ofClasses = header.classes.map(({ numbers }) =>
    aligned(new Float64Array(0), take(numbers * Float64Array.BYTES_PER_ELEMENT), numbers),
  );
  const names = devices === 0 ? [] : take(header.namesBytes).toString().split('\n');
  if (names.length !== devices) throw new SnapshotError(`${names.length} names for ${devices} devices`);

  // The places a fresh table would number by first sight must have the snapshot's numbers.
  for (const name of header.places) table.places.number(name);
  const classNumbers = header.classes.map(({ name }) => fleet.classNumber(name));
  const savedClass = columns.get('classIndex') as Column;
  names.forEach((name, row) => {
    const saved = savedClass[row] as number;
    const classNumber = classNumbers[saved];
    if (classNumber === undefined) return;
    const device = fleet.register(classNumber, name);
    const current = table.columns();
    for (const [column, values] of columns) {
      if (!SET_OTHERWISE.has(column)) (current[column] as Column)[device] = values[row] as number;
    }
    // A death that was held back is decided anew.
    fleet.flag(device, FLAG.held, false);
    for (const kind of PLACE_KINDS) fleet.groups.assign(device, kind, columns.get(kind)?.[row] ?? -1);
    if (layoutOf(fleet.classOf(device)) === header.classes[saved]?.layout) {
      const length = Math.min(header.stride, table.stride);
      const from = row * header.stride;
      table.learned.set(learnedValues.subarray(from, from + length), device * table.stride);
    }
  });
  header.classes.forEach(({ layout }, saved) => {
    const deviceClass = fleet.classes[classNumbers[saved] ?? -1];
    // What does not fit is learned anew.
    if (deviceClass !== undefined && layoutOf(deviceClass) === layout) {
      deviceClass.model.importClass(ofClasses[saved] as Float64Array);
    }
  });
  return {
    now: header.now ?? Number.NEGATIVE_INFINITY,
    blindSince: header.blindSince ?? undefined,
    incidents: header.incidents.map((state) => ({ group: fleet.groups.at(state.kind, state.place), state })),
    latestIncident: header.latestIncident,
  };
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

/** The column's values of the devices in use, without gaps. */
function gathered(column: Column, devices: readonly number[]): Buffer {
  const Kind = column.constructor as new (length: number) => Column;
  const dense = new Kind(devices.length);
  devices.forEach((device, row) => {
    dense[row] = column[device] as number;
  });
  return Buffer.from(dense.buffer);
}

function learned({ learned, stride }: DeviceTable, devices: readonly number[]): Buffer {
  const dense = new Float32Array(devices.length * stride);
  devices.forEach((device, row) => {
    dense.set(learned.subarray(device * stride, (device + 1) * stride), row * stride);
  });
  return Buffer.from(dense.buffer);
}

/** A copy of the bytes as numbers of the same kind: they may lie at an odd offset. */
function aligned<T extends Column>(like: T, bytes: Buffer, length: number): T {
  const Kind = like.constructor as new (length: number) => T;
  const values = new Kind(length);
  new Uint8Array(values.buffer).set(bytes);
  return values;
}
