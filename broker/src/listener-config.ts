/** Where the broker listens, and what lies between a socket and MQTT there. */
import * as z from 'zod';
import { file, flag, networks, section, show, whole } from './setting.ts';

const HOST_RULE = 'use a name or address, "127.0.0.1" is the default';

function address(port: number) {
  return {
    host: z
      .string({ error: (issue) => `${show(issue.input)} is not a host; ${HOST_RULE}` })
      .min(1, { error: `is empty; ${HOST_RULE}` })
      .default('127.0.0.1')
      .describe('Address to listen on. Other machines reach the broker only when this says so.'),
    port: whole(0, 65_535, 'port').default(port).describe('Port; 0 takes any free one.'),
    proxies: networks()
      .default([])
      .describe(
        'Load balancers: when given, only they connect here, and each connection begins with a PROXY header (v1 or v2).',
      ),
  };
}

const certificates = {
  certFile: file('the certificate chain (PEM)').describe('Certificate chain of the broker (PEM).'),
  keyFile: file('the private key (PEM)').describe('Its private key (PEM).'),
  clientCaFile: file('the authorities of client certificates (PEM)')
    .optional()
    .describe('Authorities whose client certificates are accepted; clients are asked for one when given.'),
  clientCrlFile: file('the revocation lists (PEM)')
    .optional()
    .describe('Revocation lists (PEM), one for each authority; needs `clientCaFile`.'),
};

const webSocket = {
  origins: z
    .array(z.string({ error: (issue) => `${show(issue.input)} is not an origin` }), {
      error: (issue) => `${show(issue.input)} is not a list of origins such as https://example.org`,
    })
    .default([])
    .describe('Web pages that may connect beside those of the broker’s own host, by origin; `*` for all.'),
};

function withLists<
  T extends z.ZodType<{ clientCaFile?: string | undefined; clientCrlFile?: string | undefined }>,
>(schema: T): T {
  return schema.refine(
    ({ clientCaFile, clientCrlFile }) => clientCrlFile === undefined || clientCaFile !== undefined,
    {
      path: ['clientCrlFile'],
      error: 'revokes nothing without clientCaFile, the authorities of client certificates',
    },
  );
}

/** Only TCP listens unless told otherwise; another listener is there when its section is. */
export const listenersShape = {
  tcp: section({
    enabled: flag().default(true).describe('False where only the other listeners are wanted.'),
    ...address(1883),
  }).prefault({}),
  tls: withLists(section({ ...address(8883), ...certificates })).optional(),
  ws: section({ ...address(8083), ...webSocket }).optional(),
  wss: withLists(section({ ...address(8084), ...certificates, ...webSocket })).optional(),
};

const listenersSchema = z.object(listenersShape);

export type ListenersConfig = z.output<typeof listenersSchema>;
export type ListenerKind = keyof ListenersConfig;
export type TlsConfig = Pick<NonNullable<ListenersConfig['tls']>, keyof typeof certificates>;

/** One listener, whatever its kind. */
export interface ListenerConfig {
  readonly host: string;
  readonly port: number;
  readonly proxies: readonly string[];
  readonly tls: TlsConfig | undefined;
  readonly webSocket: { readonly origins: readonly string[] } | undefined;
}

/** Those that are wanted, TCP first. */
export function wantedListeners({ tcp, tls, ws, wss }: ListenersConfig): [ListenerKind, ListenerConfig][] {
  const wanted: [ListenerKind, ListenerConfig][] = [];
  if (tcp.enabled) wanted.push(['tcp', { ...tcp, tls: undefined, webSocket: undefined }]);
  if (tls !== undefined) wanted.push(['tls', { ...tls, tls, webSocket: undefined }]);
  if (ws !== undefined) wanted.push(['ws', { ...ws, tls: undefined, webSocket: ws }]);
  if (wss !== undefined) wanted.push(['wss', { ...wss, tls: wss, webSocket: wss }]);
  return wanted;
}
