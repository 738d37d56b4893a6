/**
 * Runs the commands in this process over a terminal of arrays: what they refuse, and in which words. test/cli
 * runs the real command.
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { nodeDisk, systemClock, systemRandom } from '../base/index.ts'
import { Broker } from '../broker/broker.ts'
import { openLog } from '../open-log.ts'
import { batch } from '../port/conformance/harness.ts'
import { refused, run } from './cli.test-support.ts'
import { runCli } from './cli.ts'
import { linesOf } from './terminal.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const data = join(folder, 'data')
const none = join(folder, 'none')

test('names wrong arguments before it opens anything', async () => {
  const wrong: [string, RegExp][] = [
    ['nonsense', /unknown command 'nonsense'/],
    ['consume', /missing required argument 'topic'/],
    ['consume t u', /too many arguments/],
    ['consume t --from yesterday', /'yesterday'.*2001-06-14/],
    ['consume t --from -1', /'-1'.*an offset/],
    ['consume t --from 1.5', /'1.5'.*an offset/],
    ['consume t --from 1969-12-31', /'1969-12-31'/],
    ['consume t --from 2001-02-30', /'2001-02-30'/],
    ['group reset g --topic t --to 2001-02-30', /'2001-02-30'/],
    ['consume t --folow', /--folow.*\n.*--follow/],
    ['topic lst', /unknown command 'lst'.*\n.*list/],
    ['consume t --max 0', /'0'.*whole number/],
    ['produce t --partitions x', /'x'.*whole number/],
    ['produce t --json -k :', /cannot be used with/],
    ['run app.ts --until later', /'later'.*end, now/],
    ['run app.ts --commit-interval soon', /'soon'.*'250ms'/],
    ['run app.ts --commit-interval -1', /'-1'.*'250ms'/],
    ['describe app.ts --format xml', /'xml'.*text, mermaid, json/],
    ['repair t one', /'one'/],
    ['group reset g --topic t', /required option '--to/],
    ['group reset g --topic t --to soon', /'soon'.*'earliest'/],
    ['group reset g --topic t:x --to 0', /'t:x'.*'orders:0,2'/],
  ]
  for (const [args, about] of wrong)
    await refused(
      [...args.split(' '), ...(args === 'nonsense' || args.startsWith('describe') ? [] : ['--data', none])],
      [2, '', about],
    )
  equal(existsSync(none), false)
})

test('help and version exit with 0', async () => {
  match((await run(['--version'])).out, /^\d+\.\d+\.\d+\n$/)
  const { code, out, err } = await run(['consume', '--help'])
  match(out, /--from/)
  deepEqual([code, err], [0, ''])
})

test('reports a missing log, topic or app, and does not create it', async () => {
  for (const args of [
    ['consume', 't'],
    ['topic', 'list'],
    ['topic', 'describe', 't'],
  ])
    await refused([...args, '--data', none], [1, 'SOURCE_MISSING', /none'/])
  equal(existsSync(none), false)
  equal((await run(['produce', 'here', '--data', data], 'a')).code, 0)
  for (const args of [
    ['consume', 't'],
    ['topic', 'describe', 't'],
  ])
    await refused([...args, '--data', data], [1, 'UNKNOWN_TOPIC', /'t'/])
  await refused(['produce', 'n/a', '--data', data], [2, 'INVALID_ARGUMENT', /n\/a/], 'a')
  await refused(['topic', 'list', '--data', folder], [1, 'DATA_DIR_FOREIGN', /not a data directory/])
})

test('lists topics, and internal ones on request', async () => {
  const own = join(folder, 'listed')
  equal((await run(['produce', 'words', '--data', own], 'a')).code, 0)
  equal((await run(['consume', 'words', '--group', 'readers', '--data', own])).code, 0)
  const names = async (...options: string[]): Promise<unknown[]> => {
    const { out } = await run(['topic', 'list', '--json', '--data', own, ...options])
    return out
      .trim()
      .split('\n')
      .map(line => (JSON.parse(line) as { name: string }).name)
  }
  deepEqual(await names(), ['words'])
  ok((await names('--internal')).includes('__consumer_offsets'))
  await refused(['consume', '__consumer_offsets', '--data', own], [2, 'USAGE', /not text.*--json/])
  const { out, code } = await run(['consume', '__consumer_offsets', '--json', '--data', own])
  equal(code, 0)
  match(out, /^{"partition":0,"offset":0/)
  await refused(
    ['produce', '__consumer_offsets', '--data', own],
    [2, 'INVALID_ARGUMENT', /__consumer_offsets/],
    'a',
  )
  await refused(
    ['consume', 'words', '--from', '99', '--data', own],
    [1, 'OFFSET_OUT_OF_RANGE', /0 to 1, not 99/],
  )
  await refused(['topic', 'describe', 'none', '--data', own], [1, 'UNKNOWN_TOPIC', /'none'.*topic list/])
})

test('topic create, configs and alter', async () => {
  const own = join(folder, 'configured')
  const millrace = (command: string): ReturnType<typeof run> => run([...command.split(' '), '-d', own])
  equal((await millrace('topic create t -p 2 --config segment.bytes=5000 --config retention.ms=9')).code, 0)
  equal((await millrace('topic list')).out, 't\t2 partitions\n')
  match((await millrace('topic configs t')).out, /^retention.ms\t9\ttopic\nsegment.bytes\t5000\ttopic\n/m)
  equal(
    (await millrace('topic alter t --config cleanup.policy=compact,delete --reset retention.ms')).out,
    'cleanup.policy\tcompact,delete\ttopic\nretention.ms\t-1\tstatic\n',
  )
  equal(
    (await millrace('topic alter --defaults --config log.retention.ms=7000')).out,
    'log.retention.ms\t7000\tbroker\n',
  )
  match((await millrace('topic configs t --all')).out, /^retention.ms\t7000\tbroker\n/m)
  match((await millrace('topic configs --defaults --json')).out, /"name":"log.retention.ms","value":"7000"/)
  const wrong: [string, [number, string, RegExp]][] = [
    ['topic alter t', [2, 'USAGE', /--config name=value/]],
    ['topic alter --config a=b', [2, 'USAGE', /Name a topic/]],
    ['topic configs t --defaults', [2, 'USAGE', /not both/]],
    ['topic alter t --config retention.mss=1', [2, 'INVALID_CONFIG', /'retention.ms'/]],
    ['topic alter t --config retention.ms', [2, '', /retention.ms=86400000/]],
    ['topic create u --partitions none', [2, '', /whole number/]],
    ['topic create u --partitions 99999', [2, 'INVALID_ARGUMENT', /from 1 to 10000, not 99999/]],
    ['topic create u --config min.insync.replicas=2', [2, 'INVALID_CONFIG', /only its default/]],
    ['topic alter none --config retention.ms=1', [1, 'UNKNOWN_TOPIC', /'none'/]],
  ]
  for (const [command, refusal] of wrong) await refused([...command.split(' '), '-d', own], refusal)
})

test('group reset moves groups and refuses apps; app reset refuses groups', async () => {
  const moved = join(folder, 'moved')
  const millrace = (command: string): ReturnType<typeof run> => run([...command.split(' '), '-d', moved])
  await run(['produce', 'words', '-k', ':', '-d', moved], 'a:1\na:2\na:3\n')
  await millrace('consume words --group readers')
  {
    await using log = await openLog(moved)
    const offsets = [{ topic: 'words', partition: 0, offset: 3, metadata: '{"plan":1}' }]
    await log.port.commitOffsets({ group: 'counter', offsets })
  }
  equal((await millrace('group list')).out, 'readers\n  words-0\tat 3\t0 records behind\n')
  deepEqual(JSON.parse((await millrace('group list --json')).out), {
    group: 'readers',
    partitions: [{ topic: 'words', partition: 0, offset: 3, lag: 0 }],
  })
  match(
    (await millrace('group describe readers')).out,
    /^readers\tEmpty, 0 members, generation 2\n {2}words-0\tat 3\t0 records behind\n$/,
  )
  equal(
    (JSON.parse((await millrace('group describe readers --json')).out) as { state: string }).state,
    'Empty',
  )
  equal((await millrace('group reset readers --topic words --to 1 --dry-run')).out, 'words-0\t3 -> 1\n')
  equal((await millrace('consume words --group readers')).out, '')
  equal((await millrace('group reset readers --topic words --to 1')).out, 'words-0\t3 -> 1\n')
  equal((await millrace('consume words --group readers')).out, 'a\t2\na\t3\n')
  equal((await millrace('group reset readers --all-topics --to earliest')).out, 'words-0\t3 -> 0\n')
  equal((await millrace('group reset readers -t words --to 2100-01-01')).out, 'words-0\t0 -> 3\n')
  equal((await millrace('group reset new --topic words:0 --to latest')).out, 'words-0\tnone -> 3\n')
  equal((await millrace('consume words --group new')).out, '')
  const wrong: [string, [number, string, RegExp]][] = [
    ['group reset readers --topic words --to 9', [1, 'OFFSET_OUT_OF_RANGE', /offsets 0 to 3/]],
    ['group reset readers --topic none --to 0', [1, 'UNKNOWN_TOPIC', /'none'/]],
    ['group reset readers --topic words:4 --to 0', [1, 'UNKNOWN_PARTITION', /'words'.*not 4/]],
    ['group describe nobody', [1, 'UNKNOWN_GROUP', /'nobody'/]],
    ['group delete nobody', [1, 'UNKNOWN_GROUP', /'nobody'/]],
    ['group delete counter', [2, 'INVALID_ARGUMENT', /'counter' is an app/]],
    ['group reset nobody --all-topics --to 0', [2, 'INVALID_ARGUMENT', /nothing to move/]],
    ['group reset readers --to 0', [2, 'USAGE', /--topic orders, or --all-topics/]],
    ['group reset readers -t words --all-topics --to 0', [2, 'USAGE', /not both/]],
    ['group reset counter --all-topics --to 0', [2, 'INVALID_ARGUMENT', /millrace app reset counter --to/]],
    ['app reset readers --to 0', [2, 'INVALID_ARGUMENT', /millrace group reset readers --topic/]],
  ]
  for (const [command, refusal] of wrong) await refused([...command.split(' '), '-d', moved], refusal)
})

test('transactions: lists and describes them, and aborts the one that a client has left open', async () => {
  const left = join(folder, 'transactions')
  const millrace = (command: string): ReturnType<typeof run> => run([...command.split(' '), '-d', left])
  await run(['produce', 'words', '-d', left], 'before\n')
  const broker = await Broker.open(left, { disk: nodeDisk, clock: systemClock, random: systemRandom })
  const client = await broker.transactions.init({
    transactionalId: 'client',
    timeoutMs: 60_000,
    isClient: true,
  })
  const { producerId } = client
  const partition = broker.partition('words', 0)
  broker.transactions.enlist('client', client, partition)
  await partition.append(batch(['open']).build({ ...client, baseSequence: 0, transactional: true })).written
  await broker.close()
  equal((await millrace('transactions list')).out, `client\tOngoing\tproducer ${producerId}\tepoch 0\n`)
  equal(
    (await millrace('transactions describe client')).out,
    `client\tOngoing\tproducer ${producerId}\tepoch 0\n  words-0\topen from 1\n`,
  )
  const described = JSON.parse((await millrace('transactions describe client --json')).out)
  deepEqual(described.open, [
    { topic: 'words', partition: 0, ...client, firstOffset: 1, transactionalId: 'client' },
  ])
  match((await millrace('transactions abort client')).err, /transaction of client is aborted/)
  match((await millrace('transactions list')).out, /^client\tPrepareAbort\tproducer \d+\tepoch 1\n$/)
  const wrong: [string, [number, string, RegExp]][] = [
    ['transactions abort client', [1, 'INVALID_TXN_STATE', /nothing to abort/]],
    ['transactions abort none', [1, 'INVALID_PRODUCER_ID_MAPPING', /'none'/]],
    ['transactions describe none', [1, 'INVALID_PRODUCER_ID_MAPPING', /transactions list/]],
  ]
  for (const [command, refusal] of wrong) await refused([...command.split(' '), '-d', left], refusal)
})

test('names a line that cannot be published; the lines before it are published', async () => {
  const cases: [string[], string | Uint8Array, RegExp][] = [
    [
      ['--json'],
      '{"value":1}\n{"value":2}\n{"value"\n',
      /^2 records published to bad, then:\n.*Line 3 .*not JSON/,
    ],
    [['--json'], '{"key":"k"}', /Line 1 .*'value'/],
    [['--json'], '["value"]', /Line 1 .*not a JSON object/],
    [['--json'], '{"value":1,"timestamp":"noon"}', /Line 1 .*"noon"/],
    [['--json'], '{"valueBase64":"?"}', /Line 1 .*Base64/],
    [['--json'], '{"value":"\\ud800"}', /Line 1 .*surrogate/],
    [['--json'], '{"value":1,"headers":{}}', /Line 1 .*headers/],
    [['--json'], '{"value":1,"headers":[1]}', /Line 1 .*a header is not a JSON object/],
    [['--json'], '{"value":1,"headers":[{"value":"x"}]}', /Line 1 .*no 'key'/],
    [['--json'], '{"value":1,"value":2}', /0 records published to bad, then:\n.*Line 1 .*'value' twice/],
    [['--json'], '{"value":1,"valueBase64":"AA=="}', /Line 1 .*both 'value' and 'valueBase64'/],
    [['--json'], '{"value":1,"timestmap":1}', /Line 1 .*'timestmap', did you mean 'timestamp'/],
    [['--json'], '{"value":1,"topic":"a"}', /Line 1 .*'topic', and may have partition, /],
    [['--json'], '{"value":1,"timestamp":9007199254740993}', /Line 1 .*timestamp is 9007199254740993/],
    [['--json'], '\n', /Line 1 .*not JSON/],
    [['--json'], '{"value":1}\0', /Line 1 .*not JSON/],
    [['--json'], Buffer.from([0x7b, 0xff]), /Line 1 .*UTF-8/],
    [['-k', ':'], 'a:b\nc', /Line 2 .*':'/],
    [[], Buffer.from([97, 10, 0xff, 10]), /Line 2 .*UTF-8/],
  ]
  for (const [args, input, about] of cases)
    await refused(['produce', 'bad', ...args, '--data', data], [1, 'SOURCE_MALFORMED', about], input)
  equal((await run(['consume', 'bad', '--data', data])).out, '1\n2\na\tb\na\n')
})

test('publishes a JSON value byte for byte', async () => {
  const values = [
    '{"id":9007199254740993,"d":1.0}',
    '{ "b" :1E400,\t"a": -0.0 , "b":[ ] }',
    '{"text":"\\u0061\\/\\ud800","":{"__proto__":1}}',
    '[1e3,18446744073709551615]',
    '-0',
    '12345678901234567890.10',
    'true',
    '"text"',
  ]
  const lines = values.map(value => `{"timestamp":1e3, "value" : ${value} ,"key": ${value}}\r\n`)
  const at = join(folder, 'exact')
  await run(['produce', 'exact', '--json', '--data', at], lines.join(''))
  const { out } = await run(['consume', 'exact', '--json', '--data', at])
  const texts = values.map(value => (value === '"text"' ? 'text' : value))
  deepEqual(
    out
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as unknown),
    texts.map((text, offset) => ({ partition: 0, offset, timestamp: 1000, key: text, value: text })),
  )
  equal((await run(['consume', 'exact', '--data', at])).out, texts.map(text => `${text}\t${text}\n`).join(''))
})

test('prints and publishes bytes unchanged', async () => {
  const at = join(folder, 'bytes')
  const input =
    '{"keyBase64":"/w==","valueBase64":"gAD/"}\n{"value":null}\n{"value":"\\u0000\\r\\n\\ufeff"}\n'
  await run(['produce', 'bytes', '--json', '--data', at], input)
  const written: Uint8Array[] = []
  const { signal } = new AbortController()
  await runCli(['consume', 'bytes', '--data', at], {
    lines: linesOf(Readable.from([]), signal),
    signal,
    write: async bytes => void written.push(Buffer.from(bytes)),
    note: () => {},
  })
  deepEqual(Buffer.concat(written), Buffer.from('ff098000ff0a0a000d0aefbbbf0a', 'hex'))
  // NUL, a return within a line, a mark at the start of a later line, spaces.
  const lines = ['a\0b', 'c\rd', '\ufeffe', '  f\t ', '']
  await run(['produce', 'lines', '--data', at], lines.map(line => `${line}\n`).join(''))
  const { out } = await run(['consume', 'lines', '--data', at])
  equal(out, lines.map(line => `${line}\n`).join(''))
})

test('publishes to a topic that exists with its own count of partitions, unless another one is asked for', async () => {
  const at = join(folder, 'counted')
  await run(['topic', 'create', 'four', '-p', '4', '--data', at])
  equal((await run(['produce', 'four', '-k', ':', '--data', at], 'a:1\nb:2\n')).code, 0)
  equal((await run(['produce', 'four', '--partitions', '4', '--data', at], 'x\n')).code, 0)
  const asked = ['produce', 'four', '--partitions', '3', '--data', at]
  await refused(asked, [1, 'PARTITION_COUNT_CHANGED', /4 partitions/], 'x\n')
  equal((await run(['consume', 'four', '--data', at])).out.split('\n').length, 4)
})
