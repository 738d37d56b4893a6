/**
 * The events of Nexmark, an auction house: people, the auctions that they open, and bids. Of 50 events one is
 * a person, three are auctions and 46 are bids. Each event is made from its id alone, so that any part of the
 * sequence can be made again. Ids, proportions and hot ones are those of the generators of Apache Beam and
 * Flink.
 */
import { seededRandom, type Random } from '../../src/base/index.ts'

export interface Person {
  readonly id: number
  readonly name: string
  readonly emailAddress: string
  readonly creditCard: string
  readonly city: string
  readonly state: string
  readonly dateTime: number
  readonly extra: string
}

export interface Auction {
  readonly id: number
  readonly itemName: string
  readonly description: string
  readonly initialBid: number
  readonly reserve: number
  readonly dateTime: number
  readonly expires: number
  readonly seller: number
  readonly category: number
  readonly extra: string
}

export interface Bid {
  readonly auction: number
  readonly bidder: number
  readonly price: number
  readonly channel: string
  readonly url: string
  readonly dateTime: number
  readonly extra: string
}

export type NexmarkEvent =
  | { readonly id: number; readonly person: Person }
  | { readonly id: number; readonly auction: Auction }
  | { readonly id: number; readonly bid: Bid }

export interface EventOptions {
  readonly seed: number
  /** In event time. */
  readonly eventsPerSecond: number
  /** The time of the first event. Default 2015-07-15. */
  readonly startMs?: number
}

const [personShare, auctionShare, shares] = [1, 3, 50]
/** Ids start here. */
const firstId = 1000
const [firstCategory, categories] = [10, 5]
const [auctionsInFlight, activePeople] = [100, 1000]
/** Ids so far ahead of what there is are used as well. */
const lead = 10
/** One in so many is not a hot one; a hot id is a multiple of `hotStep`. */
const [hotAuctions, hotBidders, hotSellers, hotStep] = [2, 4, 4, 100]
const hotChannels = ['Google', 'Facebook', 'Baidu', 'Apple'] as const
const channels = 10_000
const [personBytes, auctionBytes, bidBytes] = [200, 500, 100]

const states = ['AZ', 'CA', 'ID', 'OR', 'WA', 'WY'] as const
const cities = ['Phoenix', 'Los Angeles', 'San Francisco', 'Boise', 'Portland', 'Bend', 'Redmond', 'Seattle']
const firstNames = ['Peter', 'Paul', 'Luke', 'John', 'Saul', 'Vicky', 'Kate', 'Julie', 'Sarah', 'Deiter']
const lastNames = ['Shultz', 'Abrams', 'Spencer', 'White', 'Bartels', 'Walton', 'Smith', 'Jones', 'Noris']

export function eventOf(id: number, options: EventOptions): NexmarkEvent {
  // Ids are mixed, as neighbours would have similar numbers.
  const random = seededRandom(Math.imul(id + 1, 0x9e37_79b1) ^ options.seed)
  const dateTime = timeOf(id, options)
  const place = id % shares
  if (place < personShare) return { id, person: personOf(id, random, dateTime) }
  if (place < personShare + auctionShare) return { id, auction: auctionOf(id, random, dateTime, options) }
  return { id, bid: bidOf(id, random, dateTime) }
}

/** Whether the event with this id is a bid. */
export function isBid(id: number): boolean {
  return id % shares >= personShare + auctionShare
}

function timeOf(id: number, { eventsPerSecond, startMs = 1_436_918_400_000 }: EventOptions): number {
  return startMs + Math.floor((id * 1000) / eventsPerSecond)
}

function personOf(id: number, random: Random, dateTime: number): Person {
  const name = `${one(random, firstNames)} ${one(random, lastNames)}`
  const person = {
    id: firstId + lastPerson(id),
    name,
    emailAddress: `${text(random, 7)}@${text(random, 5)}.com`,
    creditCard: Array.from({ length: 4 }, () => String(random.int(10_000)).padStart(4, '0')).join(' '),
    city: one(random, cities),
    state: one(random, states),
    dateTime,
  }
  return { ...person, extra: extraFor(random, person, personBytes) }
}

function auctionOf(id: number, random: Random, dateTime: number, options: EventOptions): Auction {
  const initialBid = priceOf(random)
  // As long as it takes until so many others are in flight, twice at the most.
  const horizonMs = timeOf(id + (auctionsInFlight * shares) / auctionShare, options) - dateTime
  const seller =
    random.int(hotSellers) > 0 ? Math.floor(lastPerson(id) / hotStep) * hotStep : anyPerson(id, random)
  const auction = {
    id: firstId + lastAuction(id),
    itemName: text(random, 20),
    description: text(random, 100),
    initialBid,
    reserve: initialBid + priceOf(random),
    dateTime,
    expires: dateTime + 1 + random.int(Math.max(2 * Math.floor(horizonMs), 1)),
    seller: firstId + seller,
    category: firstCategory + random.int(categories),
  }
  return { ...auction, extra: extraFor(random, auction, auctionBytes) }
}

function bidOf(id: number, random: Random, dateTime: number): Bid {
  const last = lastAuction(id)
  const first = Math.max(last - auctionsInFlight, 0)
  const auction =
    random.int(hotAuctions) > 0
      ? Math.floor(last / hotStep) * hotStep
      : first + random.int(last - first + 1 + lead)
  const bidder =
    random.int(hotBidders) > 0 ? Math.floor(lastPerson(id) / hotStep) * hotStep + 1 : anyPerson(id, random)
  const channel = random.int(2) > 0 ? one(random, hotChannels) : `channel-${random.int(channels)}`
  const bid = {
    auction: firstId + auction,
    bidder: firstId + bidder,
    price: priceOf(random),
    channel,
    url: `https://www.nexmark.com/${text(random, 5)}/${text(random, 5)}/${text(random, 5)}/item.htm?query=1`,
    dateTime,
  }
  return { ...bid, extra: extraFor(random, bid, bidBytes) }
}

/** How many people there are before this event, or the number of the person that it is. */
function lastPerson(id: number): number {
  return Math.floor(id / shares)
}

/** The same for auctions; of the first event none is there, and the first one is taken. */
function lastAuction(id: number): number {
  const [epoch, place] = [Math.floor(id / shares), id % shares]
  return Math.max(epoch * auctionShare + Math.min(place - personShare, auctionShare - 1), 0)
}

function anyPerson(id: number, random: Random): number {
  const people = lastPerson(id) + 1
  const active = Math.min(people, activePeople)
  return people - active + random.int(active + lead)
}

/** From 100 to 100,000,000, spread evenly over the orders of magnitude. */
function priceOf(random: Random): number {
  return Math.round(100 * 10 ** ((6 * random.int(1_000_000)) / 1_000_000))
}

/** Text that brings the event to about its usual size. */
function extraFor(random: Random, event: object, bytes: number): string {
  const missing = Math.max(bytes - JSON.stringify(event).length, 0)
  const delta = Math.round(missing * 0.2)
  return text(random, missing - delta + random.int(2 * delta + 1))
}

function text(random: Random, length: number): string {
  return Array.from({ length }, () => String.fromCharCode(97 + random.int(26))).join('')
}

function one<T>(random: Random, choices: readonly T[]): T {
  return choices[random.int(choices.length)]!
}
