/** The address a listener binds to, and what may stand in the way. */
import { lookup } from 'node:dns/promises';
import type { AddressInfo, Server } from 'node:net';
import { isLoopback } from './address.ts';
import type { AccessConfig, ListenerKind } from './config.ts';
import { BrokerError, type BrokerErrorCode } from './errors.ts';

/** Connections the kernel holds while the event loop is busy; a fleet comes back all at once. */
const BACKLOG = 4_096;

/**
 * The address behind a configured host. Throws BrokerError `host-unknown`, and `open-on-network` when anybody on the
 * network could speak for any device and the operator has not said that this is wanted.
 */
export async function resolveListenAddress(
  kind: ListenerKind,
  host: string,
  access: AccessConfig,
): Promise<string> {
  let address: string;
  try {
    ({ address } = await lookup(host));
  } catch (cause) {
    const message = `broker.${kind}.host: "${host}" is no address of this machine; use 127.0.0.1, 0.0.0.0 or one of its own`;
    throw new BrokerError('host-unknown', message, { cause });
  }
  if (access.mode === 'open' && !access.allowOpenOnNetwork && !isLoopback(address)) {
    throw new BrokerError(
      'open-on-network',
      `broker.access: open mode on ${address} lets everybody who reaches it speak for any device; ` +
        'use access.mode "users", listen on 127.0.0.1, or set access: { mode: open, allowOpenOnNetwork: true }',
    );
  }
  return address;
}

function causeOf(
  code: string | undefined,
  kind: ListenerKind,
): readonly [BrokerErrorCode, string] | undefined {
  switch (code) {
    case 'EADDRINUSE':
      return [
        'address-in-use',
        `another program listens there; stop it or choose another broker.${kind}.port`,
      ];
    case 'EADDRNOTAVAIL':
      return [
        'address-not-available',
        `this machine has no such address; choose another broker.${kind}.host`,
      ];
    case 'EACCES':
      return ['permission-denied', `not allowed; choose a broker.${kind}.port of 1024 or above`];
  }
  return undefined;
}

/** Resolves with the real address. Rejects with a BrokerError that names address and remedy. */
export function listen(
  server: Server,
  kind: ListenerKind,
  host: string,
  port: number,
): Promise<{ host: string; port: number }> {
  return new Promise((resolve, reject) => {
    const failed = (cause: NodeJS.ErrnoException): void => {
      const [code, remedy] = causeOf(cause.code, kind) ?? (['listen-failed', cause.message] as const);
      reject(new BrokerError(code, `cannot listen on ${host}:${port}: ${remedy}`, { cause }));
    };
    server.once('error', failed);
    server.listen({ host, port, backlog: BACKLOG }, () => {
      server.off('error', failed);
      const bound = server.address() as AddressInfo;
      resolve({ host: bound.address, port: bound.port });
    });
  });
}
