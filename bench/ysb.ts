/**
 * The Yahoo streaming benchmark: views of ads, joined to their campaigns, counted per campaign and 10 s of event time.
 *
 * Both sides read the same record batches from a topic of one partition, decode with the same JSON parser and check nothing; ours runs the
 * whole processor and commits every 100 ms, exactly once, with an fdatasync for each; the hand-written loop is one function over the same bytes that keeps its
 * counts in a Map and commits nothing. What comes out is equal, window by window.
 */
import { join } from 'node:path'
import { seededRandom } from '../src/base/index.ts'
import { createApp, json, type Log, openLog, text, topic, tumbling, windowed } from '../src/index.ts'
import { readAll } from './read-all.ts'
import type { Benchmark, Comparison } from './benchmark.ts'

interface Event {
  readonly user_id: string
  readonly page_id: string
  readonly ad_id: string
  readonly ad_type: string
  readonly event_type: 'view' | 'click' | 'purchase'
  readonly event_time: number
  readonly ip_address: string
}

const records = 2_000_000
const campaigns = 100
const adsPerCampaign = 10
const windowMs = 10_000

const events = topic('events', {
  key: text(),
  value: json<Event>(),
  partitions: 1,
  timestamp: event => event.event_time,
})
const ads = topic('ads', { key: text(), value: json<{ campaign: string }>(), partitions: 1 })

type Guarantee = 'none' | 'at-least-once' | 'exactly-once'

export const ysb: Benchmark = {
  name: 'ysb',
  async prepare(folder) {
    const log = await openLog(join(folder, 'log'))
    const campaignOf = await publish(log)
    const theirs = {
      name: 'hand-written loop, same bytes and parser, no commits',
      run: () => handWritten(log, campaignOf),
    }
    const ours = (guarantee: Guarantee) => ({
      name: `millrace, ${guarantee}`,
      run: () => processed(log, guarantee),
    })
    const comparisons: Comparison[] = [
      {
        name: 'YSB exactly once, commits of 100 ms (synced)',
        records,
        ours: ours('exactly-once'),
        theirs,
        reach: 0.7,
      },
      {
        name: 'exactly once against at least once',
        records,
        ours: ours('exactly-once'),
        theirs: ours('at-least-once'),
        reach: 0.9,
      },
      {
        name: 'exactly once against no commit',
        records,
        ours: ours('exactly-once'),
        theirs: ours('none'),
        reach: 0.9,
      },
    ]
    return { comparisons, dispose: () => log.close() }
  },
}

async function publish(log: Log): Promise<ReadonlyMap<string, string>> {
  const random = seededRandom(7)
  const campaignOf = new Map<string, string>()
  const adProducer = log.producer(ads)
  for (let n = 0; n < campaigns * adsPerCampaign; n += 1) {
    const ad = `ad-${String(n).padStart(8, '0')}-0000-4000-8000`
    const campaign = `campaign-${n % campaigns}`
    campaignOf.set(ad, campaign)
    await adProducer.send({ key: ad, value: { campaign }, timestamp: 0 })
  }
  await adProducer.close()
  const ids = [...campaignOf.keys()]
  const producer = log.producer(events)
  const types = ['view', 'click', 'purchase'] as const
  let sent: Promise<unknown>[] = []
  for (let n = 0; n < records; n += 1) {
    const ad = ids[random.int(ids.length)]!
    const value: Event = {
      user_id: `user-${random.int(100_000)}-0000`,
      page_id: `page-${random.int(1000)}-0000`,
      ad_id: ad,
      ad_type: 'banner',
      event_type: types[random.int(3)]!,
      event_time: 1_000_000_000_000 + Math.floor(n / 10),
      ip_address: '1.2.3.4',
    }
    sent.push(producer.send({ key: ad, value }))
    if (sent.length === 20_000) {
      await Promise.all(sent)
      sent = []
    }
  }
  await Promise.all(sent)
  await producer.close()
  return campaignOf
}

let runs = 0

async function processed(log: Log, guarantee: Guarantee): Promise<[string, number][]> {
  runs += 1
  const out = topic(`counts-${runs}`, { key: windowed(text()), value: json<number>(), partitions: 1 })
  const app = createApp(`ysb-${runs}`)
  const campaignsOfAds = app.table(ads)
  app
    .stream(events)
    .filter(event => event.event_type === 'view')
    .join(campaignsOfAds, (_event, { campaign }) => campaign)
    .groupBy(campaign => campaign)
    .windowedBy(tumbling(windowMs))
    .count()
    .emit('final')
    .to(out)
  await app.run({
    log,
    until: 'end',
    guarantee: guarantee === 'none' ? 'at-least-once' : guarantee,
    commitInterval: guarantee === 'none' ? '1h' : 100,
  })
  const results: [string, number][] = []
  for await (const { key, value } of log.consumer(out, { until: 'end' }))
    if (key) results.push([`${key.key} ${key.start}`, value ?? 0])
  return results.sort(byName)
}

async function handWritten(log: Log, campaignOf: ReadonlyMap<string, string>): Promise<[string, number][]> {
  const windows = new Map<number, Map<string, number>>()
  await readAll(log, events.name, 0, ({ batch }) => {
    const cursor = batch.records()
    while (cursor.next()) {
      const event = JSON.parse(cursor.bytes.utf8Slice(cursor.valueStart, cursor.valueEnd)) as Event
      if (event.event_type !== 'view') continue
      const campaign = campaignOf.get(event.ad_id)
      if (campaign === undefined) continue
      const start = event.event_time - (event.event_time % windowMs)
      let window = windows.get(start)
      if (window === undefined) windows.set(start, (window = new Map()))
      window.set(campaign, (window.get(campaign) ?? 0) + 1)
    }
  })
  return [...windows]
    .flatMap(([start, window]) =>
      [...window].map(([campaign, n]): [string, number] => [`${campaign} ${start}`, n]),
    )
    .sort(byName)
}

function byName([a]: readonly [string, number], [b]: readonly [string, number]): number {
  return a < b ? -1 : 1
}
