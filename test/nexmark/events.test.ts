/** The events of Nexmark are those of its definition, and the same each time that they are made. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { type Auction, type Bid, eventOf, type NexmarkEvent, type Person } from './events.ts'

const options = { seed: 7, eventsPerSecond: 10_000 }
const events = slice(0, 20_000)
const people = events.flatMap(event => ('person' in event ? [event.person] : []))
const auctions = events.flatMap(event => ('auction' in event ? [event.auction] : []))
const bids = events.flatMap(event => ('bid' in event ? [event.bid] : []))
/** Those of which every id in flight is there. */
const lateAuctions = auctions.slice(-600)
const lateBids = bids.slice(-10_000)

function slice(from: number, to: number, seed = options.seed): NexmarkEvent[] {
  return Array.from({ length: to - from }, (_, n) => eventOf(from + n, { ...options, seed }))
}

/** `ratio` of the items is about `expected`. */
function checkRatio<T>(items: readonly T[], chosen: (item: T) => boolean, expected: number): void {
  const ratio = items.filter(chosen).length / items.length
  ok(Math.abs(ratio - expected) < 0.03, `${ratio} is not about ${expected}`)
}

test('of 50 events one is a person, three are auctions, 46 are bids, in this order', () => {
  const kinds = slice(100, 150).map(event => ('person' in event ? 'p' : 'auction' in event ? 'a' : 'b'))
  equal(kinds.join(''), `paaa${'b'.repeat(46)}`)
})

test('ids of people and auctions start at 1000, without gaps', () => {
  deepEqual(
    people.map(({ id }) => id),
    people.map((_, n) => 1000 + n),
  )
  deepEqual(
    auctions.map(({ id }) => id),
    auctions.map((_, n) => 1000 + n),
  )
})

test('10,000 events a second of event time', () => {
  const times = events.map(
    event => ('person' in event ? event.person : 'auction' in event ? event.auction : event.bid).dateTime,
  )
  deepEqual(
    times,
    times.map((_, id) => 1_436_918_400_000 + Math.floor(id / 10)),
  )
})

test('a slice can be made again, in any order; another seed makes other events', () => {
  deepEqual(slice(9000, 9100), events.slice(9000, 9100))
  deepEqual(
    slice(9000, 9100).toReversed(),
    Array.from({ length: 100 }, (_, n) => eventOf(9099 - n, options)),
  )
  for (const [n, other] of slice(0, 100, 8).entries()) ok(JSON.stringify(other) !== JSON.stringify(events[n]))
})

test('events share no parts of their random sequences', () => {
  const pieces = new Map<string, number>()
  for (const [n, { extra }] of [...auctions, ...bids].entries())
    for (let at = 0; at + 10 <= extra.length; at += 1) {
      const piece = extra.slice(at, at + 10)
      equal(pieces.get(piece) ?? n, n, piece)
      pieces.set(piece, n)
    }
})

test('half of the bids are for the hot auction, three quarters by the hot bidder, most auctions of the hot seller', () => {
  checkRatio(lateBids, ({ auction }) => auction % 100 === 0, 1 / 2)
  checkRatio(lateBids, ({ bidder }) => bidder % 100 === 1, 3 / 4)
  checkRatio(lateAuctions, ({ seller }) => seller % 100 === 0, 3 / 4)
})

test('half of the bids are on four hot channels', () => {
  checkRatio(bids, ({ channel }) => ['Google', 'Facebook', 'Baidu', 'Apple'].includes(channel), 1 / 2)
  checkRatio(bids, ({ channel }) => /^channel-\d{1,4}$/.test(channel), 1 / 2)
})

test('bids are for the last hundred auctions, or the next ten', () => {
  for (const event of events)
    if ('bid' in event) {
      const last = 1000 + Math.floor(event.id / 50) * 3 + 2
      // The hot one is at most a hundred behind, too.
      ok(event.bid.auction >= last - 100 && event.bid.auction <= last + 10, JSON.stringify(event))
    }
})

test('prices are spread evenly over six orders of magnitude', () => {
  for (let power = 2; power < 8; power += 1)
    checkRatio(bids, ({ price }) => price >= 10 ** power && price < 10 ** (power + 1), 1 / 6)
  ok(bids.every(({ price }) => Number.isInteger(price) && price >= 100 && price <= 100_000_000))
})

test('auctions have one of five categories, end after their start, and reserve more than the initial bid', () => {
  for (let category = 10; category < 15; category += 1)
    checkRatio(auctions, auction => auction.category === category, 1 / 5)
  ok(
    auctions.every(
      ({ dateTime, expires, initialBid, reserve }) => expires > dateTime && reserve > initialBid,
    ),
  )
})

test('people, auctions and bids have about 200, 500 and 100 bytes, or more if nothing is extra', () => {
  const bytes = (all: readonly (Person | Auction | Bid)[]): number =>
    all.reduce((sum, one) => sum + JSON.stringify(one).length, 0) / all.length
  ok(Math.abs(bytes(people) - 200) < 60, `${bytes(people)}`)
  ok(Math.abs(bytes(auctions) - 500) < 20, `${bytes(auctions)}`)
  ok(bytes(bids) >= 100 && bytes(bids) < 250, `${bytes(bids)}`)
})
