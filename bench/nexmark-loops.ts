/**
 * Queries of Nexmark as hand-written loops, which know that the events of a topic come in the order of time.
 */
import type { Auction, Bid, Person } from '../test/nexmark/events.ts'
import type { Row } from '../test/nexmark/topics.ts'
import type { RowFile } from './row-file.ts'

interface Inputs {
  readonly people: Person
  readonly auctions: Auction
  readonly bids: Bid
}

/** Calls `visit` for each event of a topic. */
type Read = <N extends keyof Inputs>(topic: N, visit: (event: Inputs[N]) => void) => void

export interface Loop {
  readonly query: string
  readonly reads: readonly (keyof Inputs)[]
  readonly loop: (read: Read, rows: RowFile) => void
  /** The key of a row, if the query writes changes of a table. */
  readonly keyOf?: (row: Row) => string | number
  readonly reach: number
}

const tenSeconds = 10_000
const twoSeconds = 2000
const first = ([key = '']: Row): string | number => key

export const loops: readonly Loop[] = [
  {
    query: 'q0',
    reads: ['bids'],
    loop: (read, rows) =>
      read('bids', ({ auction, bidder, price, dateTime, extra }) =>
        rows.add(dateTime, [auction, bidder, price, dateTime, extra]),
      ),
    reach: 0.55,
  },
  {
    query: 'q1',
    reads: ['bids'],
    loop: (read, rows) =>
      read('bids', ({ auction, bidder, price, dateTime }) =>
        rows.add(dateTime, [auction, bidder, 0.908 * price, dateTime]),
      ),
    reach: 0.55,
  },
  {
    query: 'q2',
    reads: ['bids'],
    loop: (read, rows) =>
      read('bids', ({ auction, price, dateTime }) => {
        if (auction % 123 === 0) rows.add(dateTime, [auction, price])
      }),
    reach: 0.6,
  },
  { query: 'q4', reads: ['auctions', 'bids'], loop: averages, keyOf: first, reach: 0.1 },
  { query: 'q5', reads: ['bids'], loop: hotItems, reach: 0.5 },
  { query: 'q7', reads: ['bids'], loop: highestBids, reach: 0.5 },
  { query: 'q8', reads: ['people', 'auctions'], loop: newSellers, reach: 0.5 },
  { query: 'q11', reads: ['bids'], loop: sessions, reach: 0.25 },
  {
    query: 'q18',
    reads: ['bids'],
    loop: lastBids,
    keyOf: ([auction, bidder]) => `${auction} ${bidder}`,
    reach: 0.25,
  },
]

function averages(read: Read, rows: RowFile): void {
  const auctions = new Map<number, { readonly auction: Auction; best: number }>()
  const totals = new Map<number, { sum: number; count: number }>()
  read('auctions', auction => auctions.set(auction.id, { auction, best: 0 }))
  read('bids', ({ auction: id, price, dateTime }) => {
    const found = auctions.get(id)
    if (!found) return
    const { auction, best } = found
    if (dateTime < auction.dateTime || dateTime > auction.expires || price <= best) return
    let total = totals.get(auction.category)
    if (!total) totals.set(auction.category, (total = { sum: 0, count: 0 }))
    total.sum += price - best
    if (best === 0) total.count += 1
    found.best = price
    rows.add(dateTime, [auction.category, total.sum / total.count])
  })
}

function hotItems(read: Read, rows: RowFile): void {
  const windows = new Map<number, Map<number, number>>()
  let latest = Number.NEGATIVE_INFINITY
  read('bids', ({ auction, dateTime }) => {
    const last = dateTime - (dateTime % twoSeconds)
    if (last > latest) close(last - tenSeconds)
    latest = last
    for (let start = last; start > dateTime - tenSeconds; start -= twoSeconds) {
      let window = windows.get(start)
      if (!window) windows.set(start, (window = new Map()))
      window.set(auction, (window.get(auction) ?? 0) + 1)
    }
  })
  close(Number.POSITIVE_INFINITY)

  function close(until: number): void {
    for (const [start, counts] of windows) {
      if (start > until) continue
      let most = 0
      for (const count of counts.values()) most = Math.max(most, count)
      const hot = [...counts].flatMap(([auction, count]) => (count === most ? [auction] : []))
      rows.add(latest, [start, most, hot.sort((a, b) => a - b).join()])
      windows.delete(start)
    }
  }
}

function highestBids(read: Read, rows: RowFile): void {
  let end = 0
  let highest: Bid[] = []
  read('bids', bid => {
    if (bid.dateTime >= end) {
      close()
      end = bid.dateTime - (bid.dateTime % tenSeconds) + tenSeconds
    }
    const best = highest[0]?.price ?? 0
    if (bid.price > best) highest = [bid]
    else if (bid.price === best) highest.push(bid)
  })
  close()

  function close(): void {
    for (const { auction, price, bidder, dateTime } of highest)
      rows.add(dateTime, [auction, price, bidder, dateTime])
    highest = []
  }
}

function newSellers(read: Read, rows: RowFile): void {
  const people = new Map<number, { readonly name: string; readonly window: number }>()
  read('people', ({ id, name, dateTime }) =>
    people.set(id, { name, window: Math.floor(dateTime / tenSeconds) }),
  )
  read('auctions', ({ id, seller, dateTime }) => {
    const person = people.get(seller)
    if (person?.window === Math.floor(dateTime / tenSeconds)) rows.add(dateTime, [seller, person.name, id])
  })
}

function sessions(read: Read, rows: RowFile): void {
  const open = new Map<number, { start: number; last: number; count: number }>()
  let now = 0
  read('bids', ({ bidder, dateTime }) => {
    now = dateTime
    const session = open.get(bidder)
    if (!session) open.set(bidder, { start: dateTime, last: dateTime, count: 1 })
    else if (dateTime - session.last > tenSeconds) {
      close(bidder, session)
      open.set(bidder, { start: dateTime, last: dateTime, count: 1 })
    } else {
      session.last = dateTime
      session.count += 1
    }
  })
  for (const [bidder, session] of open) close(bidder, session)

  function close(
    bidder: number,
    { start, last, count }: { start: number; last: number; count: number },
  ): void {
    rows.add(now, [bidder, count, start, last + tenSeconds])
  }
}

function lastBids(read: Read, rows: RowFile): void {
  const last = new Map<string, Row>()
  read('bids', ({ auction, bidder, price, dateTime }) => {
    const row: Row = [auction, bidder, price, dateTime]
    last.set(`${bidder} ${auction}`, row)
    rows.add(dateTime, row)
  })
}
