import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryNet } from '../../../test/broker/fuzz/memory-net.ts'
import { seededRandom, type Clock } from '../../base/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { messages, readResponse, requestFrame } from '../../wire/index.ts'
import { InProcessLog } from '../in-process.ts'

test('after a stall of the event loop, sockets are read before a connection is expired', async () => {
  const virtual = virtualClock()
  const random = seededRandom(1)
  // What the sockets hold is read in the next turn of the event loop, and not before timers fire.
  const inSockets: (() => void)[] = []
  const clock: Clock = {
    ...virtual,
    yield: async () => {
      for (const arrive of inSockets.splice(0)) arrive()
      await virtual.yield()
    },
  }
  const log = await InProcessLog.open('/data', {
    disk: new SimulatedDisk({ random }),
    clock: virtual,
    random,
  })
  const net = new MemoryNet()
  const server = await log.listen({ net, clock, address: { port: 9092 }, limits: { idleMsMax: 1000 } })
  const [busy, idle] = [net.open(), net.open()]
  await virtual.advance(600)
  inSockets.push(() => busy.send(requestFrame(messages.apiVersions, 0, 1, null, {}), false))
  virtual.block(60_000)
  // A stall counts as half a second: both have waited too long when the timer fires.
  await virtual.advance(1000)
  equal(readResponse(messages.apiVersions, 0, Buffer.concat(busy.written).subarray(4)).errorCode, 0)
  equal(busy.isOver, false)
  equal(idle.isOver, true)
  equal(server.connections, 1)
  await log.close()
})
