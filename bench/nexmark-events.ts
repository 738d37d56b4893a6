/** Nexmark's events in topics of one partition, for benchmarks: 10,000 a second of event time. */
import type { Log, Topic } from '../src/index.ts'
import { eventOf } from '../test/nexmark/events.ts'
import { auctions, bids, people } from '../test/nexmark/topics.ts'

export const eventsPerSecond = 10_000

/** Records by topic. */
export type EventCounts = Readonly<Record<'people' | 'auctions' | 'bids', number>>

interface Timed {
  readonly dateTime: number
}

/** Makes the first `count` events, if they are `wanted`, and sends them. */
export async function sendEvents(
  log: Log,
  count: number,
  wanted: (id: number) => boolean = () => true,
): Promise<EventCounts> {
  const ids = Array.from({ length: count }, (_, id) => id).filter(wanted)
  const all = ids.map(id => eventOf(id, { seed: 1, eventsPerSecond }))
  const made = {
    people: all.flatMap(event => ('person' in event ? [recordOf(event.person.id, event.person)] : [])),
    auctions: all.flatMap(event => ('auction' in event ? [recordOf(event.auction.id, event.auction)] : [])),
    bids: all.flatMap(event => ('bid' in event ? [recordOf(event.id, event.bid)] : [])),
  }
  await send(people, made.people)
  await send(auctions, made.auctions)
  await send(bids, made.bids)
  return { people: made.people.length, auctions: made.auctions.length, bids: made.bids.length }

  async function send<V>(to: Topic<number, V>, records: readonly ReturnType<typeof recordOf<V & Timed>>[]) {
    await using producer = log.producer(to)
    await producer.sendBatch(records)
  }
}

function recordOf<V extends Timed>(key: number, value: V) {
  return { key, value, timestamp: value.dateTime }
}
