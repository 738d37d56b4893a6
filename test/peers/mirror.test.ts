/** MirrorMaker 2 copies a topic from our broker to Apache Kafka, and one from Apache Kafka to our broker. */
import { deepEqual, ok } from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openLog } from '../../src/index.ts'
import { kill, startJava, startOurBroker } from './child.ts'
import { peersFolder } from './install.ts'
import { startKafka } from './kafka-broker.ts'
import { readRawTopic, writeRawTopic, type RawRecord } from './raw-topics.ts'

const waitMsMax = 120_000

test('MirrorMaker 2 copies topics from our broker to Apache Kafka, and back', async () => {
  mkdirSync(peersFolder, { recursive: true })
  const folder = mkdtempSync(join(peersFolder, 'run-mirror-'))
  const data = join(folder, 'data')
  await (await openLog(data)).close()
  const ours = await startOurBroker(data)
  const theirs = await startKafka()
  const theirPort = Number(theirs.brokers.split(':')[1])
  const [orders, payments] = [records('order', 1000), records('payment', 700)]
  await writeRawTopic(ours.port, 'orders', orders)
  await writeRawTopic(theirPort, 'payments', payments)
  const [settings, output] = [join(folder, 'mirror.properties'), join(folder, 'output.txt')]
  writeFileSync(settings, mirrorSettings(ours.port, theirPort))
  const mirror = startJava('org.apache.kafka.connect.mirror.MirrorMaker', [settings], output)
  try {
    const copies = async (): Promise<[RawRecord[], RawRecord[]]> => [
      await readRawTopic(theirPort, 'ours.orders'),
      await readRawTopic(ours.port, 'theirs.payments'),
    ]
    const deadline = performance.now() + waitMsMax
    for (;;) {
      const [there, back] = await copies()
      if (there.length >= orders.length && back.length >= payments.length) break
      ok(performance.now() < deadline, `not all was copied:\n${readFileSync(output, 'utf8').slice(-3000)}`)
      await sleep(500)
    }
    deepEqual(await copies(), [orders, payments])
  } finally {
    await kill(mirror)
    await kill(ours.process)
    await theirs.remove()
    rmSync(folder, { recursive: true, force: true })
  }
})

/** Some without a key, some without a value. */
function records(name: string, count: number): RawRecord[] {
  return Array.from({ length: count }, (_, n) => ({
    key: n % 5 === 0 ? null : `${name}-${n % 7}`,
    value: n % 11 === 0 ? null : `${name} ${n}`,
  }))
}

function mirrorSettings(ourPort: number, theirPort: number): string {
  const internal = [
    'checkpoints.topic',
    'heartbeats.topic',
    'offset-syncs.topic',
    'offset.storage',
    'status.storage',
  ]
  return [
    'clusters=ours,theirs',
    `ours.bootstrap.servers=127.0.0.1:${ourPort}`,
    `theirs.bootstrap.servers=127.0.0.1:${theirPort}`,
    'ours->theirs.enabled=true',
    'ours->theirs.topics=orders',
    'theirs->ours.enabled=true',
    'theirs->ours.topics=payments',
    'refresh.topics.interval.seconds=1',
    'emit.checkpoints.interval.seconds=1',
    'replication.factor=1',
    'config.storage.replication.factor=1',
    ...internal.map(name => `${name}.replication.factor=1`),
    '',
  ].join('\n')
}
