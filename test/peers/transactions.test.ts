/**
 * Transactions over TCP are answered as Apache Kafka answers them when the client is late: each scenario runs
 * against both.
 */
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorCodes, type KafkaError } from '../../src/broker/handlers/error-codes.ts'
import {
  nameOf,
  TransactionClient,
  versions1,
  versions2,
  type Versions,
} from '../../src/broker/handlers/transaction-client.test-support.ts'
import { messages } from '../../src/wire/index.ts'
import { type Side, TwoBrokers } from './two-brokers.ts'

/** Lets each transaction begin before it ends, on a busy machine too. */
const timeoutMs = 5000
const readyMsMax = 30_000
const pollMs = 50

/** What a client may do whose transaction was aborted, without knowing it. */
const steps: Readonly<Record<string, (client: TransactionClient) => Promise<unknown>>> = {
  commit: client => client.end(true),
  abort: client => client.end(false),
  produce: client => client.produce('late'),
  add: client => client.add(['t', 0]),
  addOffsets: client => client.addOffsets(),
  commitOffsets: client => client.commit(),
  initHeld: client => client.init(true),
  initAnew: client => client.init(),
  initStale: client => client.as({ producerEpoch: client.producerEpoch - 1 }).init(true),
}

/** Steps that follow each other. */
const sequences: readonly (readonly string[])[] = [
  ['commit', 'commit', 'abort'],
  ['abort', 'abort', 'commit'],
  ['abort', 'add', 'produce', 'commit'],
  ['produce', 'abort', 'add', 'produce', 'commit'],
  ['add', 'commit'],
  ['addOffsets', 'abort'],
  ['commitOffsets', 'abort'],
  ['initHeld', 'commit'],
  ['abort', 'initHeld', 'add', 'produce', 'commit'],
  ['initHeld', 'initStale', 'add', 'initStale'],
  ['initHeld', 'add', 'produce', 'commit', 'initStale'],
  ['initHeld', 'add', 'produce', 'abort', 'initStale'],
  ['initAnew', 'initStale', 'abort', 'initStale', 'add', 'produce', 'commit', 'initStale'],
  ['initAnew', 'abort', 'add', 'produce', 'commit'],
]

describe('late transactions of clients of millrace and of Apache Kafka', () => {
  let brokers: TwoBrokers
  before(async () => {
    // How often Apache Kafka looks for transactions that take too long.
    brokers = await TwoBrokers.start(
      {},
      { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '100' },
    )
  })
  after(() => brokers.stop())

  const versions: readonly (readonly [string, Versions])[] = [
    ['1', versions1],
    ['2', versions2],
  ]
  for (const [name, offered] of versions)
    it(`are answered alike after a time-out, version ${name}`, async () => {
      await brokers.compare(async side => {
        await side.topic('t')
        const late = await Promise.all(
          sequences.map(async sequence => ({
            sequence,
            client: await begun(side, offered, `${name} ${sequence.join(' ')}`),
          })),
        )
        for (const { client } of late) await untilAborted(client)
        for (const { sequence, client } of late)
          for (const [n, step] of sequence.entries()) {
            const epochBefore = client.producerEpoch
            const answer = await answered(() => steps[step]!(client))
            side.note(
              `${sequence.join(' ')}, step ${n}: ${step}`,
              `${String(answer)}, epoch + ${client.producerEpoch - epochBefore}`,
            )
          }
      })
    })
})

/** A client with a record in an open transaction. */
async function begun(side: Side, versions: Versions, transactionalId: string): Promise<TransactionClient> {
  const client = new TransactionClient(await side.connect(), versions, transactionalId)
  await untilDone(async () => {
    const { errorCode } = await client.client.ask(messages.findCoordinator, 3, {
      key: transactionalId,
      keyType: 1,
    })
    return errorCode === errorCodes.NONE ? client.init(false, timeoutMs) : nameOf(errorCode)
  })
  await untilDone(async () => (await client.add(['t', 0]))[0]!)
  await untilDone(() => client.produce('v'))
  client.sequence = 1
  return client
}

/** Waits until the broker has aborted the transaction, markers included. */
async function untilAborted({ client, transactionalId }: TransactionClient): Promise<void> {
  for (let waitedMs = 0; waitedMs < readyMsMax; waitedMs += pollMs) {
    const { transactionStates } = await client.ask(messages.describeTransactions, 0, {
      transactionalIds: [transactionalId],
    })
    if (transactionStates[0]!.transactionState === 'CompleteAbort') return
    await sleep(pollMs)
  }
  throw new Error(`The transaction of ${transactionalId} is open after ${readyMsMax} ms.`)
}

/** Apache Kafka is busy for a moment with the end that it has answered. */
async function answered(step: () => Promise<unknown>): Promise<unknown> {
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    const answer = await step()
    if (!String(answer).includes('CONCURRENT_TRANSACTIONS') || waitedMs >= readyMsMax) return answer
    await sleep(pollMs)
  }
}

/** Apache Kafka makes its coordinator when it is asked for one, and is ready some time later. */
async function untilDone(step: () => Promise<KafkaError>): Promise<void> {
  for (let waitedMs = 0; waitedMs < readyMsMax; waitedMs += pollMs) {
    if ((await step()) === 'NONE') return
    await sleep(pollMs)
  }
  throw new Error(`Not ready after ${readyMsMax} ms.`)
}
