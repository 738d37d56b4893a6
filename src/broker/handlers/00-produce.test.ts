import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { BatchBuilder, messages } from '../../wire/index.ts'
import { everyVersion } from '../server/raw-client.test-support.ts'
import { startTestServer } from '../server/server.test-support.ts'
import { errorCodes } from './error-codes.ts'

const { produce } = messages

test('Produce: the records for which a batch was refused, in every version', async context => {
  const { connect, log } = await startTestServer(context)
  await log.createTopic('latest', { configs: { 'cleanup.policy': 'compact' } })
  const { id } = (await log.describeTopic('latest'))!
  const client = await connect()
  const batch = new BatchBuilder()
  for (const key of ['a', null, 'b', null]) batch.append(1_700_000_000_000, key, 'v')
  const records = batch.build()
  for (const version of everyVersion(produce)) {
    const topicData = [{ name: 'latest', topicId: id, partitionData: [{ index: 0, records }] }]
    const { responses } = await client.ask(produce, version, { acks: -1, timeoutMs: 1000, topicData })
    const [answer] = responses[0]!.partitionResponses
    equal(answer!.errorCode, errorCodes.INVALID_RECORD)
    deepEqual(
      answer!.recordErrors.map(({ batchIndex }) => batchIndex),
      version >= 8 ? [1, 3] : [],
    )
  }
})
