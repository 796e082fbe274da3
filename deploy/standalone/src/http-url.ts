/** The address of an HTTP interface, without a path; an IPv6 address stands in brackets. */
export function httpUrl({ host, port }: { readonly host: string; readonly port: number }): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
