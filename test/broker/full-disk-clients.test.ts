/** A full disk, as clients of Kafka's protocol see it: writes may be repeated, reads continue. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../src/base/index.ts'
import { errorCodes } from '../../src/broker/handlers/error-codes.ts'
import { batchOf } from '../../src/broker/server/server.test-support.ts'
import { startSimulatedServer } from '../../src/broker/server/simulated-server.test-support.ts'
import { SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { messages, readBatches, type RequestInput } from '../../src/wire/index.ts'
import { fillableDisk } from '../full-disk.ts'

const { fetch, metadata, offsetCommit, produce } = messages

function produceTo(topic: string, value: string, acks = -1): RequestInput<typeof produce> {
  return {
    acks,
    timeoutMs: 1000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records: batchOf([value]) }] }],
  }
}

test('with a full disk a produce is told to try again, and fetches continue', async context => {
  const disk = fillableDisk(new SimulatedDisk({ random: seededRandom(1) }))
  const { connect, errors, port, server, until } = await startSimulatedServer(context, { disk })
  for (const topic of ['full', 'free']) await until(port.createTopic(topic, { partitions: 1 }))
  const client = await connect()
  const write = async (topic: string, value: string): Promise<number> => {
    const { responses } = await until(client.ask(produce, 9, produceTo(topic, value)))
    return responses[0]!.partitionResponses[0]!.errorCode
  }
  const read = async (topic: string): Promise<number> => {
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }]
    const answer = await until(
      client.ask(fetch, 12, { maxWaitMs: 100, minBytes: 1, topics: [{ topic, partitions }] }),
    )
    const [partition] = answer.responses[0]!.partitions
    equal(partition!.errorCode, errorCodes.NONE)
    return readBatches(partition!.records!).length
  }
  const commit = async (): Promise<number> => {
    const { topics } = await until(
      client.ask(offsetCommit, 8, {
        groupId: 'billing',
        memberId: '',
        topics: [
          { name: 'full', partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }] },
        ],
      }),
    )
    return topics[0]!.partitions[0]!.errorCode
  }
  equal(await write('full', 'before'), errorCodes.NONE)

  disk.fill(path => path.startsWith('/data/full-0/') || path.startsWith('/data/__consumer_offsets-'))
  for (let n = 0; n < 3; n += 1) {
    equal(await write('full', 'lost'), errorCodes.KAFKA_STORAGE_ERROR)
    equal(await write('free', 'kept'), errorCodes.NONE)
    equal(await read('full'), 1)
    // Kafka's clients try this one again.
    equal(await commit(), errorCodes.COORDINATOR_NOT_AVAILABLE)
  }
  const unacknowledged = await connect()
  await unacknowledged.send(produce, 9, produceTo('full', 'lost', 0))
  equal(await until(unacknowledged.frame()), undefined)
  const { topics } = await until(client.ask(metadata, 9, { topics: null }))
  ok(topics.length >= 2)

  disk.free()
  equal(await write('full', 'after'), errorCodes.NONE)
  equal(await commit(), errorCodes.NONE)
  equal(await read('full'), 2)
  equal(await read('free'), 3)
  deepEqual(errors, [])
  client.close()
  equal(server.lentBytes, 0)
})
