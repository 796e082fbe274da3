/**
 * Letting a client in: what its CONNECT may ask for, who it is, and whose will it may leave.
 *
 * Aedes shows the CONNECT packet to `preConnect`, which cannot answer with a return code, and only name and
 * password to `authenticate`, which can; so the first keeps the packet and the second decides.
 */
import type { AuthenticateError, Client, ConnectPacket } from 'aedes';
import { type AccessRules, decide } from './access.ts';
import type { MutableConnect, Will } from './aedes-seams.ts';
import type { BrokerConfig } from './config.ts';
import type { Connection, Connections } from './connection.ts';
import { Refusal } from './errors.ts';
import type { Identification } from './identification.ts';
import type { Identity } from './identity.ts';
import type { Ledger } from './ledger.ts';
import { ownBytes } from './own-bytes.ts';
import { levelsOf } from './topic-filter.ts';

export interface LoginParts {
  readonly config: BrokerConfig;
  readonly rules: AccessRules;
  readonly connections: Connections;
  readonly ledger: Ledger;
  readonly identification: Identification;
  /** A client has said CONNECT. */
  readonly spoke: (connection: Connection) => void;
  /** A client is let in; its final client id is set, and nothing of it is registered yet. */
  readonly accepted: (client: Client, connection: Connection) => void;
}

export class Login {
  readonly #parts: LoginParts;
  readonly #rules: AccessRules;

  constructor(parts: LoginParts) {
    this.#parts = parts;
    this.#rules = parts.rules;
  }

  /** Aedes' `preConnect`. Answers with an error where it refuses: `(null, false)` would leave the socket open. */
  preConnect(
    client: Client,
    packet: ConnectPacket,
    answer: (error: Error | null, go: boolean) => void,
  ): void {
    const connection = this.#parts.connections.of(client);
    if (connection === undefined) {
      answer(new Refusal('internal', 'a connection from nowhere'), false);
      return;
    }
    this.#parts.spoke(connection);
    const connect = packet as MutableConnect;
    const { keepaliveMaxS } = this.#parts.config.limits;
    const asked = connect.keepalive ?? 0;
    connect.keepalive = asked === 0 ? keepaliveMaxS : Math.min(asked, keepaliveMaxS);
    connection.connect = connect;
    connection.keepaliveS = connect.keepalive;
    connection.clientId = connect.clientId;
    answer(null, true);
  }

  /** Aedes' `authenticate`. Answers exactly once, at the latest after `connectTimeoutMs`. */
  authenticate(
    client: Client,
    username: string | undefined,
    password: Buffer | undefined,
    answer: (error: AuthenticateError | null, success: boolean) => void,
  ): void {
    const { connectTimeoutMs } = this.#parts.config.limits;
    const connection = this.#parts.connections.of(client);
    let answered = false;
    const settle = (refusal: Refusal | undefined): void => {
      if (answered) return;
      answered = true;
      clearTimeout(deadline);
      if (connection !== undefined) forgetPassword(connection);
      if (refusal !== undefined) this.#tell(client, connection, refusal);
      answer(refusal ?? null, refusal === undefined);
    };
    const deadline = setTimeout(
      () => settle(new Refusal('connect-timeout', 'the log-in took too long', 3)),
      connectTimeoutMs,
    ).unref();
    this.#decide(client, connection, username, password).then(
      () => settle(undefined),
      (error: unknown) =>
        settle(error instanceof Refusal ? error : new Refusal('internal', String(error), 3)),
    );
  }

  async #decide(
    client: Client,
    connection: Connection | undefined,
    username: string | undefined,
    password: Buffer | undefined,
  ): Promise<void> {
    const connect = connection?.connect;
    if (connection === undefined || connect === undefined) throw new Refusal('internal', 'no CONNECT', 3);
    this.#checkClientId(connect);
    const { address, certificate } = connection.arrival;
    const claim = { address, certificate, name: username, password };
    const proof = await this.#parts.identification.identify(claim);
    if (client.closed) return; // it left while its password was checked
    const { identity } = proof;
    this.#checkWill(identity, connect);
    connection.proof = proof;
    if (connect.will !== undefined) {
      connect.will.payload = ownBytes(connect.will.payload as Buffer);
      connection.will = connect.will as Will;
    }
    if (identity.role === 'device' || identity.role === 'gateway') {
      // A device hears nothing but its own ping, and a ping of the past is worth nothing: no session is kept.
      connect.clean = true;
      client.clean = true;
    }
    // A client id belongs to its user: nobody throws out, or inherits the session of, another user's client.
    if (identity.role !== 'anonymous') client.id = `${identity.name}/${client.id}`;
    this.#parts.accepted(client, connection);
  }

  #checkClientId({ clientId, clean, protocolVersion }: MutableConnect): void {
    const { clientIdLengthMax } = this.#parts.config.limits;
    if (clientId === '' && !clean) {
      throw new Refusal('client-id', 'an empty client id cannot have a lasting session (clean=false)', 2);
    }
    if (clientId === '' && protocolVersion === 3) {
      throw new Refusal('client-id', 'MQTT 3.1 knows no empty client id', 2);
    }
    if (clientId.length > clientIdLengthMax) {
      throw new Refusal('client-id', `${clientId.length} characters; at most ${clientIdLengthMax}`, 2);
    }
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    if (/[\u0001-\u001f\u007f-\u009f]/.test(clientId)) {
      throw new Refusal('client-id', 'control characters', 2);
    }
  }

  #checkWill(identity: Identity, { will }: MutableConnect): void {
    if (will === undefined) return;
    const { limits } = this.#parts.config;
    if (will.topic.length > limits.topicLengthMax) {
      throw new Refusal('topic-too-long', `a will topic of ${will.topic.length} characters`);
    }
    const levels = levelsOf(will.topic);
    if (levels > limits.topicLevelsMax)
      throw new Refusal('topic-too-long', `a will topic of ${levels} levels`);
    if (will.payload.length > limits.payloadBytesMax) {
      throw new Refusal('payload-too-large', `a will of ${will.payload.length} bytes`);
    }
    const verdict = decide(identity, 'will', will.topic, this.#rules);
    if (!verdict.allowed) throw new Refusal('will-refused', `${verdict.reason}: ${will.topic}`);
  }

  #tell(client: Client, connection: Connection | undefined, refusal: Refusal): void {
    if (connection !== undefined) connection.accounted = true;
    const { connections, ledger } = this.#parts;
    ledger.refuse(refusal.reason, connections.circumstances(client, { detail: refusal.message }));
  }
}

/** mqtt-packet holds on to the CONNECT for as long as the connection lasts. */
function forgetPassword(connection: Connection): void {
  delete connection.connect?.password;
  delete connection.connect;
}
