import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { fromUtf8 } from '../../base/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { dataPath, openDirectory } from '../log.test-support.ts'
import { encodePartitionConfig, readPartitionConfig } from './partition-config.ts'

const path = '/flights-0/config.json'
const config = {
  configs: { 'retention.bytes': '5000', 'segment.bytes': '1000' },
  topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
  partitions: 4,
  cutAt: 7,
  cutId: '1',
}
const unknown = { configs: { 'cleanup.policy': 'delete', 'retention.bytes': '-1', 'retention.ms': '-1' } }

async function read(bytes?: Uint8Array): ReturnType<typeof readPartitionConfig> {
  const disk = new SimulatedDisk()
  if (bytes) disk.setContent(path, bytes)
  return readPartitionConfig(disk, '/flights-0')
}

test('what is written is read again; one bit changed is noticed, and drops nothing', async () => {
  const bytes = encodePartitionConfig(config)
  deepEqual(await read(bytes), { config, isKnown: true })
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const changed = Uint8Array.from(bytes)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    deepEqual(await read(changed), { config: unknown, isKnown: false }, `bit ${bit}`)
  }
  for (let size = 0; size < bytes.length; size += 1) {
    const { config: found } = await read(bytes.subarray(0, size))
    // Without its check line it is a file of millrace 0.1.0's.
    if (found.topicId === undefined) deepEqual(found, unknown, `${size} bytes`)
    else deepEqual(found, config, `${size} bytes`)
  }
})

test('a file of millrace 0.1.0, or none, says what it says', async () => {
  deepEqual(await read(fromUtf8('{"segmentBytes":1000}\n')), {
    config: { configs: { 'segment.bytes': '1000' } },
    isKnown: true,
  })
  deepEqual(await read(), { config: {}, isKnown: true })
  equal((await read(fromUtf8('{"segmentBytes":"1000"}\n'))).isKnown, false)
  equal((await read(fromUtf8('{"configs":{"segment.bytes":1000}}\n'))).isKnown, false)
})

test('a damaged configuration keeps nothing shut, and can be written again', async () => {
  const disk = new SimulatedDisk()
  const first = await openDirectory(disk)
  await first.createPartition('flights', 0, config)
  await first.close()
  disk.setContent(`${dataPath}${path}`, fromUtf8('{"segmentB'))
  const second = await openDirectory(disk, { retentionBytes: 100 })
  const partition = second.partition('flights', 0)!
  deepEqual(partition.config, unknown)
  equal(partition.settings.retentionBytes, -1)
  await second.rewriteConfig(partition, config)
  await second.close()
  deepEqual((await openDirectory(disk)).partition('flights', 0)?.config, config)
})
