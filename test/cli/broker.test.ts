/** `millrace broker`, as a child process: its life, its signals, and what it leaves. */
import assert from 'node:assert/strict'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { nodeNet } from '../../src/base/index.ts'
import { RawClient } from '../../src/broker/server/raw-client.test-support.ts'
import { batchOf } from '../../src/broker/server/server.test-support.ts'
import { messages } from '../../src/wire/index.ts'
import { assertRefused, temporaryFolder, type Running } from './millrace.ts'

const { fetch, metadata, produce } = messages

async function connectTo(running: Running): Promise<{ client: RawClient; port: number }> {
  let out = ''
  running.process.stdout!.on('data', (text: string) => (out += text))
  await running.printed(/^listening on \S+\n/m)
  const [, host = '', port = ''] = /^listening on \[?([^\]\n]+)\]?:(\d+)\n/m.exec(out) ?? []
  const client = await RawClient.connect(nodeNet, { host, port: Number(port) })
  return { client, port: Number(port) }
}

async function send(client: RawClient, topic: string, value: string): Promise<number> {
  const { responses } = await client.ask(produce, 9, {
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records: batchOf([value]) }] }],
  })
  return responses[0]!.partitionResponses[0]!.errorCode
}

test('a broker takes records, stops cleanly on SIGTERM, and has them at the next start', async t => {
  const folder = temporaryFolder(t)
  folder.write('broker.properties', '# three each\nnum.partitions = \\\n  3\n')
  const args = 'broker --listen 127.0.0.1:0 --config broker.properties --set num.partitions=2'
  const first = folder.start(args)
  const { client } = await connectTo(first)
  const { topics } = await client.ask(metadata, 12, { topics: [{ name: 'orders' }] })
  assert.equal(topics[0]!.partitions.length, 2)
  assert.equal(await send(client, 'orders', 'kept'), 0)
  // A consumer waits: it is answered.
  const waiting = client.ask(fetch, 11, {
    maxWaitMs: 60_000,
    minBytes: 1,
    topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset: 1, partitionMaxBytes: 1000 }] }],
  })
  const other = await folder.run('broker --listen 127.0.0.1:0')
  assertRefused(other, 1, 'DATA_DIR_IN_USE', new RegExp(`process ${first.process.pid}\\b`))
  first.process.kill('SIGTERM')
  assert.equal((await waiting).responses[0]!.partitions[0]!.errorCode, 0)
  const { code, err } = await first.ended
  assert.equal(code, 0)
  assert.match(err, /broker of Kafka's protocol over \.\/data \(0 topics\)[^]*7 days[^]*Stopping/)
  assert.ok(existsSync(join(folder.path, 'data/clean-stop')))

  assert.equal((await folder.run('consume orders')).out, 'kept\n')
  const second = folder.start('broker --listen [::1]:0 --advertise localhost:19092')
  const again = await connectTo(second)
  const { brokers } = await again.client.ask(metadata, 12, { topics: [] })
  assert.deepEqual([brokers[0]!.host, brokers[0]!.port], ['localhost', 19_092])
  again.client.close()
  assert.equal((await second.interrupt()).code, 0)
})

test('a broker in memory leaves nothing, and listens where its port was', async t => {
  const folder = temporaryFolder(t)
  let at = '127.0.0.1:0'
  for (let n = 0; n < 2; n += 1) {
    const running = folder.start(`broker --memory 64MiB --listen ${at}`)
    const { client, port } = await connectTo(running)
    const { topics } = await client.ask(metadata, 12, { topics: null })
    assert.deepEqual(
      topics.filter(({ name }) => name === 'orders'),
      [],
    )
    await client.ask(metadata, 12, { topics: [{ name: 'orders' }] })
    assert.equal(await send(client, 'orders', 'gone'), 0)
    at = `127.0.0.1:${port}`
    assert.equal((await folder.run(`ping ${at}`)).code, 0)
    const { code, err } = await running.interrupt()
    assert.equal(code, 0)
    assert.match(err, /memory \(at most 64 MiB\)/)
  }
  assert.equal(existsSync(join(folder.path, 'data')), false)
})

test('a second signal ends a broker at once, and nothing that was acknowledged is lost', async t => {
  const folder = temporaryFolder(t)
  const running = folder.start('broker --listen 127.0.0.1:0')
  const { client } = await connectTo(running)
  await client.ask(metadata, 12, { topics: [{ name: 'orders' }] })
  assert.equal(await send(client, 'orders', 'safe'), 0)
  // Answers that nobody reads keep it from ending.
  const record = 'x'.repeat(900_000)
  for (let n = 0; n < 20; n += 1) assert.equal(await send(client, 'orders', record), 0)
  for (let n = 0; n < 20; n += 1)
    await client.send(fetch, 11, {
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 1 << 25,
      topics: [
        { topic: 'orders', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 25 }] },
      ],
    })
  await client.frame()
  running.process.kill('SIGTERM')
  await running.printed(/Stopping/)
  running.process.kill('SIGINT')
  assert.equal((await running.ended).code, 'SIGINT')
  assert.equal((await folder.run('consume orders --max 1')).out, 'safe\n')
})

test('a broker whose folder is gone says so, and ends with 1', async t => {
  const folder = temporaryFolder(t)
  const running = folder.start('broker --listen 127.0.0.1:0')
  const { client } = await connectTo(running)
  await client.ask(metadata, 12, { topics: [{ name: 'orders' }] })
  assert.equal(await send(client, 'orders', 'written'), 0)
  rmSync(join(folder.path, 'data'), { recursive: true })
  await send(client, 'orders', 'to nowhere').catch(() => undefined)
  const ended = await running.ended
  assertRefused(ended, 1, 'DISK_FAILED', /no longer in its place/)
})
