import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../test/for-seeds.ts'
import { type Connection, type Random, seededRandom } from '../base/index.ts'
import { isBroken, netConformance, read, readAll } from '../base/net-conformance.test-support.ts'
import { SimulatedNet, type SimulatedNetOptions } from './simulated-net.ts'
import { type VirtualClock, virtualClock } from './virtual-clock.ts'

interface World {
  readonly clock: VirtualClock
  readonly net: SimulatedNet
  readonly stop: () => Promise<void>
}

/** A network whose time continues by itself. */
function world(options: Omit<SimulatedNetOptions, 'clock'> = {}): World {
  const clock = virtualClock()
  const stopping = new AbortController()
  const ticking = (async () => {
    while (!stopping.signal.aborted) await clock.advance(1)
  })()
  const stop = (): Promise<void> => {
    stopping.abort()
    return ticking
  }
  return { clock, net: new SimulatedNet({ clock, ...options }), stop }
}

for (const windowBytes of [1, 64 * 1024]) {
  const make = async () => {
    const { clock, net, stop } = world({ windowBytes })
    return {
      server: net.host('server'),
      client: net.host('client'),
      host: 'server',
      pass: (ms: number) => clock.sleep(ms),
      dispose: stop,
    }
  }
  for (const { name, run } of netConformance(make)) test(`window of ${windowBytes}: ${name}`, run)
}

/**
 * Sends numbers of four bytes from a client to a server that checks them. Returns what arrived until the end
 * or the error.
 */
async function numbersThrough(
  random: Random,
  fault: (net: SimulatedNet) => void,
): Promise<{ sent: number; arrived: number[]; ended: 'end' | 'error'; elapsed: number }> {
  const { clock, net, stop } = world({ random, windowBytes: 256, cutChance: 0.002 })
  const accepted = Promise.withResolvers<Connection>()
  await net.host('server').listen({ port: 9092 }, accepted.resolve)
  const near = await net.host('client').connect({ host: 'server', port: 9092 })
  const far = await accepted.promise
  clock.schedule(random.next() * 150, () => fault(net))

  const writing = (async () => {
    let sent = 0
    try {
      for (; sent < 2000; sent += 1) {
        const bytes = Buffer.alloc(4)
        bytes.writeUInt32BE(sent)
        await near.write([bytes])
      }
      await near.end()
    } catch (error) {
      ok(isBroken(error) || (error as NodeJS.ErrnoException).code === 'ECONNABORTED', String(error))
    }
    return sent
  })()
  const chunks: Uint8Array[] = []
  let ended: 'end' | 'error' = 'end'
  try {
    for (let bytes; (bytes = await read(far));) chunks.push(bytes)
  } catch {
    ended = 'error'
  }
  far.destroy()
  const sent = await writing
  near.destroy()
  const elapsed = clock.monotonic()
  await stop()
  const all = Buffer.concat(chunks)
  const arrived = Array.from({ length: Math.floor(all.length / 4) }, (_, n) => all.readUInt32BE(n * 4))
  return { sent, arrived, ended, elapsed }
}

test('the received bytes are a prefix of the sent ones, whatever breaks; each kind of end occurs', () => {
  const faults: [string, (net: SimulatedNet) => void][] = [
    ['nothing', () => {}],
    ['cut', net => net.cut('server')],
    ['client killed', net => net.kill('client')],
    ['server killed', net => net.kill('server')],
  ]
  const kinds = [
    'nothing: whole, end',
    'nothing: part, error',
    'cut: part, error',
    'client killed: part, end',
    'client killed: part, error',
    'server killed: part, error',
  ]
  return forSeeds(
    1000,
    async (random, seed) => {
      const [name, fault] = faults[seed % faults.length]!
      const { sent, arrived, ended } = await numbersThrough(random, fault)
      deepEqual(
        arrived,
        arrived.map((_, index) => index),
      )
      ok(arrived.length <= sent + 1)
      const whole = arrived.length === 2000
      if (name === 'nothing' && ended === 'end') ok(whole, 'its own end comes last')
      return `${name}: ${whole ? 'whole' : 'part'}, ${ended}`
    },
    found =>
      deepEqual(
        kinds.filter(kind => !found.includes(kind)),
        [],
      ),
  )
})

test('a run repeats from its seed', async () => {
  const run = () => numbersThrough(seededRandom(11), net => net.cut('client'))
  deepEqual(await run(), await run())
})

test('connections overtake each other', async () => {
  const { clock, net, stop } = world()
  const order: string[] = []
  await net.host('server').listen({ port: 1 }, connection => {
    void readAll(connection).then(bytes => order.push(bytes.toString()))
  })
  const client = net.host('client')
  for (let n = 0; n < 10; n += 1) {
    const connection = await client.connect({ host: 'server', port: 1 })
    void connection.write([Buffer.from(String(n))])
    void connection.end()
  }
  await clock.sleep(1000)
  equal(order.length, 10)
  ok(order.join('') !== '0123456789')
  await stop()
})

test('on a blocked way connecting times out, and sent bytes wait', async () => {
  const { clock, net, stop } = world()
  const accepted = Promise.withResolvers<Connection>()
  await net.host('server').listen({ port: 1 }, accepted.resolve)
  const client = net.host('client')
  const near = await client.connect({ host: 'server', port: 1 })
  const far = await accepted.promise

  net.block('client', 'server')
  const begun = clock.monotonic()
  await rejects(client.connect({ host: 'server', port: 1 }, { timeoutMs: 500 }), { code: 'ETIMEDOUT' })
  equal(Math.round(clock.monotonic() - begun), 500)
  await near.write([Buffer.from('late')])
  await far.write([Buffer.from('other way')])
  equal(Buffer.from((await read(near))!).length > 0, true)
  const reading = read(far)
  net.unblock('client', 'server')
  ok(((await reading)?.length ?? 0) > 0)
  await stop()
})

test('a killed host frees its ports, drops its connections, and can be replaced', async () => {
  const { net, stop } = world()
  const before = net.host('server')
  await before.listen({ port: 1 }, () => {})
  const near = await net.host('client').connect({ host: 'server', port: 1 })
  net.kill('server')
  await rejects(
    before.listen({ port: 2 }, () => {}),
    { code: 'ENETDOWN' },
  )
  await rejects(before.connect({ host: 'client', port: 1 }), { code: 'ENETDOWN' })
  await rejects(net.host('client').connect({ host: 'server', port: 1 }), { code: 'ECONNREFUSED' })
  equal(await read(near).catch(error => (isBroken(error) ? undefined : error)), undefined)
  const after = await net.host('server').listen({ port: 1 }, () => {})
  await net.host('client').connect({ host: 'server', port: 1 })
  await after.close()
  await stop()
})
