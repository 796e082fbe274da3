/** A detector elsewhere: its lasting session, and what it finds in it when it returns. */
import type { IConnackPacket, IPublishPacket } from 'mqtt-packet';
import { RawClient } from './raw-client.ts';

export const BEATS = 'hb/v1/+/+/beat';
export const DETECTOR = { clientId: 'detector', clean: false };

/** Of all messages it was given. */
export function payloads(client: RawClient): string[] {
  return client.received
    .filter((packet): packet is IPublishPacket => packet.cmd === 'publish')
    .map(({ payload }) => String(payload));
}

/** Logs the detector in again, polite from the first packet on; returns it with what its CONNACK said. */
export async function backAgain(port: number): Promise<{ detector: RawClient; sessionPresent: boolean }> {
  const detector = await RawClient.open(port);
  detector.polite = true;
  detector.connect(DETECTOR);
  const { sessionPresent } = (await detector.next('connack')) as IConnackPacket;
  return { detector, sessionPresent };
}
