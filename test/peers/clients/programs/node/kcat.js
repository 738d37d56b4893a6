/** The cases of kcat: what a user of a shell sees. It makes its topics by asking for them. */
import { spawnSync } from 'node:child_process'
import { bootstrap, me, newName, runCase } from './cases.js'

function kcat(args, input = '') {
  const { status, stdout, stderr } = spawnSync('kcat', ['-b', bootstrap, ...args], {
    input,
    encoding: 'utf8',
    timeout: 90_000,
    maxBuffer: 64 << 20,
  })
  return { status, out: stdout, complaint: complaintOf(stderr) }
}

/** The last thing that kcat complained about, without what differs from run to run. */
function complaintOf(stderr) {
  const lines = stderr.split('\n').filter(line => /^% (ERROR|Delivery failed)/.test(line))
  return (lines.at(-1) ?? '').replaceAll(bootstrap, 'BROKER').replaceAll(/rdkafka#\S+/g, '')
}

function produce(topic, lines, ...args) {
  return kcat(['-P', '-t', topic, ...args], lines.map(line => `${line}\n`).join(''))
}

/** What a consumer prints up to the end of the topic. */
function consume(topic, ...args) {
  const { status, out, complaint } = kcat(['-C', '-e', '-q', '-t', topic, ...args])
  return status === 0 ? out.split('\n').slice(0, -1) : [`status ${status}`, complaint]
}

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const numbers = count => Array.from({ length: count }, (_, n) => `value ${n}`)

for (const codec of codecs)
  await runCase('codecs', codec, () => {
    const topic = newName()
    const { status } = produce(topic, numbers(50), '-z', codec, '-X', 'linger.ms=1000')
    return [status, consume(topic, '-o', 'beginning', '-f', '%o %s\n')]
  })

await runCase('records', 'keys, null values, headers', () => {
  const topic = newName()
  produce(topic, ['a:1', 'b:', ':3'], '-K', ':', '-Z', '-H', 'one=1', '-H', 'none')
  return consume(topic, '-o', 'beginning', '-f', '%o|%K|%k|%S|%s|%h\n', '-Z')
})

await runCase('records', 'as JSON', () => {
  const topic = newName()
  produce(topic, ['a:1', 'b:2'], '-K', ':', '-H', 'x=y')
  return consume(topic, '-o', 'beginning', '-J').map(line => {
    const { tstype, ts, topic: from, ...record } = JSON.parse(line)
    return { ...record, tstype, hasTime: ts > 0, isSame: from === topic }
  })
})

await runCase('records', 'one of 900 KB', () => {
  const topic = newName()
  const { status } = produce(topic, ['x'.repeat(900_000)])
  return [status, consume(topic, '-o', 'beginning', '-f', '%S\n')]
})

await runCase('records', 'one too large for the broker', () => {
  const topic = newName()
  const { status, complaint } = produce(topic, ['x'.repeat(1_200_000)], '-X', 'message.max.bytes=5000000')
  return [status, complaint]
})

await runCase('records', 'five thousand', () => {
  const topic = newName()
  produce(topic, numbers(5000), '-X', 'linger.ms=5')
  const found = consume(topic, '-o', 'beginning')
  return [found.length, found.at(-1)]
})

const offsets = newName()
produce(offsets, numbers(20))
for (const [name, from] of [
  ['the beginning', 'beginning'],
  ['the end', 'end'],
  ['an offset', '13'],
  ['five before the end', '-5'],
  ['a time of the past', 's@1000000000000'],
  ['a time to come', 's@4000000000000'],
  ['past the end', '99'],
])
  await runCase('consume', `from ${name}`, () => consume(offsets, '-o', from, '-f', '%o %s\n'))

await runCase('consume', 'a count of records', () => consume(offsets, '-o', 'beginning', '-c', '3'))
await runCase('consume', 'a range of times', () =>
  consume(offsets, '-o', 's@1000000000000', '-o', 'e@1000000000001'),
)
await runCase('consume', 'a partition that does not exist', () => consume(offsets, '-p', '7'))
await runCase('consume', 'a topic that does not exist', () =>
  consume(`${me}-unknown`, '-X', 'allow.auto.create.topics=false'),
)

await runCase('offsets', 'query by time (-Q)', () =>
  ['-2', '-1', '1000000000000', '4000000000000'].map(at =>
    kcat(['-Q', '-t', `${offsets}:0:${at}`]).out.replaceAll(offsets, 'TOPIC'),
  ),
)
await runCase('offsets', 'query of a partition that does not exist', () => {
  const { status, out, complaint } = kcat(['-Q', '-t', `${offsets}:5:-1`])
  return [status, out.replaceAll(offsets, 'TOPIC'), complaint]
})

await runCase('produce', 'acks 0, 1 and all', () => {
  const topic = newName()
  // Of a topic that is not there yet, records without acks could be lost.
  const ran = ['1', '0', 'all'].map(acks => produce(topic, ['v'], '-X', `acks=${acks}`).status)
  const { status, out } = kcat(['-C', '-q', '-t', topic, '-o', 'beginning', '-c', '3'])
  return [ran, status, out]
})

await runCase('produce', 'idempotent', () => {
  const topic = newName()
  const { status } = produce(topic, numbers(1000), '-X', 'enable.idempotence=true')
  return [status, consume(topic, '-o', 'beginning').length]
})

await runCase('produce', 'to a partition that does not exist', () => {
  const topic = newName()
  produce(topic, ['v'])
  const { status, complaint } = produce(topic, ['v'], '-p', '5')
  return [status, complaint]
})

await runCase('produce', 'to a topic of an invalid name', () => {
  const { status, complaint } = produce('a b', ['v'])
  return [status, complaint]
})

await runCase('transactions', 'one per run of the producer', () => {
  const topic = newName()
  produce(topic, ['before'])
  const { status } = produce(topic, numbers(3), '-X', `transactional.id=${me}`)
  return [status, consume(topic, '-o', 'beginning', '-f', '%o %s\n', '-X', 'isolation.level=read_committed')]
})

await runCase('metadata', 'of one topic', () => {
  const { brokers, topics, controllerid } = JSON.parse(kcat(['-L', '-J', '-t', offsets]).out)
  return [brokers.length, controllerid, topics.map(each => ({ ...each, topic: undefined }))]
})

await runCase('metadata', 'of all topics', () => {
  const { topics } = JSON.parse(kcat(['-L', '-J']).out)
  return topics.some(({ topic }) => topic === offsets)
})

await runCase('metadata', 'as text', () =>
  kcat(['-L', '-t', offsets])
    .out.replaceAll(bootstrap, 'BROKER')
    .replaceAll(offsets, 'TOPIC')
    .replaceAll(/orig_broker_id|broker -?\d+/g, 'broker')
    .replaceAll(/\(from [^)]*\)/g, ''),
)

await runCase('groups', 'a balanced consumer (-G) reads all, and the next one nothing', () => {
  const topic = newName()
  produce(topic, numbers(10))
  const run = () => {
    const { status, out, complaint } = kcat([
      '-G', `${me}-group`, '-e', '-q', '-X', 'auto.offset.reset=earliest', '-f', '%o %s\n', topic,
]) // prettier-ignore
    return [`${status}`, complaint, ...out.split('\n')]
  }
  return [run(), run()]
})

await runCase('groups', 'a static member', () => {
  const topic = newName()
  produce(topic, numbers(3))
  const { status, out } = kcat([
    '-G', `${me}-static`, '-e', '-q', '-X', 'auto.offset.reset=earliest', '-X', 'group.instance.id=one', topic,
]) // prettier-ignore
  return [status, out]
})
