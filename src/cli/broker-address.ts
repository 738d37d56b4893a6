/** The address of a broker, as the command line takes it. */
import { InvalidArgumentError } from 'commander'
import type { NetAddress } from '../base/index.ts'
import { parseAddress } from '../broker/index.ts'

/** Parses the address of a broker that runs. */
export function parseBrokerAddress(text: string): Required<NetAddress> {
  return parse(text, 1)
}

/** Parses an address to listen on: port 0 takes a free one. */
export function parseListenAddress(text: string): Required<NetAddress> {
  return parse(text, 0)
}

function parse(text: string, portMin: 0 | 1): Required<NetAddress> {
  const address = parseAddress(text, portMin)
  if (address) return address
  throw new InvalidArgumentError("Give a host and a port, as '127.0.0.1:9092' or '[::1]:9092'.")
}
