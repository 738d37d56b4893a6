/** The events, encoded once: the files of a log, whose batches go into Apache Kafka as they are. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openLog } from '../../../src/index.ts'
import { assignOffsets, readBatches } from '../../../src/wire/index.ts'
import { eventOf } from '../../../test/nexmark/events.ts'
import { bids, type Row } from '../../../test/nexmark/topics.ts'
import { type EventCounts, eventsPerSecond, sendEvents } from '../../nexmark-events.ts'
import { createTopic, produceFrame, refusalOf } from '../raw-client.ts'
import { type Address, RawConnection } from '../raw-connection.ts'

const hourMs = 3_600_000
const topics = ['people', 'auctions', 'bids'] as const

/** Writes those of the first `events` to a log in `data`, and a last bid (see {@link isCounted}). */
export async function writeInput(
  data: string,
  events: number,
  wanted: (id: number) => boolean,
): Promise<EventCounts> {
  await using log = await openLog(data)
  const counts = await sendEvents(log, events, wanted)
  await using producer = log.producer(bids)
  const dateTime = endOf(events) + hourMs
  const value = { auction: 1, bidder: 1, price: 1, channel: '', url: '', dateTime, extra: '' }
  await producer.send({ key: events, value, timestamp: dateTime })
  return counts
}

/**
 * Whether a row comes from the events, and not from the last bid, an hour later. It is there for Kafka
 * Streams, which knows no end of an input: a window ends when a later record comes.
 */
export function isCounted(row: Row, events: number): boolean {
  const end = endOf(events) + hourMs / 2
  return !row.some(cell => typeof cell === 'number' && cell > end)
}

function endOf(events: number): number {
  const event = eventOf(events, { seed: 1, eventsPerSecond })
  return ('bid' in event ? event.bid : 'auction' in event ? event.auction : event.person).dateTime
}

export async function loadInput(data: string, address: Address): Promise<void> {
  const connection = await RawConnection.open(address)
  for (const topic of topics) {
    await createTopic(address, { topic, partitions: 1 })
    const folder = join(data, `${topic}-0`)
    const files = readdirSync(folder).filter(name => name.endsWith('.log'))
    for (const file of files.sort())
      for (const { bytes } of readBatches(readFileSync(join(folder, file)))) {
        // Apache Kafka takes no other offset from a client. The checksum does not cover it.
        assignOffsets(bytes, 0, -1)
        const sent = new Promise<Buffer>(resolve => connection.send(produceFrame(topic, 0, bytes), resolve))
        const refusal = refusalOf(await sent)
        if (refusal) throw refusal
      }
  }
  connection.close()
}
