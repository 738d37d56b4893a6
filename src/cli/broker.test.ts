/**
 * `millrace broker` and `millrace ping`, in this process: what they refuse. test/cli/broker.test.ts runs
 * them.
 */
import { equal, match } from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { startBroker } from '../testing/index.ts'
import { refused, run } from './cli.test-support.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-broker-'))
after(() => rmSync(root, { recursive: true, force: true }))
const none = join(root, 'none')

function configFile(...lines: readonly string[]): string {
  const path = join(root, 'broker.properties')
  writeFileSync(path, lines.join('\n'))
  return path
}

test('wrong arguments are refused before anything is opened', async () => {
  const check = (args: string, [code, error, about]: readonly [number, string, RegExp]): Promise<void> =>
    refused(['broker', '-d', none, ...args.split(' ')], [code, error, about])
  for (const address of ['nohost', '127.0.0.1', '::1:9092', '127.0.0.1:70000', ':9092'])
    await check(`--listen ${address}`, [2, '', /127\.0\.0\.1:9092/])
  await check('--memory', [2, 'USAGE', /not both/])
  await refused(['broker', '--memory', '10'], [2, '', /at least 1MiB/])
  await check('--durability never', [2, '', /sync, os/])
  await check('--set num.partitions', [2, '', /name and a value/])
  await check('--set num.partition=3', [2, 'INVALID_CONFIG', /--set: .*'num.partitions'/])
  await check('--set num.partitions=0', [2, 'INVALID_CONFIG', /--set: .*at least 1/])
  await check('--config nowhere.properties', [1, 'SOURCE_MISSING', /nowhere\.properties.*ENOENT/])
  equal(existsSync(none), false)
})

test('every wrong line of a config file is named, with its number', async () => {
  const file = configFile(
    '# a broker',
    'num.partitions=3',
    'num.partition=3',
    'log.retention.hours=soon',
    'listeners=PLAINTEXT://:9092',
    'log.dirs=/tmp/kafka',
    'num.io.threads = 8',
    'sasl.enabled.mechanisms=PLAIN',
  )
  const { code, err } = await run(['broker', '-d', none, '--config', file])
  equal(code, 2)
  for (const expected of [
    /line 3: Config 'num.partition' is unknown \(did you mean 'num.partitions'\?\)/,
    /line 4: Config 'log.retention.hours' must be a whole number/,
    /line 5: Config 'listeners' is the option --listen/,
    /line 6: Config 'log.dirs' is the option --data/,
    /line 7: Config 'num.io.threads' has no effect here/,
    /line 8: Config 'sasl.enabled.mechanisms' is not supported/,
  ])
    match(err, expected)
  await refused(
    ['broker', '-d', none, '--config', configFile('a=1', '\\u12=x')],
    [2, 'INVALID_CONFIG', /line 2: An escape/],
  )
  equal(existsSync(none), false)
})

test('an address that is taken, of another machine or of all is refused', async () => {
  await using broker = await startBroker()
  const data = join(root, 'data')
  const check = (args: string, expected: readonly [number, string, RegExp]): Promise<void> =>
    refused(['broker', '-d', data, ...args.split(' ')], expected)
  await check(`--listen ${broker.bootstrap}`, [1, 'ADDRESS_IN_USE', /in use: end the process/])
  await check('--listen 0.0.0.0:0', [2, 'INVALID_ARGUMENT', /no authentication.*--allow-remote/])
  await check('--listen [::]:0', [2, 'INVALID_ARGUMENT', /--allow-remote/])
  await check('--listen 192.0.2.1:0 --allow-remote', [1, 'ADDRESS_UNAVAILABLE', /192\.0\.2\.1/])
  await check('--listen 127.0.0.1:0 --advertise here', [2, 'INVALID_ARGUMENT', /'localhost:9092'/])
  // Each of them has closed the log.
  equal((await run(['topic', 'list', '-d', data])).code, 0)
})

test('over a log that keeps all, the broker has to be told what holds', async () => {
  const data = join(root, 'keeps-all')
  equal((await run(['topic', 'create', 'orders', '-d', data])).code, 0)
  const args = ['broker', '-d', data, '--listen', '127.0.0.1:0']
  await refused(args, [2, 'INVALID_CONFIG', /'orders'.*log\.retention\.ms=-1/])
  // Told so it starts, as far as the address admits.
  await refused(
    [...args, '--set', 'log.retention.ms=-1', '--advertise', 'here'],
    [2, 'INVALID_ARGUMENT', /advertised/],
  )
})

test('ping says whether a broker answers', async context => {
  const broker = await startBroker()
  const answered = await run(['ping', broker.bootstrap])
  match(answered.out, /^127\.0\.0\.1:\d+ answers \d+ requests \(\d+ ms\)\n$/)
  equal(answered.code, 0)
  broker.fail('ApiVersions', { delayMs: 10_000 })
  await refused(
    ['ping', broker.bootstrap, '--timeout', '50ms'],
    [1, 'ADDRESS_UNAVAILABLE', /within 50 ms \(ECONNABORTED\)/],
  )
  await broker.close()
  await refused(['ping', broker.bootstrap], [1, 'ADDRESS_UNAVAILABLE', /No broker.*ECONNREFUSED/])
  await refused(['ping', 'nothing'], [2, '', /host and a port/])

  const answers = ['HTTP/1.1 400 Bad Request\r\n\r\n', '']
  for (const answer of answers) {
    const server = createServer(socket => socket.end(answer))
    context.after(() => server.close())
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    await refused(
      ['ping', `127.0.0.1:${port}`],
      [1, 'ADDRESS_UNAVAILABLE', answer === '' ? /closed the connection/ : /another protocol/],
    )
  }
})
