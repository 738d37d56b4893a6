/** Tools that delete groups and offsets: what they may not touch. */
import { equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../../test/is-code.ts'
import { SimulatedLog } from '../simulated-log.test-support.ts'

const hooks = { onAssigned() {}, onRevoked() {}, onLost() {} }

test('the group of an app is deleted with the app alone', async () => {
  const log = new SimulatedLog()
  const port = await log.open()
  await port.createTopic('t', { partitions: 1 })
  await port.createTopic('app-state-changelog', { partitions: 1, app: 'app' })
  const offset = { topic: 't', partition: 0, offset: 1 }
  await port.commitOffsets({ group: 'app', offsets: [offset] })
  await rejects(port.admin.deleteGroup('app'), isCode('INVALID_ARGUMENT', /deleteApp\('app'\)/))
  await rejects(port.admin.deleteOffsets('app', [offset]), isCode('INVALID_ARGUMENT', /deleteApp\('app'\)/))
  await port.deleteApp('app')
  await rejects(port.admin.deleteGroup('app'), isCode('UNKNOWN_GROUP', /'app'/))
  await log.close()
})

test('offsets of a topic that members read stay, whatever they share it by', async () => {
  const log = new SimulatedLog()
  const port = await log.open()
  await port.createTopic('t', { partitions: 1 })
  for (const protocol of ['consumer', 'streams'] as const) {
    const member = await port.joinGroup({ group: protocol, protocol, topics: [['t']], ...hooks })
    await member.commit([{ topic: 't', partition: 0, offset: 1 }])
    const deleting = port.admin.deleteOffsets(protocol, [{ topic: 't', partition: 0 }])
    await rejects(deleting, isCode('GROUP_SUBSCRIBED_TO_TOPIC', /'t'/))
    await member.leave()
    await port.admin.deleteOffsets(protocol, [{ topic: 't', partition: 0 }])
  }
  equal((await port.listGroups()).length, 0)
  await log.close()
})
