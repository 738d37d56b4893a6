/** The client, and what the cases of kafkajs share. */
import kafkajs from 'kafkajs'
import { bootstrap, epochMs, newName, outcome, settle as settleBy, until } from '../cases.js'

const { Kafka, logLevel } = kafkajs
export const kafka = new Kafka({
  brokers: [bootstrap],
  clientId: 'kafkajs',
  logLevel: logLevel.NOTHING,
  retry: { retries: 3, initialRetryTime: 100 },
})
export const admin = kafka.admin()
export const producer = kafka.producer()
await Promise.all([admin.connect(), producer.connect()])

export async function newTopic(numPartitions = 1, configs = {}) {
  const topic = newName()
  const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
  await admin.createTopics({ topics: [{ topic, numPartitions, configEntries }], waitForLeaders: false })
  await isServed(topic, numPartitions)
  return topic
}

/** Waits for the partitions of a topic: Kafka's broker learns of it after its controller has answered. */
const isServed = (topic, partitions) =>
  until('partitions', async () => (await outcome(() => admin.fetchTopicOffsets(topic))).length === partitions)

export const settle = () => settleBy(newTopic)

export function numbered(count, begin = 0) {
  return Array.from({ length: count }, (_, n) => ({
    key: `key ${begin + n}`,
    value: `value ${begin + n}`,
    partition: 0,
    timestamp: String(epochMs + begin + n),
  }))
}

/** Partition, offset and error code of what was acknowledged. */
export const send = async (topic, messages, acks = -1) =>
  (await producer.send({ topic, messages, acks })).map(({ partition, baseOffset, errorCode }) => [
    partition,
    baseOffset,
    errorCode,
  ])

/** Starts a member, which reads from the beginning. */
export async function run(topics, config = {}, autoCommit = true) {
  const consumer = kafka.consumer({
    groupId: newName(),
    maxWaitTimeInMs: 100,
    heartbeatInterval: 200,
    sessionTimeout: 10_000,
    ...config,
  })
  const messages = []
  const assigned = []
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => assigned.push(payload.memberAssignment))
  await consumer.connect()
  await consumer.subscribe({ topics, fromBeginning: true })
  await consumer.run({
    autoCommit,
    autoCommitThreshold: 1,
    eachMessage: async ({ partition, message }) => void messages.push({ ...message, partition }),
  })
  return { consumer, messages, assigned }
}

/** The first records of a topic, as a new group gets them. */
export async function read(topic, count, config = {}) {
  const { consumer, messages } = await run([topic], config)
  await until('records', () => messages.length >= count)
  await consumer.disconnect()
  return messages.map(shown)
}

export function shown({ offset, key, value, headers, timestamp }) {
  const textOf = bytes =>
    bytes ? (bytes.length < 100 ? bytes.toString('latin1') : bytes.length) : (bytes ?? null)
  return {
    offset,
    key: textOf(key),
    value: textOf(value),
    time: Number(timestamp) < epochMs + 1e6 ? timestamp : 'now',
    headers: Object.entries(headers ?? {}).map(([name, found]) => [
      name,
      [found].flat().map(each => textOf(each)),
    ]),
  }
}

export const partitionsOf = (running, topic) =>
  running.map(({ assigned }) => assigned.at(-1)?.[topic] ?? []).sort((a, b) => (a[0] ?? -1) - (b[0] ?? -1))
