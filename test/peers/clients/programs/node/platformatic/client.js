/** The client, and what the cases of @platformatic/kafka share. */
import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { bootstrap, epochMs, newName, outcome, settle as settleBy, until } from '../cases.js'

export const base = { clientId: 'platformatic', bootstrapBrokers: [bootstrap], retries: 3, retryDelay: 100 }
export const admin = new Admin(base)
export const producer = new Producer({ ...base, serializers: stringSerializers })

export async function newTopic(partitions = 1, configs = {}) {
  const topic = newName()
  const entries = Object.entries(configs).map(([name, value]) => ({ name, value }))
  await admin.createTopics({ topics: [topic], partitions, replicas: 1, configs: entries })
  await isServed(topic, partitions)
  return topic
}

/** Waits for the partitions of a topic: Kafka's broker learns of it after its controller has answered. */
function isServed(name, count) {
  const asked = Array.from({ length: count }, (_, partitionIndex) => ({ partitionIndex, timestamp: -2n }))
  return until('partitions', async () => {
    const found = await outcome(() => admin.listOffsets({ topics: [{ name, partitions: asked }] }))
    return Array.isArray(found) && found[0]?.partitions.length === count
  })
}

export const settle = () => settleBy(newTopic)

export function numbered(topic, count, begin = 0) {
  return Array.from({ length: count }, (_, n) => ({
    topic,
    partition: 0,
    key: `key ${begin + n}`,
    value: `value ${begin + n}`,
    timestamp: BigInt(epochMs + begin + n),
  }))
}

export async function send(messages, options = {}) {
  const { offsets } = await producer.send({ messages, acks: -1, ...options })
  return offsets?.map(({ partition, offset }) => [partition, offset])
}

/** A member that reads, with what it got so far. */
export async function run(topic, options = {}) {
  const consumer = new Consumer({
    ...base,
    groupId: newName(),
    deserializers: stringDeserializers,
    maxWaitTime: 100,
    sessionTimeout: 10_000,
    heartbeatInterval: 200,
    ...options,
  })
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false, ...options })
  const messages = []
  stream.on('data', message => messages.push(message))
  stream.on('error', () => {})
  return { consumer, stream, messages }
}

export async function close({ consumer, stream }) {
  await stream.close()
  await consumer.close(true)
}

export async function read(topic, count, options = {}) {
  const running = await run(topic, options)
  await until('records', () => running.messages.length >= count)
  await close(running)
  return running.messages.map(shown)
}

export function shown({ key, value, partition, offset, timestamp, headers }) {
  const short = text => (text?.length > 100 ? text.length : (text ?? null))
  const time = Number(timestamp) < epochMs + 1e6 ? timestamp : 'now'
  return { partition, offset, key: short(key), value: short(value), time, headers: [...headers] }
}
