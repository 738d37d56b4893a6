/** `millrace ping`: asks a broker of Kafka's protocol whether it answers. For health checks. */
import { Command } from 'commander'
import { ChunkReader, MillraceError, nodeNet, systemClock, type Connection } from '../../base/index.ts'
import { addressInWords } from '../../broker/index.ts'
import { messages, readResponse, requestFrame } from '../../wire/index.ts'
import { parseBrokerAddress } from '../broker-address.ts'
import { counted, parseDuration } from '../numbers.ts'
import type { Terminal } from '../terminal.ts'

const { apiVersions } = messages
/** A version that every broker answers. */
const version = 0
/** The answer to this request is never larger. */
const answerBytesMax = 64 * 1024

export function pingCommand(terminal: Terminal): Command {
  return new Command('ping')
    .description("ask a broker of Kafka's protocol whether it answers: for health checks")
    .argument('[host:port]', 'where it listens', parseBrokerAddress, parseBrokerAddress('127.0.0.1:9092'))
    .option('--timeout <duration>', 'how long to wait for the answer', parseDuration, 5000)
    .action(
      async (address: ReturnType<typeof parseBrokerAddress>, { timeout }: { readonly timeout: number }) => {
        const where = addressInWords(address)
        const startMs = systemClock.monotonic()
        try {
          const connection = await nodeNet.connect(address, { timeoutMs: timeout, signal: terminal.signal })
          const deadline = systemClock.schedule(timeout, () => connection.destroy())
          try {
            await connection.write(requestFrame(apiVersions, version, 1, 'millrace ping', {}))
            const { apiKeys } = readResponse(apiVersions, version, await frameOf(connection))
            const tookMs = Math.round(systemClock.monotonic() - startMs)
            await terminal.write(`${where} answers ${counted(apiKeys.length, 'request')} (${tookMs} ms)\n`)
          } finally {
            deadline.cancel()
            connection.destroy()
          }
        } catch (error) {
          const { code, message } = error as NodeJS.ErrnoException
          throw new MillraceError(
            'ADDRESS_UNAVAILABLE',
            `No broker of Kafka's protocol answers at ${where} within ${timeout} ms (${code ?? message}).`,
            { cause: error },
          )
        }
      },
    )
}

/** The first frame that comes. */
async function frameOf(connection: Connection): Promise<Buffer> {
  const reader = new ChunkReader(connection)
  let received = Buffer.alloc(0)
  for (;;) {
    const bytes = await reader.read()
    if (!bytes) throw new Error('it closed the connection')
    received = Buffer.concat([received, bytes])
    if (received.length < 4) continue
    const size = received.readInt32BE(0)
    if (size < 4 || size > answerBytesMax) throw new Error('it speaks another protocol')
    if (received.length >= 4 + size) return received.subarray(4, 4 + size)
  }
}
