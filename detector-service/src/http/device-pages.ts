/** `/api/v1/devices`: the fleet in pages, sorted by class and name. */
import { type DeviceView, STATES, type State } from '../detector/index.ts';
import { json, problem, type Reply } from './responses.ts';

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1000;
const PARAMETERS: ReadonlySet<string> = new Set(['class', 'state', 'limit', 'cursor']);

/** `next` is the cursor of the following page; null on the last. */
export interface DevicePage {
  readonly devices: readonly DeviceView[];
  readonly next: string | null;
}

export function devicePage(devices: Iterable<DeviceView>, query: URLSearchParams): Reply {
  for (const name of query.keys()) {
    if (!PARAMETERS.has(name))
      return problem(400, `unknown parameter "${name}"; known are class, state, limit, cursor`);
  }
  const limit = Number(query.get('limit') ?? LIMIT_DEFAULT);
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX) {
    return problem(400, `limit must be a whole number from 1 to ${LIMIT_MAX}`);
  }
  const state = query.get('state');
  if (state !== null && !STATES.includes(state as State)) {
    return problem(400, `state must be one of ${STATES.join(', ')}`);
  }
  const deviceClass = query.get('class');
  const after = Buffer.from(query.get('cursor') ?? '', 'base64url').toString();
  const wanted = (view: DeviceView): boolean =>
    (deviceClass === null || view.deviceClass === deviceClass) && (state === null || view.state === state);
  const found = firstAfter(devices, after, limit + 1, wanted);
  const page = found.slice(0, limit);
  const last = found.length > limit ? page.at(-1) : undefined;
  const next = last === undefined ? null : Buffer.from(keyOf(last)).toString('base64url');
  return json({ devices: page, next } satisfies DevicePage);
}

function keyOf({ deviceClass, device }: DeviceView): string {
  return `${deviceClass}/${device}`;
}

/** The first `count` by key behind `after`, in one pass that never holds more than twice as many. */
function firstAfter(
  devices: Iterable<DeviceView>,
  after: string,
  count: number,
  wanted: (view: DeviceView) => boolean,
): DeviceView[] {
  let nearest: { key: string; view: DeviceView }[] = [];
  const cut = (): void => {
    nearest = nearest.sort((a, b) => (a.key < b.key ? -1 : 1)).slice(0, count);
  };
  for (const view of devices) {
    const key = keyOf(view);
    if (key <= after || !wanted(view)) continue;
    nearest.push({ key, view });
    if (nearest.length >= 2 * count) cut();
  }
  cut();
  return nearest.map(({ view }) => view);
}
