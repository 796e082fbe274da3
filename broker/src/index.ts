/** An Aedes MQTT broker fit for fleets of heartbeating devices. */
export type { Broker, BrokerOptions, TrustedMessage } from './broker.ts';
export { startBroker } from './broker.ts';
export type { ClientPage, ClientQuery, ClientView } from './client-pages.ts';
export {
  type BrokerConfig,
  type BrokerConfigInput,
  type BrokerLimits,
  brokerConfigSchema,
  describeConfigProblems,
} from './config.ts';
export { type BrokerCounters, REASONS, type Reason } from './counters.ts';
export { formatUser, hashPassword, readUsers } from './credentials.ts';
export { BrokerError, type BrokerErrorCode } from './errors.ts';
export { type Identity, makeIdentity } from './identity.ts';
export type { Tap, TappedMessage } from './ingest.ts';
export type { Endpoint } from './listener.ts';
export {
  type MosquittoAcl,
  type MosquittoConfiguration,
  type MosquittoFiles,
  mosquittoAcl,
  mosquittoConfiguration,
} from './mosquitto.ts';
