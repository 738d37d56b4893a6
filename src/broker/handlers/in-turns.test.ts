import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { messages } from '../../wire/index.ts'
import { startTestServer } from '../server/server.test-support.ts'
import { errorCodes } from './error-codes.ts'
import { inTurns } from './in-turns.ts'

function context(goneAtTurn = Infinity) {
  const counted = { turns: 0 }
  const clock = {
    ...virtualClock(),
    yield: async () => {
      counted.turns += 1
    },
  }
  return { counted, context: { clock, isGone: () => counted.turns >= goneAtTurn } }
}

test('the answers have the order of the items, and a short list takes one turn', async () => {
  const check = async (count: number, turns: number): Promise<void> => {
    const { counted, context: given } = context()
    const items = Array.from({ length: count }, (_, n) => n)
    deepEqual(await inTurns(new Set(items), given, n => (n % 2 ? n : Promise.resolve(n))), items)
    equal(counted.turns, turns)
  }
  await check(0, 0)
  await check(32, 0)
  await check(33, 1)
  await check(1000, 31)
})

test('a long list ends with its client', async () => {
  const { context: given } = context(2)
  let answered = 0
  const items = Array.from({ length: 1000 }, (_, n) => n)
  await rejects(
    inTurns(items, given, () => (answered += 1)),
    { code: 'CLOSED' },
  )
  equal(answered, 64)
})

test('a request that names much does not keep other clients waiting', async each => {
  const { connect } = await startTestServer(each)
  const [client, other] = [await connect(), await connect()]
  const answered: string[] = []
  const groupsNames = Array.from({ length: 5000 }, (_, n) => `${n}`)
  const deletion = client.ask(messages.deleteGroups, 2, { groupsNames }).then(({ results }) => {
    answered.push('long')
    return results
  })
  await other.ask(messages.findCoordinator, 2, { key: 'g', keyType: 0 })
  answered.push('other')
  const results = await deletion
  deepEqual(answered, ['other', 'long'])
  deepEqual(
    results.map(({ groupId }) => groupId),
    groupsNames,
  )
  equal(results[0]!.errorCode, errorCodes.GROUP_ID_NOT_FOUND)
})
