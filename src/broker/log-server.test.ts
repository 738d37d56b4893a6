/** A log that listens while its program runs: what it is told, refuses, and tells. */
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { isMillraceError, nodeNet, type ErrorCode } from '../base/index.ts'
import { openLog } from '../open-log.ts'
import { messages } from '../wire/index.ts'
import type { ListenOptions } from './log-server.ts'
import { RawClient } from './server/raw-client.test-support.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-listen-'))
after(() => rmSync(root, { recursive: true }))

const { metadata } = messages

test('an open log is served, with its topics, until the server or the log is closed', async () => {
  await using log = await openLog(join(root, 'served'))
  await log.createTopic('orders', { partitions: 3 })
  const server = await log.listen({ port: 0 })
  equal(server.bootstrap, `127.0.0.1:${server.address.port}`)
  const client = await RawClient.connect(nodeNet, server.address)
  const { brokers, topics } = await client.ask(metadata, 12, { topics: null })
  equal(topics.find(({ name }) => name === 'orders')?.partitions.length, 3)
  deepEqual(
    brokers.map(({ host, port }) => [host, port]),
    [['127.0.0.1', server.address.port]],
  )
  equal(server.connections, 1)
  await server.close()
  await server.close()
  equal(server.connections, 0)
  ok(await log.describeTopic('orders'))

  const again = await log.listen({ port: server.address.port })
  deepEqual(again.address, server.address)
  await log.close()
  await rejects(nodeNet.connect(again.address), { code: 'ECONNREFUSED' })
  await rejects(log.listen({ port: 0 }), error => isMillraceError(error, 'CLOSED'))
})

test('the advertised address is what clients are told', async () => {
  await using log = await openLog(join(root, 'advertised'))
  const { address, bootstrap } = await log.listen({ port: 0, advertise: 'kafka.example.com:19092' })
  equal(bootstrap, 'kafka.example.com:19092')
  const client = await RawClient.connect(nodeNet, address)
  const { brokers } = await client.ask(metadata, 12, { topics: [] })
  deepEqual([brokers[0]!.host, brokers[0]!.port], ['kafka.example.com', 19_092])
  client.close()
})

test('a peer that speaks something else is told of', async () => {
  await using log = await openLog(join(root, 'told'))
  const notices: string[] = []
  const { address } = await log.listen({ port: 0, onNotice: message => notices.push(message) })
  const client = await RawClient.connect(nodeNet, address)
  await client.connection.write([Buffer.from('GET / HTTP/1.1\r\n\r\n')])
  equal(await client.frame().catch(() => undefined), undefined)
  equal(notices.length, 1)
  match(notices[0]!, /^a request from 127\.0\.0\.1:\d+: The peer speaks HTTP/)
})

test('an address that cannot be served is refused, and says why', async () => {
  await using log = await openLog(join(root, 'refused'))
  const server = await log.listen({ port: 0 })
  const refused = (options: unknown, code: ErrorCode, about: RegExp): Promise<void> =>
    rejects(log.listen(options as ListenOptions), { name: 'MillraceError', code, message: about })
  await refused({ port: server.address.port }, 'ADDRESS_IN_USE', /in use/)
  await refused({ host: '192.0.2.1', allowRemote: true, port: 0 }, 'ADDRESS_UNAVAILABLE', /'192.0.2.1'/)
  await refused({ host: '0.0.0.0' }, 'INVALID_ARGUMENT', /no authentication.*\{ allowRemote: true \}/)
  await refused({ prot: 0 }, 'INVALID_ARGUMENT', /'prot' of log.listen.*'port'/)
  await refused({ port: 70_000 }, 'INVALID_ARGUMENT', /'port'.*0 to 65535/)
  await refused({ port: '9092' }, 'INVALID_ARGUMENT', /'port'.*'9092'/)
  for (const advertise of ['host', '9092', 'host:0', '0.0.0.0:9092', 'kafka://host:1'])
    await refused({ port: 0, advertise }, 'INVALID_ARGUMENT', /advertised.*'localhost:9092'/)
  await using open = await log.listen({ host: '0.0.0.0', port: 0, allowRemote: true })
  equal(open.bootstrap, `127.0.0.1:${open.address.port}`)
  await log.createTopic('t')
  await using reader = await openLog(join(root, 'refused'), { readOnly: true })
  await rejects(reader.listen(), error => isMillraceError(error, 'READ_ONLY'))
})
