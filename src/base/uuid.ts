/**
 * Identifiers of clusters and topics, in the form of Kafka's Uuid: 128 bits as base64url without padding, 22
 * characters. Kafka reserves two values, and gives none that begins with '-': a command line would take it
 * for an option.
 */
import type { Random } from './random.ts'

/** All bits 0, which says that there is none, and the id of Kafka's own metadata topic. */
const reserved: ReadonlySet<string> = new Set(['AAAAAAAAAAAAAAAAAAAAAA', 'AAAAAAAAAAAAAAAAAAAAAQ'])

export function randomUuid(random: Random): string {
  for (;;) {
    const uuid = Buffer.from(random.bytes(16)).toString('base64url')
    if (!uuid.startsWith('-') && !reserved.has(uuid)) return uuid
  }
}
