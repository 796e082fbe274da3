/** Network addresses as limits see them. */
import { BlockList, isIPv4, isIPv6, SocketAddress } from 'node:net';

const MAPPED = '::ffff:';

/** An address in the one form that all write it in (RFC 5952); an IPv4 address written as IPv6 becomes plain IPv4. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  if (!isIPv6(address)) return address;
  const [bare = '', ...zone] = address.split('%');
  const shortest = new SocketAddress({ address: bare, family: 'ipv6' }).address;
  const mapped = shortest.startsWith(MAPPED) ? shortest.slice(MAPPED.length) : '';
  return isIPv4(mapped) ? mapped : [shortest, ...zone].join('%');
}

/**
 * What counts as one party in a limit: an IPv4 address, or the /64 of an IPv6 address, because whoever has one
 * address of a /64 has all 2^64 of them.
 */
export function partyOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':');
    while (groups.length + after.length < 8) groups.push('0');
    groups.push(...after);
  }
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':')}::/64`;
}

/** True for an address only this machine can reach. */
export function isLoopback(address: string): boolean {
  const plain = plainAddress(address);
  return isIPv4(plain) ? plain.startsWith('127.') : plain === '::1';
}

/** Addresses and networks (`10.0.0.0/8`) as Node matches them. Throws for what is neither. */
export function addressList(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [, address = entry, prefix] = /^(.*)\/(\d{1,3})$/.exec(entry) ?? [];
    const plain = plainAddress(address);
    const family = isIPv4(plain) ? 'ipv4' : 'ipv6';
    if (prefix === undefined) list.addAddress(plain, family);
    else list.addSubnet(plain, Number(prefix), family);
  }
  return list;
}

/** True for an address, in its plain form, that the list holds. */
export function isListed(list: BlockList, address: string): boolean {
  if (isIPv4(address)) return list.check(address, 'ipv4');
  return isIPv6(address) && list.check(address.split('%')[0] ?? '', 'ipv6');
}

/** The host of a URL; an IPv6 address without its brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}
