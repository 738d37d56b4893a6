/**
 * The programs in README and docs are in examples/, character by character, and do what the text says.
 * (test/package.test.ts runs the first one from the packed package, and examples/flights has its own test.)
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { DuckDBInstance } from '@duckdb/node-api'
import * as fraud from '../examples/fraud.ts'
import { openLog } from '../src/index.ts'

const root = resolve(import.meta.dirname, '..')
const examples = join(root, 'examples')

/** An example as a user writes it: with imports from the package. */
function published(file: string): string {
  return readFileSync(join(examples, file), 'utf8')
    .replaceAll("'../src/index.ts'", "'millrace'")
    .replaceAll("'../src/connect/index.ts'", "'millrace/connect'")
    .replaceAll("'../src/testing/index.ts'", "'millrace/testing'")
}

const programs = readdirSync(examples)
  .filter(name => name.endsWith('.ts'))
  .map(published)

for (const document of ['README.md', 'docs/duckdb.md', 'docs/testing.md'])
  test(`every program of ${document} is in examples/`, () => {
    const text = readFileSync(join(root, document), 'utf8')
    const shown = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, program]) => program ?? '')
    assert.ok(shown.length > 0)
    for (const program of shown)
      assert.ok(
        programs.some(example => example.includes(program)),
        `in no example:\n${program}`,
      )
  })

test('hello.ts prints what the README shows', t => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const [, output] = /```ts\n.*?```\n+```text\n(.*?)```/s.exec(readme) ?? []
  assert.equal(run(temporaryFolder(t), 'hello.ts'), output)
})

test('warehouse.ts delivers each row once, over several runs and as the file grows', t => {
  const folder = temporaryFolder(t)
  const file = join(folder, 'airports.csv')
  writeFileSync(file, 'code,name,altitude\nDFW,Dallas-Fort Worth,607\nORD,Chicago,668\n')
  assert.equal(run(folder, 'warehouse.ts'), '2 rows delivered\n')
  appendFileSync(file, 'ORD,Chicago O’Hare,672\n')
  assert.equal(run(folder, 'warehouse.ts'), '1 rows delivered\n')
  assert.equal(run(folder, 'warehouse.ts'), '0 rows delivered\n')
})

test('query-warehouse.ts queries a table while it is loaded', t => {
  const folder = temporaryFolder(t)
  for (let runs = 0; runs < 2; runs++)
    assert.equal(run(folder, 'query-warehouse.ts'), `[ { key: 'ada', pages: '3' } ]\n`)
})

test('service.ts counts each order once, even if it is killed', async t => {
  const folder = temporaryFolder(t)
  const post = async (url: string, body: object): Promise<number> =>
    (await fetch(url, { method: 'POST', body: JSON.stringify(body) })).status

  for (let round = 0; round < 2; round += 1) {
    const { service, url } = await startService(t, folder)
    for (let n = 0; n < 5; n += 1) assert.equal(await post(url, { customer: 'ada', cents: 100 }), 204)
    assert.equal(await post(url, { customer: 'ada' }), 400)
    await end(service, 'SIGKILL')
  }
  // Killed at any moment, it continues at the next start, until all orders are in the table.
  let table: unknown
  for (let ms = 500; ms < 20_000 && !/1000/.test(String(table)); ms *= 2) {
    const { service } = await startService(t, folder)
    await setTimeout(ms)
    assert.equal(await end(service, 'SIGTERM'), 0)
    table = await tableOf(folder)
  }
  assert.deepEqual(table, [10, 1000])
})

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  test(`service.ts commits and exits with 0 on ${signal}, with a client still connected`, async t => {
    const { service, url } = await startService(t, temporaryFolder(t))
    const body = JSON.stringify({ customer: 'ada', cents: 100 })
    assert.equal((await fetch(url, { method: 'POST', body })).status, 204)
    assert.equal(await end(service, signal), 0)
  })

async function startService(t: TestContext, folder: string): Promise<{ service: ChildProcess; url: string }> {
  const service = spawn(process.execPath, [join(examples, 'service.ts')], {
    cwd: folder,
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => service.kill('SIGKILL'))
  for await (const line of createInterface({ input: service.stdout })) {
    const port = /port: (\d+)/.exec(line)?.[1]
    if (port !== undefined) return { service, url: `http://localhost:${port}` }
  }
  throw new Error('service.ts ended before it listened')
}

async function end(service: ChildProcess, signal: 'SIGKILL' | 'SIGINT' | 'SIGTERM'): Promise<unknown> {
  const exit = once(service, 'exit')
  service.kill(signal)
  return (await exit)[0]
}

/** Orders and cents of all customers and minutes. */
async function tableOf(folder: string): Promise<unknown> {
  const database = await DuckDBInstance.create(join(folder, 'warehouse.duckdb'))
  const connection = await database.connect()
  const sums = 'SELECT sum(orders)::INT, sum(cents)::INT FROM orders_per_minute'
  const [row] = (await connection.runAndReadAll(sums)).getRows()
  connection.closeSync()
  database.closeSync()
  return row
}

test('fraud.ts raises an alert in less than a second', async t => {
  await using log = await openLog(temporaryFolder(t))
  const producer = log.producer(fraud.payments)
  const spend = async (card: string, country: string): Promise<void> => {
    await producer.send({ key: card, value: { cents: 1000, country, at: Date.now() } })
  }
  await log.createTopic('payments')
  await log.createTopic('fraud-alerts')
  const running = fraud.app.start({ log })
  const delays: number[] = []
  const alerts = log.consumer(fraud.alerts)[Symbol.asyncIterator]()
  for (const card of ['4929-1', '4929-2', '4929-3']) {
    for (const country of ['DE', 'BR', 'SG']) await spend(card, country)
    const sent = performance.now()
    const alert = await alerts.next()
    delays.push(performance.now() - sent)
    assert.equal(alert.value?.key, card)
  }
  await alerts.return?.()
  await running.stop()
  assert.ok(Math.min(...delays) < 1000, `after ${delays.join(', ')} ms`)
})

test('the tests in examples/ pass', () => {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const files = readdirSync(examples).filter(name => name.endsWith('.test.ts'))
  assert.deepEqual(files, ['delays.test.ts', 'fraud.test.ts', 'hourly-counts.test.ts'])
  const printed = execFileSync(process.execPath, ['--test', '--test-reporter=tap', ...files], {
    cwd: examples,
    encoding: 'utf8',
    env,
  })
  assert.match(printed, /^# pass 13$/m)
  assert.match(printed, /^# fail 0$/m)
})

/** The output of an example, run in a new folder. */
function run(folder: string, example: string): string {
  return execFileSync(process.execPath, [join(examples, example)], { cwd: folder, encoding: 'utf8' })
}

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-example-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}
