/**
 * The Yahoo streaming benchmark: views of ads, joined to their campaigns, counted per campaign and 10 s of
 * event time.
 *
 * All sides take the same Kafka record batches from the files of one partition, check their CRC, parse each
 * value with JSON.parse and check nothing else. Ours runs the whole processor: join with a table from the
 * log, windows by watermark, results and state written to the log with an fdatasync per commit. The baseline
 * is one hand-written function that has the campaigns in a Map, keeps its counts in Maps and writes nothing.
 * The results are equal, window by window.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { seededRandom } from '../src/base/index.ts'
import { createApp, json, type Log, openLog, text, topic, tumbling, windowed } from '../src/index.ts'
import type { Benchmark, Side } from './benchmark.ts'
import { readRecords } from './baseline.ts'

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
/** The same topic, whose records are checked by a schema. */
const eventSchema = z.object({
  user_id: z.string(),
  page_id: z.string(),
  ad_id: z.string(),
  ad_type: z.string(),
  event_type: z.enum(['view', 'click', 'purchase']),
  event_time: z.int(),
  ip_address: z.string(),
})
const checkedEvents = topic('events', {
  key: text(),
  value: eventSchema,
  partitions: 1,
  timestamp: event => event.event_time,
})
const ads = topic('ads', { key: text(), value: json<{ campaign: string }>(), partitions: 1 })

/** A count per campaign and window, in order. */
type Counts = readonly (readonly [campaignAndStart: string, count: number])[]

export const ysb: Benchmark = {
  name: 'ysb',
  async prepare(folder) {
    const data = join(folder, 'log')
    const log = await openLog(data)
    const campaignOf = await publish(log)
    const exactlyOnce = processed(log, 'exactly-once', '100ms')
    const atLeastOnce = processed(log, 'at-least-once', '100ms')
    const uncommitted = processed(log, 'at-least-once', '1h')
    const byHand = handWritten(join(data, `${events.name}-0`), campaignOf)
    const checked = processed(log, 'exactly-once', '100ms', checkedEvents)
    const checkedByHand = handWritten(join(data, `${events.name}-0`), campaignOf, eventSchema)
    return {
      workloads: [
        {
          records,
          comparisons: [
            { name: 'YSB, exactly once', ours: exactlyOnce, theirs: byHand, reach: 0.7 },
            {
              name: 'YSB, exactly / at least once',
              ours: exactlyOnce,
              theirs: atLeastOnce,
              reach: 0.9,
            },
            {
              name: 'YSB, exactly once / no commits',
              ours: exactlyOnce,
              theirs: uncommitted,
              reach: 0.9,
            },
            { name: 'YSB with a zod schema', ours: checked, theirs: checkedByHand, reach: 0.7 },
          ],
        },
      ],
      dispose: () => log.close(),
    }
  },
}

async function publish(log: Log): Promise<ReadonlyMap<string, string>> {
  const random = seededRandom(7)
  const campaignOf = new Map<string, string>()
  for (let n = 0; n < campaigns * adsPerCampaign; n += 1)
    campaignOf.set(`ad-${String(n).padStart(8, '0')}-0000-4000-8000`, `campaign-${n % campaigns}`)
  await using adProducer = log.producer(ads)
  await adProducer.sendBatch(
    [...campaignOf].map(([key, campaign]) => ({ key, value: { campaign }, timestamp: 0 })),
  )
  const ids = [...campaignOf.keys()]
  const types = ['view', 'click', 'purchase'] as const
  function* made(): Iterable<{ key: string; value: Event }> {
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
      yield { key: ad, value }
    }
  }
  await using producer = log.producer(events)
  await producer.sendBatch(made())
  return campaignOf
}

let runs = 0

/** Each run is a new app, which reads the input from its beginning to its end. */
function processed(
  log: Log,
  guarantee: 'exactly-once' | 'at-least-once',
  commitInterval: '100ms' | '1h',
  input: typeof events | typeof checkedEvents = events,
): Side {
  let out = countsTopic(0)
  return {
    name:
      commitInterval === '1h'
        ? 'one commit at the end, synced'
        : `${guarantee}, synced each ${commitInterval}${input === events ? '' : ', records checked by zod'}`,
    async run() {
      runs += 1
      out = countsTopic(runs)
      const app = createApp(`ysb-${runs}`)
      const campaignsOfAds = app.table(ads)
      app
        .stream(input as typeof events)
        .filter(event => event?.event_type === 'view')
        .join(campaignsOfAds, (_event, { campaign }) => campaign)
        .groupBy(campaign => campaign)
        .windowedBy(tumbling(windowMs))
        .count()
        .emit('final')
        .to(out)
      await app.run({ log, until: 'end', guarantee, commitInterval })
    },
    async result() {
      const counts: [string, number][] = []
      for await (const { key, value } of log.consumer(out, { until: 'end' }))
        if (key) counts.push([`${key.key} ${key.start}`, value ?? 0])
      return counts.sort(byName)
    },
  }
}

function countsTopic(run: number) {
  return topic(`counts-${run}`, { key: windowed(text()), value: json<number>(), partitions: 1 })
}

function handWritten(
  folder: string,
  campaignOf: ReadonlyMap<string, string>,
  schema?: typeof eventSchema,
): Side {
  const windows = new Map<number, Map<string, number>>()
  return {
    name: `hand-written: readSync, CRC, walk, JSON.parse, ${schema ? 'zod, ' : ''}Maps; writes nothing`,
    async run() {
      windows.clear()
      readRecords(folder, (buffer, from, to) => {
        const parsed = JSON.parse(buffer.utf8Slice(from, to)) as Event
        const event = schema ? schema.parse(parsed) : parsed
        if (event.event_type !== 'view') return
        const campaign = campaignOf.get(event.ad_id)
        if (campaign === undefined) return
        const start = event.event_time - (event.event_time % windowMs)
        let window = windows.get(start)
        if (window === undefined) windows.set(start, (window = new Map()))
        window.set(campaign, (window.get(campaign) ?? 0) + 1)
      })
    },
    async result(): Promise<Counts> {
      return [...windows]
        .flatMap(([start, window]) =>
          [...window].map(([campaign, n]) => [`${campaign} ${start}`, n] as const),
        )
        .sort(byName)
    },
  }
}

function byName([a]: readonly [string, number], [b]: readonly [string, number]): number {
  return a < b ? -1 : 1
}
