import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { forSeeds } from '../../../test/for-seeds.ts'
import { FrameMemory } from './frame-memory.ts'
import { FrameReader, type FrameWait } from './frame-reader.ts'

const kibibyte = 1024
const landingBytes = 16 * kibibyte

function frameOf(content: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(content.length)
  return Buffer.concat([size, content])
}

/** A reader, and a peer whose bytes go where the reader wants them, or elsewhere: it says. */
function connect(lentBytesMax = Infinity) {
  const memory = new FrameMemory(lentBytesMax, 0)
  const state = { isWanted: true, waiting: 'request' as FrameWait, isGone: false }
  const reader = new FrameReader({
    resume: () => (state.isWanted = true),
    waiting: what => (state.waiting = what),
    gone: () => (state.isGone = true),
    memory,
    frameBytesMax: 1024 * kibibyte,
  })
  /** Sends the beginning of some bytes, as far as there is space; returns the others. */
  const send = (bytes: Buffer, isInPlace: boolean): Buffer => {
    ok(state.isWanted)
    const space = isInPlace ? reader.space() : undefined
    const part = Buffer.from(bytes.subarray(0, space?.length ?? landingBytes))
    if (space) part.copy(space)
    state.isWanted = reader.received(space?.subarray(0, part.length) ?? part)
    // The memory of a connection has other bytes after the call.
    part.fill(0xdb)
    return bytes.subarray(part.length)
  }
  return { memory, state, reader, send }
}

test('frames come whole and in order, however they are cut, and their memory comes back', () =>
  forSeeds(300, async random => {
    const { memory, state, reader, send } = connect(random.int(2) === 0 ? Infinity : 300 * kibibyte)
    const contents = Array.from({ length: 1 + random.int(20) }, () =>
      Buffer.from(random.bytes(8 + random.int([20, 2 * kibibyte, 300 * kibibyte][random.int(3)]!))),
    )
    let left = Buffer.concat(contents.map(frameOf))
    const peer = (async () => {
      while (left.length > 0) {
        if (state.isWanted) {
          const length = 1 + random.int([10, 16 * kibibyte, 500 * kibibyte][random.int(3)]!)
          const piece = left.subarray(0, length)
          const rest = send(piece, random.int(3) > 0)
          left = left.subarray(piece.length - rest.length)
        }
        if (random.int(2) === 0) await setImmediate()
        else await Promise.resolve()
      }
      reader.ended(undefined)
    })()
    const received: Buffer[] = []
    for (let frame; (frame = await reader.next());) {
      for (let turns = random.int(4); turns > 0; turns -= 1) await setImmediate()
      received.push(Buffer.from(frame.bytes))
      if (frame.lent) memory.giveBack(frame.lent)
      reader.handled()
    }
    await peer
    equal(received.length, contents.length)
    for (const [n, content] of contents.entries()) ok(content.equals(received[n]!), `frame ${n}`)
    equal(memory.lentBytes, 0)
    ok(state.isGone)
    equal(await reader.next(), undefined)
  }))

test('a large frame is received in its own memory, but for its first bytes', async () => {
  const { reader, send } = connect()
  const frame = frameOf(Buffer.alloc(100 * kibibyte, 7))
  const asked = reader.next()
  equal(reader.space(), undefined)
  const rest = send(frame.subarray(0, 10), true)
  equal(rest.length, 0)
  const space = reader.space()!
  equal(space.length, 100 * kibibyte - 6)
  send(frame.subarray(10), true)
  const { lent } = (await asked)!
  equal(lent!.buffer, space.buffer)
})

test('while a frame is handled one more is gathered, in 128 KiB at the most', async () => {
  const { memory, state, reader, send } = connect()
  const [small, large] = [frameOf(Buffer.alloc(50)), frameOf(Buffer.alloc(900 * kibibyte))]
  const asked = reader.next()
  send(Buffer.concat([small, small, small]), false)
  ok(state.isWanted, 'the end of the peer is looked for')
  equal((await asked)!.bytes.length, 50)
  reader.handled()
  await reader.next()
  reader.handled()
  await reader.next()
  ok(state.isWanted)
  for (let left = large; state.isWanted;) left = send(left, true)
  equal(memory.lentBytes, 128 * kibibyte)
  reader.handled()
  void reader.next()
  ok(state.isWanted, 'now it may be large')
  reader.abandon()
  equal(memory.lentBytes, 0)
})

test('the end of the peer is noticed behind 64 KiB of frames that wait', async () => {
  const { memory, state, reader, send } = connect()
  const asked = reader.next()
  const frame = frameOf(Buffer.alloc(1000))
  send(frame, false)
  await asked
  let sent = 0
  for (; state.isWanted; sent += frame.length) send(frame, false)
  ok(sent >= 64 * kibibyte && sent < 66 * kibibyte, `${sent} bytes`)
  reader.handled()
  for (let n = 0; n < sent / frame.length; n += 1) {
    equal((await reader.next())!.bytes.length, 1000)
    reader.handled()
  }
  ok(state.isWanted)
  reader.ended(undefined)
  equal(await reader.next(), undefined)
  equal(memory.lentBytes, 0)
})

test('while a frame is handled the next one does not wait for memory before others', async () => {
  const { memory, state, reader, send } = connect(64 * kibibyte)
  const asked = reader.next()
  send(frameOf(Buffer.alloc(50)), false)
  await asked
  const others = memory.lend(64 * kibibyte)
  send(frameOf(Buffer.alloc(900 * kibibyte)).subarray(0, 100), false)
  ok(!state.isWanted)
  // Another connection may pass the bound.
  equal(memory.room({}), undefined)
  reader.handled()
  const next = reader.next()
  equal(state.waiting, 'memory')
  memory.giveBack(others)
  await setImmediate()
  ok(state.isWanted)
  equal(state.waiting, 'rest of a request')
  reader.abandon()
  equal(await next, undefined)
})

test('says what it waits for', () => {
  const { state, reader, send } = connect()
  void reader.next()
  const frame = frameOf(Buffer.alloc(50))
  const seen: FrameWait[] = []
  for (const [from, to] of [
    [0, 2],
    [2, 30],
    [30, 54],
  ]) {
    send(frame.subarray(from, to), false)
    seen.push(state.waiting)
  }
  deepEqual(seen, ['rest of a request', 'rest of a request', 'request'])
})

test('bytes that are not a frame end the connection behind a frame that is handled', async () => {
  const { state, reader, send } = connect()
  const asked = reader.next()
  send(Buffer.concat([frameOf(Buffer.alloc(50)), Buffer.alloc(8)]), false)
  equal((await asked)!.bytes.length, 50)
  ok(state.isGone)
  reader.handled()
  await rejects(reader.next(), { code: 'INVALID_REQUEST' })
})

test('a broken connection rejects, and so do bytes that are not a frame', async () => {
  const broken = connect()
  const waiting = broken.reader.next()
  broken.reader.ended(new Error('reset'))
  await rejects(waiting, /reset/)
  const tooLarge = connect()
  const asked = tooLarge.reader.next()
  tooLarge.send(Buffer.from([0x7f, 0xff, 0xff, 0xff]), false)
  ok(!tooLarge.state.isWanted)
  await rejects(asked, { code: 'INVALID_REQUEST', message: /socket\.request\.max\.bytes/ })
  equal(tooLarge.memory.lentBytes, 0)
})
