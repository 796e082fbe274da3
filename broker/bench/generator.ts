/** Devices as bare sockets in a process of its own, driven by messages: connect, beat, wait, vanish. */
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { beatPacket, connectPacket, PacketCounter, TYPE } from './wire.ts';

export type Order =
  | {
      readonly do: 'connect';
      readonly port: number;
      readonly from: number;
      readonly count: number;
      readonly wills: boolean;
    }
  /** `perSecond` absent: as fast as acknowledgements and sockets let it. */
  | { readonly do: 'beat'; readonly qos: 0 | 1; readonly forMs: number; readonly perSecond?: number }
  /** Several beats in each write, so that one process can send more than any broker takes. */
  | { readonly do: 'flood'; readonly qos: 0 | 1; readonly forMs: number; readonly perSecond: number }
  | { readonly do: 'vanish' };

export interface Done {
  readonly tookMs: number;
  readonly sent: number;
  readonly acknowledged: number;
}

/** Sockets that are being opened at the same time. */
const OPENING_MAX = 64;
/** Beats in one write of a flood. */
const FLOOD_BEATS = 8;
/** A device whose socket does not take them sends no more. */
const UNSENT_BYTES_MAX = 65_536;
/** A paced generator sends what is due at this rhythm. */
const TICK_MS = 5;

interface Device {
  readonly socket: Socket;
  readonly counter: PacketCounter;
  readonly beats: readonly [Buffer, Buffer];
  blocked: boolean;
}

const devices: Device[] = [];
let onAck: ((device: Device) => void) | undefined;

const sum = (type: number): number =>
  devices.reduce((all, { counter }) => all + (counter.counts[type] as number), 0);

async function open({ port, from, count, wills }: Extract<Order, { do: 'connect' }>): Promise<number> {
  let next = from;
  const worker = async (): Promise<void> => {
    while (next < from + count) {
      const number = next++;
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      const counter = new PacketCounter();
      const device: Device = {
        socket,
        counter,
        beats: [beatPacket(number, 0), beatPacket(number, 1)],
        blocked: false,
      };
      await new Promise<void>((resolve, reject) => {
        socket.on('error', reject);
        socket.on('close', () => reject(new Error('the broker closed a connection')));
        socket.on('drain', () => {
          device.blocked = false;
        });
        socket.on('data', (chunk) => {
          const before = counter.counts[TYPE.puback] as number;
          counter.take(chunk);
          if (counter.counts[TYPE.connack] === 1) resolve();
          if ((counter.counts[TYPE.puback] as number) > before) onAck?.(device);
        });
        socket.write(connectPacket(`d${number}`, wills));
      });
      devices.push(device);
    }
  };
  await Promise.all(Array.from({ length: OPENING_MAX }, worker));
  return count;
}

async function beat({ qos, forMs, perSecond }: Extract<Order, { do: 'beat' }>): Promise<number> {
  const until = performance.now() + forMs;
  let sent = 0;
  const send = (device: Device): void => {
    sent += 1;
    if (!device.socket.write(device.beats[qos])) device.blocked = true;
  };
  if (perSecond === undefined && qos === 1) {
    onAck = (device) => {
      if (performance.now() < until) send(device);
    };
    for (const device of devices) send(device);
    await pause(forMs);
    onAck = undefined;
    return sent;
  }
  const beganAt = performance.now();
  let at = 0;
  for (let now = beganAt; now < until; now = performance.now()) {
    // Unpaced: one beat from every device that can take it in each round.
    const due = perSecond === undefined ? sent + devices.length : ((now - beganAt) * perSecond) / 1000;
    for (let tries = 0; sent < due && tries < 4 * devices.length; tries += 1) {
      const device = devices[at++ % devices.length] as Device;
      if (!device.blocked && device.socket.writableLength < UNSENT_BYTES_MAX) send(device);
    }
    await pause(perSecond === undefined ? 0 : TICK_MS);
  }
  return sent;
}

/** Sends whatever is acknowledged; what a socket does not take is not sent. */
async function flood({ qos, forMs, perSecond }: Extract<Order, { do: 'flood' }>): Promise<number> {
  const bursts = devices.map(({ beats }) => Buffer.concat(Array(FLOOD_BEATS).fill(beats[qos])));
  const beganAt = performance.now();
  let [at, due, sent] = [0, 0, 0];
  for (let now = beganAt; now - beganAt < forMs; now = performance.now()) {
    for (; due < ((now - beganAt) * perSecond) / 1000; due += FLOOD_BEATS, at += 1) {
      const { socket } = devices[at % devices.length] as Device;
      if (socket.writableLength >= UNSENT_BYTES_MAX) continue;
      socket.write(bursts[at % devices.length] as Buffer);
      sent += FLOOD_BEATS;
    }
    await pause(TICK_MS);
  }
  return sent;
}

process.on('message', async (order: Order) => {
  const beganAt = performance.now();
  const acknowledged = sum(TYPE.puback);
  let sent = 0;
  if (order.do === 'connect') sent = await open(order);
  else if (order.do === 'beat') sent = await beat(order);
  else if (order.do === 'flood') sent = await flood(order);
  else for (const { socket } of devices.splice(0)) socket.removeAllListeners('close').destroy();
  const done: Done = {
    tookMs: performance.now() - beganAt,
    sent,
    acknowledged: sum(TYPE.puback) - acknowledged,
  };
  process.send?.(done);
});
process.on('disconnect', () => process.exit());
