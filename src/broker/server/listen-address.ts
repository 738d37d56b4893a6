/**
 * The address of a server: as text, whether it is this machine's alone, and what its errors mean.
 *
 * A server without authentication listens on loopback. Any other address is refused, unless it is asked for
 * by name: every client that reaches it can read and write all topics.
 */
import { loopback, MillraceError, systemCode, type NetAddress } from '../../base/index.ts'

/** `127.0.0.1:9092`; an IPv6 address in brackets: `[::1]:9092`. */
export function addressInWords({ host = loopback, port }: NetAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/**
 * Reads `host:port`, `[::1]:9092`, or a port alone. Undefined: the text is none of these.
 * `portMin`: 0 if the system may choose a free one.
 */
export function parseAddress(text: string, portMin: 0 | 1): Required<NetAddress> | undefined {
  const [, bracketed, plain, digits] = /^(?:(?:\[([\da-f:.]+)\]|([^\s:[\]]+)):)?(\d{1,5})$/i.exec(text) ?? []
  const port = Number(digits)
  if (digits === undefined || port < portMin || port > 65_535) return undefined
  return { host: bracketed ?? plain ?? loopback, port }
}

/** @throws MillraceError INVALID_ARGUMENT for an address that other machines reach; `how` to allow it. */
export function checkLoopback(host: string, how: string): void {
  if (/^127(\.\d{1,3}){3}$|^::1$|^::ffff:127\.|^localhost$/i.test(host)) return
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `Other machines may reach '${host}', and there is no authentication: every client can read and write all topics. Listen on ${loopback}, or allow it with ${how}.`,
  )
}

/** The error of {@link Net.listen} as users know it. */
export function listeningFailed(error: unknown, address: NetAddress): unknown {
  const code = systemCode(error)
  const where = addressInWords(address)
  switch (code) {
    case 'EADDRINUSE':
      return new MillraceError(
        'ADDRESS_IN_USE',
        `The address ${where} is in use: end the process that listens there, or take another port (0 takes a free one).`,
        { cause: error },
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
    case 'EAFNOSUPPORT':
      return new MillraceError(
        'ADDRESS_UNAVAILABLE',
        `This machine has no address '${address.host ?? loopback}' (${code}): listen on one that it has, such as ${loopback}.`,
        { cause: error },
      )
    case 'EACCES':
    case 'EPERM':
      return new MillraceError(
        'ADDRESS_UNAVAILABLE',
        `This process may not listen on ${where} (${code}): take a port above 1023.`,
        { cause: error },
      )
    case undefined:
    default:
      return error
  }
}
