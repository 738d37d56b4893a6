import { deepEqual, equal, notEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { messages } from '../../wire/index.ts'
import { startTestServer } from '../server/server.test-support.ts'
import { nameOf, TransactionClient, versions1 } from './transaction-client.test-support.ts'

const { initProducerId } = messages
const allVersions = [0, 1, 2, 3, 4, 5]
const heldVersions = [3, 4, 5]

test('an idempotent producer gets its own id, whatever it states', async context => {
  const { connect } = await startTestServer(context)
  const client = await connect()
  const ids = new Set<number>()
  for (const version of allVersions) {
    const request = { transactionalId: null, transactionTimeoutMs: 0 }
    const answer = await client.ask(initProducerId, version, request)
    deepEqual([nameOf(answer.errorCode), answer.producerEpoch], ['NONE', 0])
    ids.add(answer.producerId)
    if (!heldVersions.includes(version)) continue
    const held = await client.ask(initProducerId, version, { ...request, producerId: 5, producerEpoch: 3 })
    deepEqual([nameOf(held.errorCode), held.producerEpoch], ['NONE', 0])
    ids.add(held.producerId)
  }
  equal(ids.size, allVersions.length + heldVersions.length)
})

test('what cannot be registered is refused', async context => {
  const { connect } = await startTestServer(context)
  const client = await connect()
  for (const version of allVersions) {
    const ask = async (transactionalId: string, transactionTimeoutMs: number, held = {}): Promise<string> => {
      const request = { transactionalId, transactionTimeoutMs, ...held }
      const answer = await client.ask(initProducerId, version, request)
      deepEqual([answer.producerId, answer.producerEpoch], [-1, -1])
      return nameOf(answer.errorCode)
    }
    equal(await ask('', 60_000), 'INVALID_REQUEST')
    for (const timeoutMs of [0, -1, 900_001, 0x7fff_ffff])
      equal(await ask('id', timeoutMs), 'INVALID_TRANSACTION_TIMEOUT')
    if (!heldVersions.includes(version)) continue
    equal(await ask('id', 60_000, { producerId: 5 }), 'INVALID_REQUEST')
    equal(await ask('id', 60_000, { producerEpoch: 5 }), 'INVALID_REQUEST')
  }
})

test('a transactional id gets the next epoch, and an earlier producer is fenced', async context => {
  const { connect } = await startTestServer(context)
  const client = await connect()
  for (const init of allVersions) {
    const producer = new TransactionClient(client, { ...versions1, init }, `id ${init}`)
    equal(await producer.init(), 'NONE')
    equal(producer.producerEpoch, 0)
    const earlier = producer.as({})
    equal(await producer.init(), 'NONE')
    deepEqual([producer.producerId, producer.producerEpoch], [earlier.producerId, 1])
    equal(await earlier.end(true), 'PRODUCER_FENCED')
  }
})

test('a producer that states its identity gets the next epoch once (KIP-360)', async context => {
  const { connect } = await startTestServer(context)
  const client = await connect()
  for (const init of heldVersions) {
    const fenced = init < 4 ? 'INVALID_PRODUCER_EPOCH' : 'PRODUCER_FENCED'
    const unknown = new TransactionClient(client, { ...versions1, init }, `id ${init}`).as({
      producerId: 99_999,
      producerEpoch: 7,
    })
    equal(await unknown.init(true), 'NONE')
    equal(unknown.producerEpoch, 0)
    notEqual(unknown.producerId, 99_999)
    const first = unknown.as({})
    for (const _ of ['first', 'again']) {
      const second = first.as({})
      equal(await second.init(true), 'NONE')
      equal(second.producerEpoch, 1)
    }
    equal(await first.as({ producerEpoch: 20 }).init(true), fenced)
    equal(await first.as({ producerId: first.producerId + 1000 }).init(true), fenced)
    const other = first.as({})
    equal(await other.init(), 'NONE')
    equal(other.producerEpoch, 2)
    equal(await first.as({ producerEpoch: 1 }).init(true), fenced)
  }
})
