/**
 * One address on which clients arrive, and the layers between its sockets and MQTT:
 * a place at the door, the header of a proxy, TLS, WebSocket; each only where it is configured.
 */
import { type BlockList, createServer, isIPv4, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { addressList, isListed, plainAddress } from './address.ts';
import { type ClientCertificate, clientCertificate } from './client-certificate.ts';
import type { BrokerLimits, ListenerConfig, ListenerKind } from './config.ts';
import type { Reason } from './counters.ts';
import type { Door } from './door.ts';
import { isLinkLost } from './end-reason.ts';
import { Refusal } from './errors.ts';
import type { Ledger } from './ledger.ts';
import { listen } from './listen-address.ts';
import { readProxyHeader } from './proxy-protocol.ts';
import { readTlsFiles, type TlsFiles } from './tls-files.ts';
import { WebSocketGate } from './websocket-gate.ts';

/** A connection at the point where MQTT begins. */
export interface Arrival {
  readonly stream: Duplex;
  readonly listener: ListenerKind;
  /** The socket below, which the door knows. */
  readonly socket: Socket;
  /** Of the client, also behind a proxy that tells it. */
  readonly address: string;
  readonly certificate: ClientCertificate | undefined;
}

export interface ListenerParts {
  readonly kind: ListenerKind;
  readonly config: ListenerConfig;
  readonly limits: BrokerLimits;
  /** Nobody has to log in. */
  readonly isOpen: boolean;
  readonly door: Door;
  readonly ledger: Ledger;
  readonly onArrival: (arrival: Arrival) => void;
}

/** Where clients connect. */
export interface Endpoint {
  readonly kind: ListenerKind;
  readonly host: string;
  readonly port: number;
  /** For a client on this machine. */
  readonly url: string;
}

type Origin = Omit<Arrival, 'stream' | 'listener'>;

const SCHEMES: Readonly<Record<ListenerKind, string>> = { tcp: 'mqtt', tls: 'mqtts', ws: 'ws', wss: 'wss' };

export class Listener {
  readonly #parts: ListenerParts;
  readonly #server: Server;
  readonly #proxies: BlockList | undefined;
  readonly #tls: TlsServer | undefined;
  readonly #webSocket: WebSocketGate | undefined;
  /** What is known of a stream while it goes through the layers. */
  readonly #origins = new WeakMap<Duplex, Origin>();
  /** Sockets in their TLS handshake, by remote address and port: the TLS server does not tell whose is whose. */
  readonly #handshakes = new Map<string, Origin>();
  #files: TlsFiles | undefined;
  endpoint: Endpoint | undefined;

  constructor(parts: ListenerParts) {
    this.#parts = parts;
    const { config, limits, isOpen } = parts;
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    this.#proxies = config.proxies.length > 0 ? addressList(config.proxies) : undefined;
    if (config.tls !== undefined) {
      this.#tls = createTlsServer({
        requestCert: config.tls.clientCaFile !== undefined,
        // Judged at the log-in, where MQTT has a word for it.
        rejectUnauthorized: false,
        handshakeTimeout: limits.connectTimeoutMs,
      });
      this.#tls.on('secureConnection', (secured) => this.#secured(secured));
      this.#tls.on('tlsClientError', (error, socket) => {
        if (!isLinkLost(error))
          this.#refuse(socket, 'tls-failed', error.message, this.#handshakes.get(peerOf(socket)));
      });
    }
    if (config.webSocket !== undefined) {
      this.#webSocket = new WebSocketGate(
        {
          frameBytesMax: limits.webSocketFrameBytesMax,
          packetsPerSecond: limits.messagesPerSecondMax,
          packetBurst: limits.messageBurstMax,
          origins: config.webSocket.origins,
          isOpen,
        },
        (stream, socket) => this.#arrive(stream, this.#origins.get(socket)),
        (socket, why) => this.#refuse(socket, 'websocket-refused', why),
      );
    }
  }

  /** Reads the TLS files; throws a BrokerError when one is not valid. What is returned puts them in force. */
  async read(): Promise<() => void> {
    const { kind, config } = this.#parts;
    if (config.tls === undefined) return () => {};
    const files = await readTlsFiles(config.tls, kind);
    return () => this.#use(files);
  }

  /**
   * For handshakes from now on; tickets of sessions under other files are void, because each context has keys of its
   * own.
   */
  #use(files: TlsFiles): void {
    this.#files = files;
    this.#tls?.setSecureContext(files.context);
  }

  /** Rejects with a BrokerError that names address and remedy. */
  async start(host: string): Promise<Endpoint> {
    const { kind, config, ledger } = this.#parts;
    const bound = await listen(this.#server, kind, host, config.port);
    // A socket that cannot be accepted (no descriptors left) is lost; the server goes on.
    this.#server.on('error', (error) => ledger.refuse('connections-max', { detail: error.message }));
    const reachable = bound.host === '0.0.0.0' ? '127.0.0.1' : bound.host === '::' ? '::1' : bound.host;
    const url = `${SCHEMES[kind]}://${isIPv4(reachable) ? reachable : `[${reachable}]`}:${bound.port}`;
    this.endpoint = { kind, ...bound, url };
    return this.endpoint;
  }

  /** Takes no new socket; resolves when all have ended. */
  close(): Promise<void> {
    this.#webSocket?.close();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    const { door } = this.#parts;
    socket.on('error', () => {}); // before a layer listens: a reset concerns nobody yet
    if (socket.remoteAddress === undefined) {
      socket.destroy(); // it has left already
      return;
    }
    const peer = plainAddress(socket.remoteAddress);
    if (this.#proxies === undefined) {
      if (door.admit(socket, peer)) this.#enter(socket, peer);
      return;
    }
    if (!isListed(this.#proxies, peer)) {
      this.#refuse(socket, 'proxy-header', 'not one of the proxies');
      socket.destroy();
      return;
    }
    if (!door.admit(socket, undefined)) return;
    readProxyHeader(socket).then(
      (source) => {
        const address = plainAddress(source ?? peer);
        if (door.seat(socket, address)) this.#enter(socket, address);
      },
      (error: unknown) => {
        this.#refuse(socket, 'proxy-header', error instanceof Refusal ? error.message : String(error));
        socket.destroy();
      },
    );
  }

  #enter(socket: Socket, address: string): void {
    const origin: Origin = { socket, address, certificate: undefined };
    if (this.#tls === undefined) {
      this.#pass(socket, origin);
      return;
    }
    const peer = peerOf(socket);
    this.#handshakes.set(peer, origin);
    socket.once('close', () => {
      if (this.#handshakes.get(peer) === origin) this.#handshakes.delete(peer);
    });
    this.#tls.emit('connection', socket);
  }

  #secured(secured: TLSSocket): void {
    const peer = peerOf(secured);
    const origin = this.#handshakes.get(peer);
    this.#handshakes.delete(peer);
    if (origin === undefined) {
      secured.destroy(); // it has left already
      return;
    }
    const ca = this.#files?.clientCa;
    const certificate = clientCertificate(secured, (ids) => {
      const { clientCa, revoked } = this.#files ?? {};
      return clientCa === ca && !ids.some((id) => revoked?.has(id));
    });
    this.#pass(secured, { ...origin, certificate });
  }

  #pass(stream: Socket, origin: Origin): void {
    if (this.#webSocket === undefined) {
      this.#arrive(stream, origin);
      return;
    }
    this.#origins.set(stream, origin);
    this.#webSocket.enter(stream);
  }

  #arrive(stream: Duplex, origin: Origin | undefined): void {
    if (origin === undefined || origin.socket.destroyed) stream.destroy();
    else this.#parts.onArrival({ stream, listener: this.#parts.kind, ...origin });
  }

  #refuse(socket: Socket, reason: Reason, detail: string, origin = this.#origins.get(socket)): void {
    const address = origin?.address ?? plainAddress(socket.remoteAddress);
    this.#parts.ledger.refuse(reason, { address, detail });
  }
}

function peerOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}
