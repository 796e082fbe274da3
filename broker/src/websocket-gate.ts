/** MQTT over WebSocket (MQTT 3.1.1, section 6): from a socket that speaks HTTP to a stream of MQTT bytes. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws';
import { hostOf } from './address.ts';
import { FRAMES_TOO_FAST } from './end-reason.ts';
import { TokenBucket } from './token-bucket.ts';

export interface WebSocketRules {
  /** Largest frame, judged by its declared length. */
  readonly frameBytesMax: number;
  /** Packets that a client may send: in a second, and at once beyond that. */
  readonly packetsPerSecond: number;
  readonly packetBurst: number;
  /** Origins of web pages allowed beside the broker's own host; `*` for all. */
  readonly origins: readonly string[];
  /**
   * Where nobody has to log in, a page counts as the broker's own only under an address: its owner can give any machine a
   * name of his (DNS rebinding).
   */
  readonly isOpen: boolean;
}

const SUBPROTOCOLS = ['mqtt', 'mqttv3.1'] as const;
/** Of a request's head; browsers send cookies. */
const HEADER_BYTES_MAX = 8_192;
/** How long a peer may take to answer the closing frame after it broke the protocol. */
const CLOSE_MS_MAX = 2_000;
/** Pings of a peer that does not read its pongs are not answered beyond this. */
const UNSENT_PONG_BYTES_MAX = 16_384;

/**
 * Frames that a packet may come in, empty ones and pings counted: a client that sends each field by itself needs six. What
 * a frame brings is judged as packets; without a bound of their own, 300,000 empty ones would be read in one go.
 */
const FRAMES_PER_PACKET_MAX = 16;

export class WebSocketGate {
  readonly #rules: WebSocketRules;
  readonly #http: Server;
  readonly #webSockets: WebSocketServer;
  readonly #onStream: (stream: Duplex, socket: Socket) => void;
  readonly #onRefusal: (socket: Socket, why: string) => void;

  /** `onStream` is told the socket (a TLS one, too) that {@link WebSocketGate.enter} was given. */
  constructor(
    rules: WebSocketRules,
    onStream: (stream: Duplex, socket: Socket) => void,
    onRefusal: (socket: Socket, why: string) => void,
  ) {
    this.#rules = rules;
    this.#onStream = onStream;
    this.#onRefusal = onRefusal;
    const options = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: rules.frameBytesMax,
      autoPong: false,
      closeTimeout: CLOSE_MS_MAX,
      handleProtocols: (offered: ReadonlySet<string>) =>
        SUBPROTOCOLS.find((one) => offered.has(one)) ?? false,
    };
    this.#webSockets = new WebSocketServer(options);
    this.#http = createServer({ maxHeaderSize: HEADER_BYTES_MAX }, (request, response) => {
      this.#onRefusal(request.socket, 'a request that is no WebSocket');
      response
        .writeHead(426, { upgrade: 'websocket', connection: 'close' })
        .end('MQTT over WebSocket only\n');
    });
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket as Socket, head));
    this.#http.on('clientError', (error: Error, socket) => {
      this.#onRefusal(socket as Socket, error.message);
      socket.destroy();
    });
  }

  /** Takes a socket that nobody has read yet. */
  enter(socket: Socket): void {
    this.#http.emit('connection', socket);
  }

  close(): void {
    this.#http.close();
    this.#webSockets.close();
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on('error', () => {}); // HTTP listens no more, WebSocket not yet
    const refusal = this.#objection(request);
    if (refusal !== undefined) {
      const [status, why] = refusal;
      this.#onRefusal(socket, why);
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.#onStream(this.#streamOf(webSocket, socket), socket);
    });
  }

  #objection({ headers }: IncomingMessage): readonly [status: string, why: string] | undefined {
    const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim());
    if (!SUBPROTOCOLS.some((one) => offered.includes(one))) {
      return ['400 Bad Request', 'a WebSocket without the subprotocol "mqtt"'];
    }
    return this.#isForeignPage(headers.origin, headers.host)
      ? ['403 Forbidden', `a web page of ${headers.origin}`]
      : undefined;
  }

  /** A browser lets any page connect anywhere, to this machine's loopback too, and only says which page it was. */
  #isForeignPage(origin: string | undefined, host: string | undefined): boolean {
    if (origin === undefined || this.#rules.origins.some((one) => one === '*' || one === origin))
      return false;
    const own = `http://${host ?? ''}`;
    if (!URL.canParse(origin) || !URL.canParse(own)) return true;
    const name = hostOf(new URL(own));
    const isName = isIP(name) === 0 && name !== 'localhost';
    return hostOf(new URL(origin)) !== name || (isName && this.#rules.isOpen);
  }

  #streamOf(webSocket: WebSocket, socket: Socket): Duplex {
    webSocket.on('message', (_data, isBinary) => {
      if (!isBinary) stream.destroy(new Error('a text frame')); // [MQTT-6.0.0-1]: nothing of it is MQTT
    });
    webSocket.on('ping', (data) => {
      if (socket.writableLength <= UNSENT_PONG_BYTES_MAX) webSocket.pong(data);
    });
    const stream: Duplex = createWebSocketStream(webSocket, {
      // One frame for what is written together; chunk by chunk, a packet would be three frames.
      writev: (chunks, done) =>
        stream._write(
          Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)),
          'buffer' as BufferEncoding,
          done,
        ),
    });
    const { packetsPerSecond, packetBurst } = this.#rules;
    const frames = new TokenBucket(
      FRAMES_PER_PACKET_MAX * packetsPerSecond,
      FRAMES_PER_PACKET_MAX * packetBurst,
      performance.now(),
    );
    for (const kind of ['message', 'ping', 'pong'] as const) {
      webSocket.on(kind, () => {
        if (!frames.take(performance.now())) stream.destroy(new Error(FRAMES_TOO_FAST));
      });
    }
    return stream;
  }
}
