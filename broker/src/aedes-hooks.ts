/** Aedes with every hook answered and every seam in place. */
import { Aedes } from 'aedes';
import {
  assertSeams,
  type Distribute,
  detachPublishers,
  distributor,
  guardRegistry,
  nextNumber,
  publishWhatIsHeard,
} from './aedes-seams.ts';
import type { Audience } from './audience.ts';
import type { BrokerLimits } from './config.ts';
import { Delivery } from './delivery.ts';
import { runHook } from './hook.ts';
import type { Login } from './login.ts';
import type { SessionStore } from './session-store.ts';
import type { Subscribers } from './subscribers.ts';
import type { Traffic } from './traffic.ts';

/** QoS 2 publishes of one client between PUBLISH and PUBREL; heartbeats do not use QoS 2 at all. */
const QOS2_IN_FLIGHT_MAX = 100;

/** The longest delay of a timer. */
const NEVER_MS = 2 ** 31 - 1;

export interface AedesParts {
  readonly limits: BrokerLimits;
  readonly login: Login;
  readonly traffic: Traffic;
  readonly subscribers: Subscribers;
  readonly audience: Audience;
  readonly store: SessionStore;
  /** Told of anything thrown where nothing should be. */
  readonly onMistake: (error: unknown) => void;
}

export interface HookedAedes {
  /** Not listening yet: `listen()` starts its timers. */
  readonly aedes: Aedes;
  readonly distribute: Distribute;
}

export function createAedes(parts: AedesParts): HookedAedes {
  const { limits, login, traffic, subscribers, audience, store, onMistake: mistake } = parts;
  const aedes = new Aedes({
    // With a bound on concurrent deliveries one stuck subscriber stops them all, and the queue behind it
    // overflows the stack when it drains.
    concurrency: 0,
    connectTimeout: NEVER_MS, // the door closes who does not say CONNECT, also on the way through TLS and HTTP
    drainTimeout: limits.drainTimeoutMs,
    maxClientsIdLength: limits.clientIdLengthMax,
    maxTopicLevels: limits.topicLevelsMax,
    maxInflightInbound: QOS2_IN_FLIGHT_MAX,
    persistence: store,
    preConnect: (client, packet, answer) =>
      runHook(
        answer,
        mistake,
        (once) => login.preConnect(client, packet, once),
        (once, refusal) => once(refusal, false),
      ),
    authenticate: (client, username, password, answer) =>
      runHook(
        answer,
        mistake,
        (once) => login.authenticate(client, username, password, once),
        (once, refusal) => once(refusal, false),
      ),
    authorizePublish: (client, packet, answer) =>
      runHook(
        answer,
        mistake,
        (once) => traffic.authorizePublish(client, packet, once),
        (once, refusal) => once(refusal),
      ),
    authorizeSubscribe: (client, subscription, answer) =>
      runHook(
        answer,
        mistake,
        (once) => subscribers.authorizeSubscribe(client, subscription, once),
        (once, refusal) => once(refusal, null),
      ),
    authorizeForward: (client, packet) => {
      try {
        return subscribers.authorizeForward(client, packet);
      } catch (error) {
        mistake(error);
        return null;
      }
    },
  });
  assertSeams(aedes);
  detachPublishers(aedes);
  guardRegistry(aedes);
  publishWhatIsHeard(
    aedes,
    (packet) => packet.retain || audience.hears(packet.topic) || store.isKept(packet),
  );
  aedes.on('unsubscribe', (filters, client) => subscribers.left(client, filters));
  const byAedes = distributor(aedes);
  const delivery = new Delivery({
    audience,
    store,
    subscribers,
    nextNumber: () => nextNumber(aedes),
    byAedes,
  });
  aedes.on('clientReady', (client) => delivery.catchUp(client));
  return { aedes, distribute: delivery.distribute };
}
