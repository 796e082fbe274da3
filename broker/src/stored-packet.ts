/** A message as Aedes hands it over to be kept, and gets it back. */
export interface StoredPacket {
  cmd: 'publish' | 'pubrel';
  topic: string;
  payload: Buffer;
  qos: 0 | 1 | 2;
  retain: boolean;
  dup: boolean;
  brokerId?: string;
  brokerCounter?: number;
  messageId?: number | undefined;
}

/** Its own bytes: a payload from the wire is a view that would keep the whole network buffer alive. */
export function copyOf(packet: StoredPacket): StoredPacket {
  const { cmd, topic, qos, retain, brokerId, brokerCounter, messageId } = packet;
  return {
    cmd,
    topic,
    payload: Buffer.from(packet.payload),
    qos,
    retain,
    dup: false,
    ...(brokerId === undefined ? {} : { brokerId }),
    ...(brokerCounter === undefined ? {} : { brokerCounter }),
    messageId,
  };
}
