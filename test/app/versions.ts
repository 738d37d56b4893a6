/**
 * A program that an earlier version began and this one continues. It has two apps (one for each form of
 * exchange) with tables, windows, sessions and a join, a consumer group, and a transactional writer that a
 * loss of power interrupts.
 *
 * `fixtures/log-of-<commit>.txt` holds the files that the first part leaves, as millrace wrote them at that
 * commit. To make such a file at another commit: check that commit out, copy this file into it, and run it
 * there (`node tools/node/run.js test/app/versions.ts <file>`).
 */
import { writeFileSync } from 'node:fs'
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib'
import { json, text, topic, windowed } from '../../src/schema/index.ts'
import { App, session, tumbling } from '../../src/stream/index.ts'
import { BatchBuilder } from '../../src/wire/index.ts'
import { type Files, type Incoming, World } from './world.ts'

interface Order {
  readonly product: string
  readonly amount: number
}

const orders = topic('orders', {
  key: text(),
  value: json<Order>(),
  watermark: { outOfOrderness: '1m' },
})
const customers = topic('customers', { key: text(), value: text() })
const outputOf = (exchange: string, name: string) =>
  topic(`${name}-by-${exchange}`, { key: text(), value: json<unknown>(), partitions: 1 })
const windowsOf = (exchange: string, name: string) =>
  topic(`${name}-by-${exchange}`, { key: windowed(text()), value: json<unknown>(), partitions: 1 })

const exchanges = ['memory', 'topic'] as const
const outputs = ['named', 'products', 'hours', 'changing-hours', 'visits', 'first-orders']

function shop(exchange: string): App {
  const app = new App(`shop-${exchange}`)
  const all = app.stream(orders)
  all.join(app.table(customers), ({ amount }, name) => `${name} ${amount}`).to(outputOf(exchange, 'named'))
  all
    .groupBy(({ product }) => product)
    .aggregate({ n: 0, amount: 0 }, (sum, order) => ({ n: sum.n + 1, amount: sum.amount + order.amount }))
    .filter(({ n }) => n > 1)
    .to(outputOf(exchange, 'products'))
  const byCustomer = all.groupByKey()
  const hourly = byCustomer.windowedBy(tumbling('1h', { allowedLateness: '2h' }))
  hourly.count().emit('final').to(windowsOf(exchange, 'hours'))
  hourly
    .aggregate(0, (sum, { amount }) => sum + amount)
    .emit('changes')
    .to(windowsOf(exchange, 'changing-hours'))
  all
    .groupBy(({ product }) => product)
    .windowedBy(session('10m'))
    .count()
    .emit('final')
    .to(windowsOf(exchange, 'visits'))
  byCustomer.reduce(first => first).to(outputOf(exchange, 'first-orders'))
  return app
}

/** Orders from minute `from` on; each customer's are in one partition. */
function ordersFrom(from: number, count: number): Incoming[] {
  return Array.from({ length: count }, (_, n) => ({
    key: `customer ${n % 5}`,
    value: { product: `product ${(n * 7) % 3}`, amount: n },
    timestamp: (from + 4 * n - (n % 3)) * 60_000,
    partition: (n % 5) % 2,
  }))
}

async function append(world: World, id: string, value: string, end: 'commit' | 'none'): Promise<void> {
  const writer = await world.settle(world.port.openWriter({ transactionalId: id }))
  await world.settle(writer.append('loaded', 0, batchOf(value)))
  if (end === 'commit') await world.settle(writer.commit())
}

function batchOf(value: string): BatchBuilder {
  const batch = new BatchBuilder()
  batch.append(0, null, Buffer.from(value))
  return batch
}

async function runAll(world: World, until: 'now' | 'end'): Promise<void> {
  for (const exchange of exchanges) await world.run(shop(exchange), { until, exchange })
}

/** What the earlier version does. The log is not closed: power is lost. */
export async function begin(): Promise<Files> {
  const world = await World.open()
  const names = Array.from({ length: 5 }, (_, n) => ({
    key: `customer ${n}`,
    value: `name ${n}`,
    partition: n % 2,
  }))
  await world.write('customers', names, { partitions: 2 })
  await world.write('orders', ordersFrom(0, 10), { partitions: 2 })
  await runAll(world, 'now')
  await world.write('orders', ordersFrom(40, 10))
  await runAll(world, 'now')
  await world.settle(
    world.port.commitOffsets({
      group: 'readers',
      offsets: [{ topic: 'orders', partition: 1, offset: 7, metadata: 'seven' }],
    }),
  )
  await world.settle(world.port.createTopic('loaded', { partitions: 1 }))
  await append(world, 'loader', 'one', 'commit')
  await append(world, 'loader', 'lost', 'none')
  // The sync of this writer makes the open transaction durable too.
  await world.write('loaded', [{ value: 'plain' }])
  world.disk.crash()
  return await world.files()
}

/** Results that must not depend on the version that began. */
export interface Outcome {
  readonly outputs: Record<string, unknown[]>
  readonly topics: readonly string[]
  /** Of the topics that the apps keep for themselves. */
  readonly ownTopics: readonly (readonly [name: string, cleanupPolicy: unknown])[]
  readonly loaded: readonly unknown[]
  readonly committed: unknown
}

/** What this version does with the files. */
export async function resume(files: Files): Promise<Outcome> {
  const world = await World.over(files)
  await append(world, 'loader', 'two', 'commit')
  await world.write('orders', ordersFrom(80, 20))
  await runAll(world, 'now')
  await world.reopen()
  await world.write('orders', ordersFrom(160, 20))
  await runAll(world, 'end')
  const found: Record<string, unknown[]> = {}
  for (const exchange of exchanges)
    for (const output of outputs) {
      const name = `${output}-by-${exchange}`
      found[name] = byKey(await world.read(name))
    }
  const topics = await world.settle(world.port.listTopics({ internal: true }))
  const [committed] = await world.settle(
    world.port.committedOffsets('readers', [{ topic: 'orders', partition: 1 }]),
  )
  return {
    outputs: found,
    topics: topics.map(({ name, partitions }) => `${name} ${partitions}`).toSorted(),
    ownTopics: topics
      .filter(({ config }) => config.app !== undefined)
      .map(({ name, config }) => [name, config.configs?.['cleanup.policy']] as const)
      .toSorted(([one], [other]) => (one < other ? -1 : 1)),
    loaded: (await world.read('loaded')).map(({ value }) => value),
    committed,
  }
}

/** What each key got, in order. The order between two keys depends on how partitions interleave. */
function byKey(
  records: readonly { key: string | null; value: string | null; timestamp: number }[],
): unknown[] {
  return [...Map.groupBy(records, ({ key }) => key ?? '')]
    .map(([key, of]) => [key, of.map(({ value, timestamp }) => [value, timestamp])] as const)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
}

/** Files as the text of a fixture: a line of paths and sizes, then their bytes, compressed. */
export function pack(files: Files): string {
  const sizes = JSON.stringify(Array.from(files, ([path, { length }]) => [path, length]))
  const packed = brotliCompressSync(Buffer.concat([Buffer.from(`${sizes}\n`), ...files.values()]))
  return packed.toString('base64').replaceAll(/.{1,110}/g, '$&\n')
}

export function unpack(packed: string): Files {
  const bytes = brotliDecompressSync(Buffer.from(packed, 'base64'))
  let at = bytes.indexOf('\n') + 1
  const sizes = JSON.parse(bytes.toString('utf8', 0, at)) as [path: string, size: number][]
  return new Map(sizes.map(([path, size]) => [path, bytes.subarray(at, (at += size))]))
}

if (process.argv[1] === import.meta.filename) writeFileSync(process.argv[2]!, pack(await begin()))
