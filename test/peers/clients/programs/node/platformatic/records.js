/** Records: codecs, produce, offsets, consume. */
import { Consumer, Producer, stringSerializers } from '@platformatic/kafka'
import { epochMs, me, newName, outcome, runCase, until } from '../cases.js'
import { admin, base, newTopic, numbered, send, run, close, read, shown } from './client.js'

const ends = async (topic, timestamp) => {
  const consumer = new Consumer({ ...base, groupId: newName() })
  const found = await outcome(() => consumer.listOffsets({ topics: [topic], timestamp }))
  await consumer.close(true)
  return found instanceof Map ? found.get(topic) : found
}

for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'])
  await runCase('codecs', compression, async () => {
    const topic = await newTopic()
    await send(numbered(topic, 20), { compression })
    return read(topic, 20)
  })

await runCase('records', 'null keys, null and empty values', async () => {
  const topic = await newTopic()
  await send([{ value: 'v' }, { key: 'k' }, { key: '', value: '' }].map(each => ({ topic, ...each })))
  return read(topic, 3)
})

await runCase('records', 'headers', async () => {
  const topic = await newTopic()
  await send([{ topic, value: 'v', headers: { a: 'x', grüße: 'y', empty: '' } }])
  return read(topic, 1)
})

await runCase('records', 'one of 900 KB', async () => {
  const topic = await newTopic()
  await send([{ topic, value: 'x'.repeat(900_000) }])
  return read(topic, 1)
})

await runCase('records', 'five thousand', async () => {
  const topic = await newTopic()
  await send(numbered(topic, 5000))
  return (await read(topic, 5000)).length
})

await runCase('produce', 'to several partitions by key', async () => {
  const topic = await newTopic(4)
  // A partition of a new topic may refuse the first try; then this client sends all of a call again.
  for (const partition of [0, 1, 2, 3]) await send([{ topic, partition, value: 'first' }])
  await send(Array.from({ length: 30 }, (_, n) => ({ topic, key: `key ${n}`, value: `${n}` })))
  return (await read(topic, 34)).map(({ partition, value }) => `${value} in ${partition}`).sort()
})

for (const acks of [0, 1, -1])
  await runCase('produce', `acks ${acks}`, async () => {
    const topic = await newTopic()
    const sent = await send(numbered(topic, 2), { acks })
    return [sent ?? null, (await read(topic, 2)).length]
  })

await runCase('produce', 'idempotent', async () => {
  const topic = await newTopic()
  const idempotent = new Producer({ ...base, serializers: stringSerializers, idempotent: true })
  for (let n = 0; n < 5; n += 1) await idempotent.send({ messages: numbered(topic, 10, 10 * n) })
  await idempotent.close()
  return (await read(topic, 50)).length
})

await runCase('produce', 'too large for the topic', async () => {
  const topic = await newTopic(1, { 'max.message.bytes': '500' })
  return send([{ topic, value: 'x'.repeat(1000) }])
})

await runCase('produce', 'too old for the topic', async () =>
  send(numbered(await newTopic(1, { 'message.timestamp.before.max.ms': '1000' }), 1)),
)

await runCase('produce', 'to an unknown topic, and one of an invalid name', async () => [
  await outcome(() => send([{ topic: `${me}-unknown`, value: 'v' }])),
  await outcome(() => send([{ topic: 'a/b', value: 'v' }])),
])

await runCase('offsets', 'earliest, latest and by time', async () => {
  const topic = await newTopic()
  await send(numbered(topic, 10))
  const times = [-2n, -1n, BigInt(epochMs + 4), BigInt(epochMs + 100)]
  return Promise.all(times.map(at => ends(topic, at)))
})

await runCase('offsets', 'of an administrator: largest timestamp, of an empty topic', async () => {
  const [topic, empty] = [await newTopic(), await newTopic()]
  await send(numbered(topic, 10))
  const asked = [topic, empty].map(name => ({ name, partitions: [{ partitionIndex: 0, timestamp: -3n }] }))
  const found = await admin.listOffsets({ topics: asked })
  return asked.map(({ name }) => found.find(each => each.name === name)?.partitions)
})

await runCase('consume', 'from an offset', async () => {
  const topic = await newTopic()
  await send(numbered(topic, 10))
  const offsets = [{ topic, partition: 0, offset: 7n }]
  return read(topic, 3, { mode: 'manual', offsets })
})

await runCase('consume', 'from the end', async () => {
  const topic = await newTopic()
  await send(numbered(topic, 3))
  const running = await run(topic, { mode: 'latest' })
  await until('the end', () => running.stream.offsetsToFetch.size > 0)
  await send(numbered(topic, 2, 3))
  await until('records', () => running.messages.length >= 2)
  await close(running)
  return running.messages.map(shown)
})
