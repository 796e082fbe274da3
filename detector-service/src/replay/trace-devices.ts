/** The devices of a trace and what is truly the matter with them; shared by all detectors that are compared. */
import type { DeviceEvidence, Placement } from '../detector/index.ts';
import { TraceError } from './trace-error.ts';
import type { DeviceTruth } from './truth-line.ts';

interface Condition {
  readonly alive: boolean;
  /** Not alive by intent: neither for nor against anybody. */
  readonly planned: boolean;
  /** Since when, epoch ms. */
  readonly since: number;
}

const ALIVE: Condition = { alive: true, planned: false, since: Number.NEGATIVE_INFINITY };

export interface TraceDevice {
  readonly index: number;
  readonly device: string;
  readonly deviceClass: string;
  condition: Condition;
  placement: Placement;
}

export class TraceDevices {
  readonly #byClass = new Map<string, Map<string, TraceDevice>>();
  readonly #byName = new Map<string, TraceDevice[]>();
  /** What truth lines said last: by `class/device`, or by `/device` where the line named no class. */
  readonly #told = new Map<string, Condition>();
  #size = 0;

  find(deviceClass: string, device: string): TraceDevice | undefined {
    return this.#byClass.get(deviceClass)?.get(device);
  }

  /** The device that a piece of evidence is about; it becomes known by its first. */
  of(evidence: DeviceEvidence): TraceDevice {
    const known = this.find(evidence.deviceClass, evidence.device) ?? this.#register(evidence);
    if (evidence.kind === 'beat' || evidence.kind === 'birth') place(known, evidence);
    return known;
  }

  /** The devices that a truth line is about: none before the device was heard. */
  about({ device, deviceClass }: DeviceTruth): TraceDevice | undefined {
    if (deviceClass !== undefined) return this.find(deviceClass, device);
    const known = this.#byName.get(device) ?? [];
    if (known.length > 1) throw ambiguous(device, known);
    return known[0];
  }

  /** Takes the truth over; to be called after everything up to then has been settled. */
  tell(line: DeviceTruth): void {
    const condition = { alive: line.alive, planned: line.planned, since: line.at };
    this.#told.set(`${line.deviceClass ?? ''}/${line.device}`, condition);
    const known = this.about(line);
    if (known !== undefined) known.condition = condition;
  }

  #register({ deviceClass, device }: DeviceEvidence): TraceDevice {
    const bare = this.#told.get(`/${device}`);
    const condition = this.#told.get(`${deviceClass}/${device}`) ?? bare ?? ALIVE;
    const known: TraceDevice = { index: this.#size, device, deviceClass, condition, placement: {} };
    this.#size += 1;
    const ofClass = this.#byClass.get(deviceClass) ?? new Map();
    this.#byClass.set(deviceClass, ofClass.set(device, known));
    const ofName = [...(this.#byName.get(device) ?? []), known];
    this.#byName.set(device, ofName);
    if (bare !== undefined && ofName.length > 1) throw ambiguous(device, ofName);
    return known;
  }
}

function ambiguous(device: string, known: readonly TraceDevice[]): TraceError {
  const classes = known.map(({ deviceClass }) => deviceClass).join(' and ');
  return new TraceError(
    'ambiguous-device',
    `the truth speaks of "${device}", which the classes ${classes} both have; add "class" to its truth lines`,
  );
}

/** What a message does not say stays as it was. */
function place(known: TraceDevice, { site, gateway, broker }: Placement): void {
  if (site === undefined && gateway === undefined && broker === undefined) return;
  const { placement } = known;
  known.placement = {
    site: site ?? placement.site,
    gateway: gateway ?? placement.gateway,
    broker: broker ?? placement.broker,
  };
}
