/**
 * Nexmark's queries in the DSL, each beside its SQL. A query writes its rows to `results`: as a stream, or as
 * a table of the latest rows.
 */
import type { Topic } from '../../src/schema/index.ts'
import { type App, hopping, session, tumbling } from '../../src/stream/index.ts'
import type { Auction, Bid } from './events.ts'
import { auctions, bids, people, remarkCount, remarks, type Row } from './topics.ts'

export interface Query {
  readonly name: string
  readonly build: (app: App, results: Topic<unknown, Row>) => void
  /** In `bids`, `arrived` is when the app gets the bid, by its clock. */
  readonly sql: string
}

const tenSeconds = 10_000
const twoSeconds = 2000
const dayMs = 86_400_000

const bidsOf = (app: App) => app.stream(bids).filter(bid => bid !== null)
const auctionsOf = (app: App) => app.stream(auctions).filter(auction => auction !== null)

interface Offer {
  readonly auction: Auction
  readonly bid: Bid
}

interface Sale {
  readonly id: number
  readonly expires: number
  readonly price: number
}

/**
 * The best valid bid of each auction: the highest, of equal ones the first. A bid waits for the auctions up
 * to its time, in whatever order their topics are read.
 */
const winners = (app: App) =>
  bidsOf(app)
    .selectKey(bid => bid.auction)
    .join(app.table(auctions, { history: '1s' }), (bid, auction): Offer => ({ bid, auction }))
    .filter(({ bid, auction }) => bid.dateTime >= auction.dateTime && bid.dateTime <= auction.expires)
    .groupByKey()
    .reduce((best, next) => (next.bid.price > best.bid.price ? next : best))

const winnersSql = `
  SELECT a.*, b.bidder, b.price, b.dateTime AS bidTime, row_number() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.id) AS place
  FROM auctions a JOIN bids b ON a.id = b.auction AND b.dateTime BETWEEN a.dateTime AND a.expires
  QUALIFY place = 1`

export const queries: readonly Query[] = [
  {
    name: 'q0: the bids as they are',
    build: (app, results) =>
      bidsOf(app)
        .mapValues(({ auction, bidder, price, dateTime, extra }): Row => [
          auction,
          bidder,
          price,
          dateTime,
          extra,
        ])
        .to(results),
    sql: 'SELECT auction, bidder, price, dateTime, extra FROM bids',
  },
  {
    name: 'q1: prices in another currency',
    build: (app, results) =>
      bidsOf(app)
        .mapValues(({ auction, bidder, price, dateTime }): Row => [auction, bidder, 0.908 * price, dateTime])
        .to(results),
    sql: 'SELECT auction, bidder, CAST(0.908 AS DOUBLE) * price, dateTime FROM bids',
  },
  {
    name: 'q2: the bids for some auctions',
    build: (app, results) =>
      bidsOf(app)
        .filter(({ auction }) => auction % 123 === 0)
        .mapValues(({ auction, price }): Row => [auction, price])
        .to(results),
    sql: 'SELECT auction, price FROM bids WHERE auction % 123 = 0',
  },
  {
    name: 'q3: who sells in some states, in one category',
    build: (app, results) =>
      app
        .table(auctions)
        .filter(({ category }) => category === 10)
        .join(
          app.table(people).filter(({ state }) => ['OR', 'ID', 'CA'].includes(state)),
          ({ seller }) => seller,
          ({ id }, { name, city, state }): Row => [name, city, state, id],
        )
        .to(results),
    sql: `SELECT p.name, p.city, p.state, a.id FROM auctions a JOIN people p ON a.seller = p.id
      WHERE a.category = 10 AND p.state IN ('OR', 'ID', 'CA')`,
  },
  {
    name: 'q4: the average of the winning bids, by category',
    build: (app, results) =>
      winners(app)
        .groupBy(({ auction, bid }) => [auction.category, bid.price])
        .aggregate(
          { sum: 0, count: 0 },
          ({ sum, count }, price) => ({ sum: sum + price, count: count + 1 }),
          ({ sum, count }, price) => ({ sum: sum - price, count: count - 1 }),
        )
        .mapValues(({ sum, count }, category): Row => [category, sum / count])
        .to(results),
    sql: `SELECT category, CAST(sum(price) AS DOUBLE) / count(*) FROM (${winnersSql}) GROUP BY category`,
  },
  {
    name: 'q5: the auctions with the most bids of ten seconds, every two',
    build: (app, results) =>
      bidsOf(app)
        .groupBy(({ auction }) => auction)
        .windowedBy(hopping(tenSeconds, twoSeconds))
        .count()
        .emit('final')
        .toStream()
        .map((count, { key: auction, start }) => [start, { auction, count: count ?? 0 }] as const)
        .groupByKey()
        .windowedBy(tumbling(twoSeconds))
        .aggregate<{ count: number; auctions: readonly number[] }>(
          { count: 0, auctions: [] },
          (most, { auction, count }) =>
            count > most.count
              ? { count, auctions: [auction] }
              : count === most.count
                ? { count, auctions: [...most.auctions, auction] }
                : most,
        )
        .emit('final')
        .toStream()
        .map((most, { key: start }) => {
          const { count = 0, auctions: all = [] } = most ?? {}
          return [start, [start, count, all.toSorted((a, b) => a - b).join()] as Row] as const
        })
        .to(results),
    sql: `
      WITH counts AS (
        SELECT start, auction, count(*) AS count
        FROM bids, unnest(generate_series(dateTime // ${twoSeconds} * ${twoSeconds} - ${tenSeconds - twoSeconds}, dateTime, ${twoSeconds})) AS windows(start)
        GROUP BY ALL)
      SELECT start, count, string_agg(auction, ',' ORDER BY auction)
      FROM (SELECT * FROM counts QUALIFY rank() OVER (PARTITION BY start ORDER BY count DESC) = 1) GROUP BY start, count`,
  },
  {
    name: 'q6: the average of the ten auctions of each seller that were the last to end',
    build: (app, results) =>
      winners(app)
        .groupBy(({ auction, bid }) => [
          auction.seller,
          { id: auction.id, expires: auction.expires, price: bid.price },
        ])
        .aggregate<readonly Sale[]>(
          [],
          (sales, sale) => [...sales, sale].sort((a, b) => b.expires - a.expires || b.id - a.id),
          (sales, { id }) => sales.filter(sale => sale.id !== id),
        )
        .mapValues((sales, seller): Row => {
          const last = sales.slice(0, 10)
          return [seller, last.reduce((sum, { price }) => sum + price, 0) / last.length]
        })
        .to(results),
    sql: `
      SELECT seller, CAST(sum(price) AS DOUBLE) / count(*) FROM (
        SELECT * FROM (${winnersSql})
        QUALIFY row_number() OVER (PARTITION BY seller ORDER BY expires DESC, id DESC) <= 10)
      GROUP BY seller`,
  },
  {
    name: 'q7: the highest bids of each ten seconds',
    build: (app, results) =>
      bidsOf(app)
        .groupBy(() => 'all')
        .windowedBy(tumbling(tenSeconds))
        .aggregate<readonly Bid[]>([], (highest, bid) =>
          bid.price > (highest[0]?.price ?? 0)
            ? [bid]
            : bid.price === highest[0]?.price
              ? [...highest, bid]
              : highest,
        )
        .emit('final')
        .toStream()
        .flatMapValues(highest => highest ?? [])
        .mapValues(({ auction, price, bidder, dateTime }): Row => [auction, price, bidder, dateTime])
        .selectKey(row => row)
        .to(results),
    sql: `SELECT auction, price, bidder, dateTime FROM bids
      QUALIFY rank() OVER (PARTITION BY dateTime // ${tenSeconds} ORDER BY price DESC) = 1`,
  },
  {
    name: 'q8: who came, and opened an auction in the same ten seconds',
    build: (app, results) =>
      app
        .stream(people)
        .filter(person => person !== null)
        .mapValues(({ name }) => name)
        .coGroup(
          auctionsOf(app).map(({ id, seller }) => [seller, id] as const),
          tumbling(tenSeconds),
        )
        .join((name, auction, { key: id }): Row => [id, name, auction])
        .selectKey(([, , auction]) => auction)
        .to(results),
    sql: `SELECT p.id, p.name, a.id FROM people p JOIN auctions a
      ON p.id = a.seller AND p.dateTime // ${tenSeconds} = a.dateTime // ${tenSeconds}`,
  },
  {
    name: 'q9: the winning bid of each auction',
    build: (app, results) =>
      winners(app)
        .mapValues(({ auction, bid }): Row => [auction.id, bid.bidder, bid.price, bid.dateTime])
        .to(results),
    sql: `SELECT id, bidder, price, bidTime FROM (${winnersSql})`,
  },
  {
    name: 'q11: the bids of each session of a person',
    build: (app, results) =>
      bidsOf(app)
        .groupBy(({ bidder }) => bidder)
        .windowedBy(session(tenSeconds))
        .count()
        .emit('final')
        .toStream()
        .map((count, { key: bidder, start, end }) => {
          const row: Row = [bidder, count ?? 0, start, end]
          return [row, row] as const
        })
        .to(results),
    sql: `
      WITH marked AS (
        SELECT *, dateTime - lag(dateTime, 1, 0) OVER person > ${tenSeconds} AS starts FROM bids
        WINDOW person AS (PARTITION BY bidder ORDER BY dateTime, id)),
      numbered AS (SELECT *, sum(starts::INT) OVER (PARTITION BY bidder ORDER BY dateTime, id) AS session FROM marked)
      SELECT bidder, count(*), min(dateTime), max(dateTime) + ${tenSeconds} FROM numbered GROUP BY bidder, session`,
  },
  {
    name: 'q12: the bids of a person that arrive in the same ten seconds',
    build: (app, results) =>
      bidsOf(app)
        .groupBy(({ bidder }) => bidder)
        .windowedBy(tumbling(tenSeconds, { time: 'processing' }))
        .count()
        .emit('final')
        .toStream()
        .map((count, { key: bidder, start }) => {
          const row: Row = [bidder, count ?? 0, start]
          return [row, row] as const
        })
        .to(results),
    sql: `SELECT bidder, count(*), arrived // ${tenSeconds} * ${tenSeconds} AS start FROM bids GROUP BY ALL`,
  },
  {
    name: 'q13: the bids with what is known of their auctions',
    build: (app, results) =>
      bidsOf(app)
        .map((bid, id) => [bid.auction % remarkCount, { id, ...bid }] as const)
        .join(app.table(remarks), ({ id, auction, price }, remark): Row => [id ?? 0, auction, price, remark])
        .selectKey(([id]) => id)
        .to(results),
    sql: `SELECT b.id, auction, price, remark FROM bids b JOIN remarks r ON b.auction % ${remarkCount} = r.id`,
  },
  {
    name: 'q14: some bids, with what is calculated from them',
    build: (app, results) =>
      bidsOf(app)
        .filter(({ price }) => 0.908 * price > 1_000_000 && 0.908 * price < 50_000_000)
        .mapValues(({ auction, bidder, price, dateTime, extra }): Row => {
          const hour = Math.floor(dateTime / 3_600_000) % 24
          const time = hour >= 8 && hour <= 18 ? 'day' : hour <= 6 || hour >= 20 ? 'night' : 'other'
          return [auction, bidder, 0.908 * price, time, extra.split('c').length - 1]
        })
        .to(results),
    sql: `
      SELECT auction, bidder, CAST(0.908 AS DOUBLE) * price AS price,
        CASE WHEN hour BETWEEN 8 AND 18 THEN 'day' WHEN hour <= 6 OR hour >= 20 THEN 'night' ELSE 'other' END,
        length(extra) - length(replace(extra, 'c', ''))
      FROM (SELECT *, dateTime // 3600000 % 24 AS hour FROM bids)
      WHERE CAST(0.908 AS DOUBLE) * price > 1000000 AND CAST(0.908 AS DOUBLE) * price < 50000000`,
  },
  {
    name: 'q16: bids, bidders and auctions of each channel and day',
    build: (app, results) =>
      bidsOf(app)
        .groupBy(({ channel, dateTime }) => [channel, Math.floor(dateTime / dayMs)] as const)
        .aggregate<{ bids: number; high: number; bidders: readonly number[]; auctions: readonly number[] }>(
          { bids: 0, high: 0, bidders: [], auctions: [] },
          (all, { price, bidder, auction }) => ({
            bids: all.bids + 1,
            high: all.high + (price >= 1_000_000 ? 1 : 0),
            bidders: withOne(all.bidders, bidder),
            auctions: withOne(all.auctions, auction),
          }),
        )
        .mapValues(({ bids: count, high, bidders, auctions: on }, [channel, day]): Row => [
          channel,
          day,
          count,
          high,
          bidders.length,
          on.length,
        ])
        .to(results),
    sql: `SELECT channel, dateTime // ${dayMs} AS day, count(*), count(*) FILTER (price >= 1000000),
      count(DISTINCT bidder), count(DISTINCT auction) FROM bids GROUP BY ALL`,
  },
  {
    name: 'q17: bids and prices of each auction and day',
    build: (app, results) =>
      bidsOf(app)
        .groupBy(({ auction, dateTime }) => [auction, Math.floor(dateTime / dayMs)] as const)
        .aggregate({ low: 0, middle: 0, high: 0, min: Infinity, max: 0, sum: 0 }, (all, { price }) => ({
          low: all.low + (price < 10_000 ? 1 : 0),
          middle: all.middle + (price >= 10_000 && price < 1_000_000 ? 1 : 0),
          high: all.high + (price >= 1_000_000 ? 1 : 0),
          min: Math.min(all.min, price),
          max: Math.max(all.max, price),
          sum: all.sum + price,
        }))
        .mapValues(({ low, middle, high, min, max, sum }, [auction, day]): Row => {
          const count = low + middle + high
          return [auction, day, count, low, middle, high, min, max, sum / count, sum]
        })
        .to(results),
    sql: `SELECT auction, dateTime // ${dayMs} AS day, count(*), count(*) FILTER (price < 10000),
      count(*) FILTER (price >= 10000 AND price < 1000000), count(*) FILTER (price >= 1000000),
      min(price), max(price), CAST(sum(price) AS DOUBLE) / count(*), sum(price) FROM bids GROUP BY ALL`,
  },
  {
    name: 'q18: the last bid of each person for each auction',
    build: (app, results) =>
      bidsOf(app)
        .groupBy(({ bidder, auction }) => [bidder, auction] as const)
        .reduce((_, bid) => bid)
        .mapValues(({ auction, bidder, price, dateTime }): Row => [auction, bidder, price, dateTime])
        .to(results),
    sql: `SELECT auction, bidder, price, dateTime FROM bids
      QUALIFY row_number() OVER (PARTITION BY bidder, auction ORDER BY id DESC) = 1`,
  },
  {
    name: 'q19: the ten highest bids of each auction',
    build: (app, results) =>
      bidsOf(app)
        .groupBy(({ auction }) => auction)
        .topN(10, ({ price }) => price)
        .mapValues((highest, auction): Row => [
          auction,
          highest.map(({ price, bidder }) => `${price} ${bidder}`).join(),
        ])
        .to(results),
    sql: `
      SELECT auction, string_agg(price || ' ' || bidder, ',' ORDER BY place) FROM (
        SELECT *, row_number() OVER (PARTITION BY auction ORDER BY price DESC, id) AS place FROM bids QUALIFY place <= 10)
      GROUP BY auction`,
  },
  {
    name: 'q20: the bids for auctions of one category',
    build: (app, results) =>
      app
        .table(bids)
        .join(
          app.table(auctions).filter(({ category }) => category === 10),
          ({ auction }) => auction,
          ({ bidder, price, dateTime }, { id, itemName, seller }): Row => [
            id,
            bidder,
            price,
            dateTime,
            itemName,
            seller,
          ],
        )
        .to(results),
    sql: `SELECT a.id, b.bidder, b.price, b.dateTime, a.itemName, a.seller
      FROM bids b JOIN auctions a ON b.auction = a.id WHERE a.category = 10`,
  },
  {
    name: 'q22: the folders of URLs',
    build: (app, results) =>
      bidsOf(app)
        .mapValues(({ auction, channel, url }): Row => [auction, channel, ...url.split('/').slice(3, 6)])
        .to(results),
    sql: `SELECT auction, channel, split_part(url, '/', 4), split_part(url, '/', 5), split_part(url, '/', 6) FROM bids`,
  },
]

function withOne(all: readonly number[], one: number): readonly number[] {
  return all.includes(one) ? all : [...all, one]
}
