/** The verdict as it is published, retained, on a device's `state` topic. */
import type { StateMessage } from '@slowbeat/device-sdk/protocol';
import type { DeviceView, Transition } from './detector/index.ts';

/** φ can be infinite, JSON cannot; 324 is −log10 of the smallest number there is. */
const PHI_MAX = 324;

export function messageOfTransition(transition: Transition, monitor: string): StateMessage {
  const { to, from, at } = transition;
  return { state: to, previous: from, at, ...because(transition), monitor };
}

/** For a broker that has forgotten what it was told: the same verdict, without the one before it. */
export function messageOfView(view: DeviceView, monitor: string): StateMessage {
  return { state: view.state, at: view.since, ...because(view), monitor };
}

function because(
  about: Transition | DeviceView,
): Omit<StateMessage, 'state' | 'at' | 'previous' | 'monitor'> {
  const { reason, phi, lastSeenAt, expectedBy, suspectAt, deadAt } = about;
  return {
    reason,
    phi: Math.round(Math.min(phi, PHI_MAX) * 1000) / 1000,
    lastSeenAt,
    expectedBy,
    suspectAt,
    deadAt,
  };
}
