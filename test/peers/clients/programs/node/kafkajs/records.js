/** Records: codecs, produce, offsets, consume. */
import kafkajs from 'kafkajs'
import { epochMs, me, runCase, until } from '../cases.js'
import { kafka, admin, producer, newTopic, numbered, send, run, read, shown } from './client.js'

const { CompressionTypes } = kafkajs

for (const [name, compression] of [
  ['none', CompressionTypes.None],
  ['gzip', CompressionTypes.GZIP],
])
  await runCase('codecs', name, async () => {
    const topic = await newTopic()
    await producer.send({ topic, messages: numbered(20), compression })
    return read(topic, 20)
  })

await runCase('records', 'null keys, null and empty values', async () => {
  const topic = await newTopic()
  await send(topic, [{ value: 'v' }, { key: 'k', value: null }, { key: '', value: '' }])
  return (await read(topic, 3)).map(record => ({ ...record, time: undefined }))
})

await runCase('records', 'headers: text, binary, several of a name', async () => {
  const topic = await newTopic()
  await send(topic, [{ value: 'v', headers: { a: 'x', b: Buffer.from([0, 255]), c: ['1', '2'], grüße: '' } }])
  return read(topic, 1)
})

await runCase('records', 'one of 900 KB', async () => {
  const topic = await newTopic()
  await send(topic, [{ value: 'x'.repeat(900_000) }])
  return read(topic, 1)
})

await runCase('records', 'five thousand', async () => {
  const topic = await newTopic()
  await send(topic, numbered(5000))
  return (await read(topic, 5000)).length
})

await runCase('produce', 'to several partitions by key', async () => {
  const topic = await newTopic(4)
  await producer.send({
    topic,
    messages: Array.from({ length: 30 }, (_, n) => ({ key: `key ${n}`, value: `${n}` })),
  })
  const { consumer, messages } = await run([topic])
  await until('records', () => messages.length >= 30)
  await consumer.disconnect()
  return messages.map(({ partition, value }) => [partition, Number(value)]).sort(([, a], [, b]) => a - b)
})

for (const acks of [0, 1, -1])
  await runCase('produce', `acks ${acks}`, async () => {
    const topic = await newTopic()
    const acknowledged = await send(topic, numbered(2), acks)
    return [acknowledged, (await read(topic, 2)).length]
  })

await runCase('produce', 'idempotent', async () => {
  const topic = await newTopic()
  const idempotent = kafka.producer({ idempotent: true })
  await idempotent.connect()
  for (let n = 0; n < 5; n += 1) await idempotent.send({ topic, messages: numbered(10, 10 * n) })
  await idempotent.disconnect()
  return (await read(topic, 50)).length
})

await runCase('produce', 'a batch to several topics', async () => {
  const topics = [await newTopic(), await newTopic()]
  const sent = await producer.sendBatch({
    topicMessages: topics.map(topic => ({ topic, messages: numbered(2) })),
  })
  return [sent.map(({ errorCode, baseOffset }) => [errorCode, baseOffset]), (await read(topics[1], 2)).length]
})

await runCase('produce', 'too large for the topic', async () => {
  const topic = await newTopic(1, { 'max.message.bytes': '500' })
  return send(topic, [{ value: 'x'.repeat(1000) }])
})

await runCase('produce', 'to a topic of an invalid name', () => send('a/b', numbered(1)))
await runCase('produce', 'too old for the topic', async () => {
  const topic = await newTopic(1, { 'message.timestamp.before.max.ms': '1000' })
  return send(topic, numbered(1))
})

await runCase('offsets', 'of a topic: low, high', async () => {
  const topic = await newTopic(2)
  await send(topic, numbered(5))
  return (await admin.fetchTopicOffsets(topic)).sort((a, b) => a.partition - b.partition)
})

await runCase('offsets', 'by time', async () => {
  const topic = await newTopic()
  await send(topic, numbered(10))
  const found = [epochMs - 1, epochMs + 4, epochMs + 100].map(at =>
    admin.fetchTopicOffsetsByTimestamp(topic, at),
  )
  return Promise.all(found)
})

await runCase('offsets', 'of a topic that does not exist', () => admin.fetchTopicOffsets(`${me}-unknown`))

await runCase('consume', 'seek', async () => {
  const topic = await newTopic()
  await send(topic, numbered(10))
  const { consumer, messages } = await run([topic])
  await until('records', () => messages.length >= 10)
  consumer.seek({ topic, partition: 0, offset: '7' })
  await until('records again', () => messages.length >= 13)
  await consumer.disconnect()
  return messages.slice(10).map(shown)
})

await runCase('consume', 'pause and resume', async () => {
  const topic = await newTopic()
  const { consumer, messages, assigned } = await run([topic])
  await until('assignment', () => assigned.length > 0)
  consumer.pause([{ topic }])
  await send(topic, numbered(1))
  await new Promise(resolve => setTimeout(resolve, 500))
  const paused = messages.length
  consumer.resume([{ topic }])
  await until('records', () => messages.length > 0)
  await consumer.disconnect()
  return paused
})

await runCase('consume', 'read committed', async () => {
  const topic = await newTopic()
  const transactional = kafka.producer({
    transactionalId: `${me}-read`,
    maxInFlightRequests: 1,
    idempotent: true,
  })
  await transactional.connect()
  for (const [n, ends] of ['commit', 'abort', 'commit'].entries()) {
    const transaction = await transactional.transaction()
    await transaction.send({ topic, messages: numbered(2, 10 * n) })
    await (ends === 'commit' ? transaction.commit() : transaction.abort())
  }
  await transactional.disconnect()
  return [await read(topic, 4), (await read(topic, 6, { readUncommitted: true })).length]
})
