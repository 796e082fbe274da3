/** A real Aedes on a port of its own, over TCP, TLS or WebSocket. */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { Aedes, type AuthenticateError } from 'aedes';
import { createWebSocketStream, WebSocketServer } from 'ws';

export interface AedesBrokerOptions {
  readonly protocol?: 'mqtt' | 'mqtts' | 'ws';
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly password?: string;
  /** Publishes to these topics are taken and never acknowledged. */
  readonly stalls?: (topic: string) => boolean;
  readonly refusesSubscriptions?: boolean;
  readonly port?: number;
}

export class AedesBroker implements AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly #broker: Aedes;
  readonly #server: Server;
  readonly #sockets: ReadonlySet<Socket>;

  static async start(options: AedesBrokerOptions = {}): Promise<AedesBroker> {
    const broker = await Aedes.createBroker(hooks(options));
    const server = serverFor(broker, options);
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    server.listen(options.port ?? 0, '127.0.0.1');
    await once(server, 'listening');
    return new AedesBroker(broker, server, sockets, options.protocol ?? 'mqtt');
  }

  constructor(broker: Aedes, server: Server, sockets: ReadonlySet<Socket>, protocol: string) {
    this.#broker = broker;
    this.#server = server;
    this.#sockets = sockets;
    this.port = (server.address() as AddressInfo).port;
    this.url = `${protocol}://127.0.0.1:${this.port}`;
  }

  get clientIds(): string[] {
    return Object.keys((this.#broker as unknown as { clients: object }).clients);
  }

  /** Cuts every connection, as a network does. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cutAll();
    await closed;
    await new Promise<void>((resolve) => this.#broker.close(resolve));
  }
}

function hooks({ password, stalls, refusesSubscriptions }: AedesBrokerOptions) {
  const refused: AuthenticateError = Object.assign(new Error('not authorized'), { returnCode: 5 as const });
  return {
    authenticate: (_client: unknown, _user: unknown, given: Readonly<Buffer | undefined>, done: AuthDone) => {
      const accepted = password === undefined || given?.toString() === password;
      done(accepted ? null : refused, accepted);
    },
    authorizePublish: (_client: unknown, packet: { topic: string }, done: (error?: Error | null) => void) => {
      if (stalls?.(packet.topic) !== true) done(null);
    },
    ...(refusesSubscriptions === true
      ? { authorizeSubscribe: (_client: unknown, _what: unknown, done: SubscribeDone) => done(null, null) }
      : {}),
  };
}

type AuthDone = (error: AuthenticateError | null, success: boolean | null) => void;
type SubscribeDone = (error: Error | null, subscription?: null) => void;

function serverFor(broker: Aedes, { protocol, tls }: AedesBrokerOptions): Server {
  if (protocol === 'mqtts') return createTlsServer({ ...tls }, (socket) => void broker.handle(socket));
  if (protocol !== 'ws') return createServer((socket) => void broker.handle(socket));
  const server = createHttpServer();
  const webSockets = new WebSocketServer({ server, handleProtocols: () => 'mqtt' });
  webSockets.on('connection', (socket) => void broker.handle(createWebSocketStream(socket)));
  return server;
}
