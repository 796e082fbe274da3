/**
 * Bounds on everything a client can make grow. Each has a default that suits heartbeats: messages of tens of bytes,
 * seconds to days apart, from many small devices, some of them hostile.
 */
import { PAYLOAD_BYTES_MAX } from '@slowbeat/device-sdk/protocol';
import { networks, section, whole } from './setting.ts';

export const limitsSchema = section({
  connectionsMax: whole(1, 1_000_000, 'connections')
    .default(20_000)
    .describe('Sockets open at once. When full, the socket waiting longest for its CONNECT makes room.'),
  connectionsPerAddressMax: whole(1, 1_000_000, 'connections')
    .default(1_000)
    .describe('Sockets open at once from one address, `trustedAddresses` excepted.'),
  connectionsPerSecondPerAddress: whole(1, 1_000_000, 'connections')
    .default(20)
    .describe('New sockets per second from one address beyond a burst of `connectionsPerAddressMax`.'),
  trustedAddresses: networks()
    .default(['127.0.0.1', '::1'])
    .describe(
      'Addresses and networks that stand for many clients (proxies, NAT, this machine): no limit per address.',
    ),
  connectTimeoutMs: whole(100, 600_000, 'milliseconds')
    .default(10_000)
    .describe('A socket that has not said CONNECT by then is closed; so is one whose log-in takes longer.'),
  connectPacketBytesMax: whole(64, 1_048_576, 'bytes')
    .default(8_192)
    .describe('Size of a CONNECT (will and password included), judged by its declared length.'),
  packetBytesMax: whole(64, 1_048_576, 'bytes')
    .default(8_192)
    .describe('Size of any later packet, judged by its declared length before it is read.'),
  payloadBytesMax: whole(1, 1_048_576, 'bytes')
    .default(PAYLOAD_BYTES_MAX)
    .describe('Payload of a message or will; no decoder of the protocol reads more.'),
  webSocketFrameBytesMax: whole(1_024, 1_048_576, 'bytes')
    .default(16_384)
    .describe('Size of a WebSocket frame, judged by its declared length; a frame may hold several packets.'),
  clientIdLengthMax: whole(23, 4_096, 'characters').default(256).describe('Length of a client id.'),
  topicLengthMax: whole(32, 4_096, 'characters').default(300).describe('Length of a topic or filter.'),
  topicLevelsMax: whole(4, 100, 'levels').default(16).describe('Levels of a topic or filter.'),
  keepaliveMaxS: whole(1, 65_535, 'seconds')
    .default(3_600)
    .describe(
      'Longest keepalive granted; a longer one, and 0 (none), count as this. Silence beyond 1.5 × ends it.',
    ),
  messagesPerSecondMax: whole(1, 1_000_000, 'messages')
    .default(100)
    .describe('Sustained rate of one client (a gateway included): device messages, subscriptions, pings.'),
  messageBurstMax: whole(1, 1_000_000, 'messages')
    .default(1_000)
    .describe('What one client may send at once above the sustained rate; beyond it is cut off.'),
  subscriptionsPerClientMax: whole(1, 10_000, 'subscriptions')
    .default(100)
    .describe('Subscriptions of one client; the next is refused with SUBACK 128.'),
  persistentSessionsMax: whole(0, 10_000, 'sessions')
    .default(32)
    .describe('Sessions kept while their client is away (clean=false); devices get none, they need none.'),
  sessionExpiryS: whole(1, 31_536_000, 'seconds')
    .default(86_400)
    .describe('A kept session whose client stays away longer is forgotten.'),
  queuedMessagesMax: whole(1, 60_000, 'messages')
    .default(20_000)
    .describe('Messages kept per session for an absent or slow client; the oldest go first.'),
  retainedMessagesMax: whole(1, 10_000_000, 'messages')
    .default(1_000_000)
    .describe('Retained verdicts, one per device; beyond it new devices get none.'),
  sendBufferBytesMax: whole(16_384, 268_435_456, 'bytes')
    .default(4_194_304)
    .describe('Unsent bytes of one subscriber; one that stays beyond for a second is cut off.'),
  drainTimeoutMs: whole(100, 600_000, 'milliseconds')
    .default(10_000)
    .describe('A subscriber whose socket takes nothing for so long is cut off.'),
  pendingTapsMax: whole(1, 1_000_000, 'messages')
    .default(10_000)
    .describe(
      'Messages handed to the detector and not yet taken in, all clients together; QoS 1 waits beyond.',
    ),
  pendingTapsPerClientMax: whole(1, 100_000, 'messages')
    .default(1_000)
    .describe('The same for one client. QoS 0 beyond either limit is not handed over, and counted.'),
  tapTimeoutMs: whole(100, 600_000, 'milliseconds')
    .default(30_000)
    .describe('A message not taken in by then counts as refused: no PUBACK.'),
  turnWaitMsMax: whole(10, 600_000, 'milliseconds')
    .default(1_000)
    .describe(
      'A QoS 0 message that was read and waits longer, because more comes than can be taken, is left out.',
    ),
  failedLoginsPerMinuteMax: whole(1, 100_000, 'log-ins')
    .default(20)
    .describe(
      'Wrong passwords per address and minute; further log-ins from there are refused unchecked (code 3).',
    ),
  failedLoginsPerNamePerMinuteMax: whole(1, 100_000, 'log-ins')
    .default(20)
    .describe('The same per user name, wherever the guesses come from.'),
  passwordChecksMax: whole(1, 64, 'checks')
    .default(2)
    .describe('Passwords hashed at the same time; each takes one core for tens of milliseconds.'),
  logLinesPerMinuteMax: whole(1, 100_000, 'lines')
    .default(10)
    .describe('Log lines per reason and minute; the rest is counted and told in one line.'),
  orphanGraceS: whole(1, 86_400, 'seconds')
    .default(180)
    .describe(
      'After a restart, who was connected before has so long to come back, at least 1.5 × its keepalive; then its will is published.',
    ),
  shutdownDisconnectsPerSecond: whole(1, 1_000_000, 'connections')
    .default(1_000)
    .describe('Pace at which a shutdown ends connections, so that a fleet does not come back all at once.'),
  shutdownSpreadMsMax: whole(0, 600_000, 'milliseconds')
    .default(5_000)
    .describe('Longest time it takes over that, however many there are; 0 ends all at once.'),
  closeTimeoutMs: whole(100, 600_000, 'milliseconds')
    .default(5_000)
    .describe('Longest time a shutdown may take before every socket is destroyed.'),
});
