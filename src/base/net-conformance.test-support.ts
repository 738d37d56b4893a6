/** The conformance suite of {@link Net}: the machine's and the simulated one pass the same cases. */
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { ChunkReader } from './chunk-reader.ts'
import { type Connection, type Listener, type Net } from './net.ts'
import { seededRandom } from './random.ts'

export interface NetUnderTest {
  readonly server: Net
  readonly client: Net
  /** The server's address, as the client reaches it. */
  readonly host: string
  /** Lets time pass. */
  pass(ms: number): Promise<void>
  dispose(): Promise<void>
}

/** Codes of a connection that broke. */
const broken = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT'])

export function isBroken(error: unknown): boolean {
  return broken.has((error as NodeJS.ErrnoException).code ?? '')
}

const readers = new WeakMap<Connection, ChunkReader>()

/** The next bytes of a connection. */
export function read(connection: Connection): Promise<Uint8Array | undefined> {
  const reader = readers.get(connection) ?? new ChunkReader(connection)
  readers.set(connection, reader)
  return reader.read()
}

/** Reads until the peer ends. */
export async function readAll(connection: Connection): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for (let bytes; (bytes = await read(connection));) {
    ok(bytes.length > 0, 'what is read is never empty')
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}

/** A listener, a connection to it, and its other end. */
async function connected({
  server,
  client,
  host,
}: NetUnderTest): Promise<{ listener: Listener; near: Connection; far: Connection }> {
  const accepted = Promise.withResolvers<Connection>()
  const listener = await server.listen({ port: 0 }, accepted.resolve)
  const near = await client.connect({ host, port: listener.address.port })
  return { listener, near, far: await accepted.promise }
}

const cases: Record<string, (under: NetUnderTest) => Promise<void>> = {
  async 'bytes arrive in both directions and in order, however they are cut'(under) {
    const { listener, near, far } = await connected(under)
    const random = seededRandom(7)
    const sent = Buffer.from(random.bytes(120_000))
    const echo = (async () => {
      for (let bytes; (bytes = await read(far));) await far.write([bytes])
      await far.end()
    })()
    const answer = readAll(near)
    for (let at = 0; at < sent.length;) {
      const [a, b, c] = [at, at + random.int(10_000), at + random.int(20_000)].sort((x, y) => x - y)
      await near.write([sent.subarray(a, b), new Uint8Array(0), sent.subarray(b, c)])
      at = c!
    }
    await near.write([])
    await near.end()
    ok(sent.equals(await answer))
    await echo
    equal(await read(near), undefined)
    await listener.close()
  },

  async 'a receiver takes bytes in its own memory, and stops and continues'(under) {
    const { listener, near, far } = await connected(under)
    const sent = Buffer.from(seededRandom(3).bytes(200_000))
    const taken = Buffer.alloc(sent.length)
    const ended = Promise.withResolvers<Error | undefined>()
    const state = { length: 0, calls: 0, inPlace: 0, isStopped: false }
    far.receive({
      space: () => (state.length < taken.length ? taken.subarray(state.length) : undefined),
      received(bytes) {
        ok(!state.isStopped, 'nothing comes while it is stopped')
        ok(bytes.length > 0)
        if (bytes.buffer === taken.buffer) state.inPlace += bytes.length
        else taken.set(bytes, state.length)
        state.length += bytes.length
        state.calls += 1
        state.isStopped = state.calls % 2 === 0
        if (state.isStopped)
          void under.pass(1).then(() => {
            state.isStopped = false
            far.resume()
          })
        return !state.isStopped
      },
      ended: ended.resolve,
    })
    for (let at = 0; at < sent.length; at += 5000) await near.write([sent.subarray(at, at + 5000)])
    await near.end()
    equal(await ended.promise, undefined)
    ok(taken.equals(sent))
    ok(state.inPlace > 0, 'some came where they were wanted')
    near.destroy()
    far.destroy()
    await listener.close()
  },

  async 'a side that has ended its writing can still read'(under) {
    const { listener, near, far } = await connected(under)
    const asked = [near.write([Buffer.from('question')]), near.end()]
    equal((await readAll(far)).toString(), 'question')
    await Promise.all(asked)
    await rejects(near.write([Buffer.from('more')]), { code: 'EPIPE' })
    const answered = [far.write([Buffer.from('answer')]), far.end()]
    equal((await readAll(near)).toString(), 'answer')
    await Promise.all(answered)
    equal(await read(near), undefined, 'every read after the end is the end')
    await listener.close()
  },

  async 'a writer waits for a reader that does not read'(under) {
    const { listener, near, far } = await connected(under)
    const block = Buffer.alloc(64 * 1024, 1)
    let written = 0
    let waits = false
    while (!waits) {
      ok(written < 64 << 20, 'there is a bound')
      const writing = near.write([block])
      written += block.length
      waits = await Promise.race([writing.then(() => false), under.pass(200).then(() => true)])
      if (!waits) continue
      let bytes = 0
      while (bytes < written) bytes += (await read(far))!.length
      equal(bytes, written)
      await writing
    }
    near.destroy()
    far.destroy()
    await listener.close()
  },

  async 'a port is taken until it is given back; connections outlive their listener'(under) {
    const { listener, near, far } = await connected(under)
    const { port } = listener.address
    ok(port > 0)
    await rejects(
      under.server.listen({ port }, () => {}),
      { code: 'EADDRINUSE' },
    )
    await listener.close()
    await rejects(under.client.connect({ host: under.host, port }), { code: 'ECONNREFUSED' })
    const said = [near.write([Buffer.from('still there')]), near.end()]
    equal((await readAll(far)).toString(), 'still there')
    await Promise.all([...said, far.end()])
    const again = await under.server.listen({ port }, () => {})
    equal(again.address.port, port)
    await again.close()
  },

  async 'each side knows the other'(under) {
    const { listener, near, far } = await connected(under)
    deepEqual(near.remote, { host: under.host, port: listener.address.port })
    ok(far.remote.host !== '' && far.remote.port > 0)
    deepEqual(far.local, near.remote, 'a server knows the address by which its client came in')
    deepEqual(near.local, far.remote)
    near.destroy()
    far.destroy()
    await listener.close()
  },

  async 'a destroyed connection ends at once on this side, and soon on the other'(under) {
    const { listener, near, far } = await connected(under)
    const waiting = read(near)
    near.destroy()
    near.destroy()
    const aborted = { code: 'ECONNABORTED' }
    await rejects(waiting, aborted)
    await rejects(read(near), aborted)
    await rejects(near.write([Buffer.from('x')]), aborted)
    await rejects(near.end(), aborted)
    // An end or an error: both are possible.
    equal(await read(far).catch(error => (isBroken(error) ? undefined : error)), undefined)
    const writing = async (): Promise<void> => {
      for (;;) {
        await far.write([Buffer.from('is anybody there?')])
        await under.pass(10)
      }
    }
    await rejects(writing(), isBroken)
    await listener.close()
  },

  async 'a writer learns when its buffers have left, and may then change them'(under) {
    const { listener, near, far } = await connected(under)
    const block = Buffer.alloc(300_000, 7)
    const left = Promise.withResolvers<void>()
    const writing = near.write([block.subarray(0, 10), block.subarray(10)], () => {
      block.fill(0)
      left.resolve()
    })
    let length = 0
    while (length < block.length) {
      const bytes = (await read(far))!
      ok(bytes.every(byte => byte === 7))
      length += bytes.length
    }
    await writing
    await Promise.race([left.promise, under.pass(1000)])
    equal(block[0], 0)
    const none = Promise.withResolvers<void>()
    await near.write([new Uint8Array(0)], none.resolve)
    await none.promise
    near.destroy()
    const gone = Promise.withResolvers<void>()
    await rejects(near.write([block], gone.resolve), { code: 'ECONNABORTED' })
    await gone.promise
    far.destroy()
    await listener.close()
  },

  async 'buffers of a connection that breaks count as sent'(under) {
    const { listener, near, far } = await connected(under)
    const sent = Promise.withResolvers<void>()
    const rejected = rejects(near.write([Buffer.alloc(32 << 20)], sent.resolve), isBroken)
    await under.pass(50)
    far.destroy()
    await rejected
    await sent.promise
    near.destroy()
    await listener.close()
  },

  async 'a pending write is rejected when the connection breaks'(under) {
    const { listener, near, far } = await connected(under)
    const writing = (async () => {
      for (;;) await near.write([Buffer.alloc(64 * 1024)])
    })()
    const rejected = rejects(writing, isBroken)
    await under.pass(50)
    far.destroy()
    await rejected
    await listener.close()
  },

  async 'allows one read at a time'(under) {
    const { listener, near, far } = await connected(under)
    const first = read(near)
    await rejects(read(near), TypeError)
    await far.write([Buffer.from('a')])
    equal(Buffer.from((await first)!).toString(), 'a')
    near.destroy()
    far.destroy()
    await listener.close()
  },

  async 'an attempt to connect can be given up'(under) {
    const { listener, near, far } = await connected(under)
    const reason = new Error('changed my mind')
    const address = { host: under.host, port: listener.address.port }
    await rejects(under.client.connect(address, { signal: AbortSignal.abort(reason) }), reason)
    const controller = new AbortController()
    const attempt = under.client.connect(address, { signal: controller.signal })
    controller.abort(reason)
    await rejects(attempt, reason)
    near.destroy()
    far.destroy()
    await listener.close()
  },
}

/** The cases, for any test runner. */
export function netConformance(
  make: () => Promise<NetUnderTest>,
): { readonly name: string; readonly run: () => Promise<void> }[] {
  return Object.entries(cases).map(([name, run]) => ({
    name,
    run: async () => {
      const under = await make()
      try {
        await run(under)
      } finally {
        await under.dispose()
      }
    },
  }))
}
