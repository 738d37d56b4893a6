/**
 * How a program ends if its app or delivery fails, or its log is closed while one runs: the exit code, what
 * is printed, what was committed.
 */
import { equal, match } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'

const connect = pathToFileURL(resolve(import.meta.dirname, '../../src/connect/index.ts')).href
const sources = pathToFileURL(resolve(import.meta.dirname, '../../src/index.ts')).href
/** A program that hangs is killed, and fails its test. */
const hangsAfterMs = 50_000

interface Ending {
  readonly name: string
  /** The main module; `log`, `app` and `written()` are in scope. */
  readonly program: string
  readonly code: number
  readonly out?: string
  readonly err?: RegExp
}

const preamble = `
import { createApp, isMillraceError, json, openLog, text, topic } from '${sources}'
import { deliver, publish as publishFrom } from '${connect}'
import { setTimeout } from 'node:timers/promises'
const input = topic('input', { key: text(), value: json(), partitions: 1 })
const totals = topic('totals', { key: text(), value: json(), partitions: 1 })
const appOf = (map, name = 'app') => {
  const app = createApp(name)
  app.stream(input).mapValues(map).groupByKey().count().to(totals)
  return app
}
const app = appOf(value => value)
const failing = appOf(() => { throw new Error('the mapper is broken') })
const publish = async (log, count = 3) => {
  for (let n = 0; n < count; n += 1) await log.producer(input).send({ key: 'a', value: n })
}
/** A log with three records. */
const opened = async () => {
  const log = await openLog('./data')
  await publish(log)
  return log
}
const until = async condition => {
  while (!condition()) await setTimeout(5)
}
/** What the app has committed, read through a second opening of the log. */
const committed = async () => {
  await using log = await openLog('./data')
  let last = 0
  for await (const { value } of log.consumer(totals, { until: 'end' })) last = value
  const [offset] = await log.port.committedOffsets('app', [{ topic: 'input', partition: 0 }])
  return \`\${last} of \${offset?.offset}\`
}
/** A target in memory; it never accepts a row with \`refused\` in it. */
const target = refused => {
  const rows = []
  const committed = new Map()
  const write = async (added, to) => {
    if (added.some(({ value }) => value === refused)) throw new Error('the target is broken')
    rows.push(...added)
    for (const [partition, offset] of to) committed.set(partition, offset)
  }
  const sink = { name: 'memory', open: async () => ({ committed: async () => committed, write, close: async () => {} }) }
  return { rows, sink }
}
/** A source of numbers that never ends. */
const numbers = {
  name: 'numbers',
  open: async resume => {
    let next = resume ?? 0
    return {
      async next() {
        await setTimeout(1)
        next += 1
        return { rows: [next], resume: next, place: () => 'number ' + next }
      },
      close: async () => {},
    }
  },
}
const codeOf = promise => promise.then(({ state }) => state, error => error.code ?? error)
`

const endings: readonly Ending[] = [
  {
    name: 'an app that fails ends the process with its error if nothing awaits it',
    program: `
      const log = await opened()
      failing.start({ log })
      await setTimeout(60_000)`,
    code: 1,
    err: /USER_FUNCTION_FAILED[^]*the mapper is broken/,
  },
  {
    name: 'an app that fails is quiet if the program awaits its outcome',
    program: `
      const log = await opened()
      const running = failing.start({ log })
      const done = running.done
      await until(() => running.progress().state === 'failed')
      await setTimeout(50)
      console.log(await codeOf(done), running.progress().error.code)
      await log.close()`,
    code: 0,
    out: 'USER_FUNCTION_FAILED USER_FUNCTION_FAILED\n',
  },
  {
    name: 'stop() while an app starts: it ends before it processes anything',
    program: `
      const log = await opened()
      const running = failing.start({ log })
      console.log(await codeOf(running.stop()), running.progress().records)
      await log.close()`,
    code: 0,
    out: 'stopped 0\n',
  },
  {
    name: 'closing the log under an idle app stops the app, and the process ends',
    program: `
      const log = await opened()
      const running = app.start({ log })
      await until(() => running.progress().records === 3 && running.progress().lag === 0)
      await log.close()
      console.log(running.progress().state, await committed())`,
    code: 0,
    out: 'stopped 3 of 3\n',
  },
  {
    name: 'a throw in the main module disposes the log: the app commits, the error ends the process',
    program: `
      await using log = await opened()
      const running = app.start({ log, commitInterval: '1h' })
      await until(() => running.progress().records === 3)
      process.on('exit', () => console.log(running.progress().state, running.progress().metrics.commits))
      throw new Error('the program is broken')`,
    code: 1,
    out: 'stopped 1\n',
    err: /the program is broken/,
  },
  {
    name: 'closing the log before an app has begun leaves nothing behind, and nothing hangs',
    program: `
      const log = await openLog('./data')
      const running = app.start({ log })
      await log.close()
      console.log(running.progress().state, await codeOf(app.start({ log }).done))`,
    code: 0,
    out: 'stopped CLOSED\n',
  },
  {
    name: 'closing the log while a long batch is processed commits what is done',
    program: `
      const block = () => { for (const end = performance.now() + 5; performance.now() < end;); }
      const slow = appOf(value => { block(); return value })
      const log = await openLog('./data')
      const producer = log.producer(input)
      await Promise.all(Array.from({ length: 1000 }, (_, n) => producer.send({ key: 'a', value: n })))
      const running = slow.start({ log, commitInterval: '1h' })
      await until(() => running.progress().records > 0)
      await log.close()
      const { records, state } = running.progress()
      console.log(state, records < 1000, (await committed()) === \`\${records} of \${records}\`)`,
    code: 0,
    out: 'stopped true true\n',
  },
  {
    name: 'an app that fails while its log is closed still reports its error',
    program: `
      const log = await openLog('./data')
      const late = appOf(() => { void log.close(); throw new Error('the mapper is broken') })
      await publish(log)
      late.start({ log })
      await setTimeout(60_000)`,
    code: 1,
    err: /the mapper is broken/,
  },
  {
    name: 'closing the port of a log under an app fails the run with CLOSED, without a busy loop',
    program: `
      const log = await opened()
      const running = app.start({ log, commitInterval: '1h' })
      await until(() => running.progress().records === 3)
      const { done } = running
      await log.port.close()
      console.log(await codeOf(done), (await done.catch(error => error)).message.includes("app 'app'"), await committed())`,
    code: 0,
    out: 'CLOSED true 3 of 3\n',
  },
  {
    name: 'of two runs of one app at once the second is refused, and the first continues',
    program: `
      const log = await openLog('./data')
      const first = app.start({ log })
      await until(() => first.progress().state === 'running')
      console.log(await codeOf(app.run({ log })), await codeOf(appOf(v => v).run({ log, restart: true })))
      await publish(log)
      await until(() => first.progress().records === 3)
      console.log((await first.stop()).state)
      await log.close()`,
    code: 0,
    out: 'APP_ALREADY_RUNNING APP_ALREADY_RUNNING\nstopped\n',
  },
  {
    name: 'finish() and stop() at once stop the run, which can be finished later',
    program: `
      const log = await opened()
      const running = app.start({ log })
      const [finished, stopped] = await Promise.all([running.finish(), running.stop()])
      console.log(finished.state, stopped.state, (await app.start({ log }).finish()).state, await codeOf(app.run({ log })))
      await log.close()`,
    code: 0,
    out: 'stopped stopped finished APP_FINISHED\n',
  },
  {
    name: 'a run whose signal was aborted before the start does not begin',
    program: `
      const log = await openLog('./data')
      console.log((await app.run({ log, signal: AbortSignal.abort() })).state, (await log.topics()).length)
      await log.close()`,
    code: 0,
    out: 'stopped 0\n',
  },
  {
    name: 'a delivery that fails ends the process with its error if nothing awaits it',
    program: `
      const log = await opened()
      deliver(log, input, target(2).sink)
      await setTimeout(60_000)`,
    code: 1,
    err: /the target is broken/,
  },
  {
    name: 'closing the log under a delivery delivers what was read',
    program: `
      const log = await opened()
      const { rows, sink } = target()
      let read = 0
      const validate = value => ({ value, at: (read += 1) })
      const value = { '~standard': { version: 1, vendor: 'counting', validate } }
      const delivery = deliver(log, topic('input', { key: text(), value }), sink, { commitInterval: '1h' })
      await until(() => read === 3)
      await log.close()
      const { state, delivered } = delivery.progress()
      console.log(state, delivered, rows.length, await codeOf(deliver(log, input, sink).done))`,
    code: 0,
    out: 'ended 3 3 CLOSED\n',
  },
  {
    name: 'closing the log under a publish commits what was published, with its position',
    program: `
      const log = await openLog('./data')
      let published = 0
      const observer = { onProgress: ({ records }) => (published = records) }
      const publishing = publishFrom(log, input, numbers, { key: () => 'a', commitInterval: 5, observer })
      await until(() => published > 0)
      await log.close()
      const { done, published: total } = await publishing
      const again = await openLog('./data')
      let last = 0
      for await (const { value } of again.consumer(input, { until: 'end' })) last = value
      const [place] = await again.port.committedOffsets('connect-numbers-input', [{ topic: 'input', partition: 0 }])
      await again.close()
      console.log(done, total === last, place.offset === last)`,
    code: 0,
    out: 'false true true\n',
  },
]

for (const ending of endings)
  test(ending.name, async t => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-endings-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    writeFileSync(join(folder, 'main.mjs'), preamble + ending.program)
    const child = spawn(process.execPath, ['main.mjs'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    const hangs = setTimeout(() => child.kill('SIGKILL'), hangsAfterMs)
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
    clearTimeout(hangs)
    equal(code ?? signal, ending.code, `${out}\n${err}`)
    equal(out, ending.out ?? '', err)
    if (ending.err) match(err, ending.err)
    else equal(err, '')
  })
