/** What Nexmark's queries read: the events by kind, and what is known beside them. */
import { json, topic, type Topic } from '../../src/schema/index.ts'
import type { Auction, Bid, Person } from './events.ts'

const watermark = { outOfOrderness: 0 }
/** By their ids. */
export const people: Topic<number, Person> = topic('people', {
  key: json<number>(),
  value: json<Person>(),
  watermark,
})
export const auctions: Topic<number, Auction> = topic('auctions', {
  key: json<number>(),
  value: json<Auction>(),
  watermark,
})
/** By the id of the event. */
export const bids: Topic<number, Bid> = topic('bids', { key: json<number>(), value: json<Bid>(), watermark })

/** What is known of auctions beside the events, by the rest of their ids. */
export const remarks: Topic<number, string> = topic('remarks', { key: json<number>(), value: json<string>() })
export const remarkCount = 100

export type Row = readonly (string | number)[]
