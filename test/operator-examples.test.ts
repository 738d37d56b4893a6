/**
 * Each operator of docs/operators.md has a test and an example. Examples, and the programs of
 * docs/coming-from.md, compile and write what the page says.
 */
import { deepEqual, equal } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { after, test } from 'node:test'
import type { Topic, Windowed } from '../src/index.ts'
import type { App } from '../src/stream/index.ts'
import { testApp } from '../src/testing/index.ts'
import { textOf } from './documents.ts'
import { examples, moduleOfExamples, operatorExamples, page } from './operator-examples.ts'

const root = resolve(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'millrace-examples-'))
after(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'examples.ts')
writeFileSync(file, moduleOfExamples())
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')

interface Order {
  readonly cents: number
  readonly items: readonly string[]
}

interface Examples {
  readonly topics: {
    readonly orders: Topic<string, Order>
    readonly payments: Topic<string, number>
    readonly cities: Topic<string, string>
    readonly prices: Topic<string, number>
  }
  readonly out: Topic<unknown, unknown>
  readonly programs: readonly (() => App)[]
}

/** Runs an app over the inputs of the page. What it writes, as `key value`. */
async function written(app: App, { topics, out }: Examples): Promise<string[]> {
  const run = testApp(app)
  const at = (seconds: number, key: string, value: Order): void =>
    run.input(topics.orders).push({ key, value, timestamp: seconds * 1000 })
  const pay = (seconds: number, key: string, value: number): void =>
    run.input(topics.payments).push({ key, value, timestamp: seconds * 1000 })
  run.input(topics.cities).push({ key: 'ada', value: 'Paris' }, { key: 'bob', value: 'Rome' })
  run.input(topics.prices).push({ key: 'pen', value: 200 }, { key: 'ink', value: 300 })
  at(0, 'ada', { cents: 500, items: ['pen', 'ink'] })
  pay(20, 'ada', 500)
  at(30, 'bob', { cents: 1500, items: ['pen'] })
  at(70, 'ada', { cents: 300, items: ['ink'] })
  at(10, 'bob', { cents: 100, items: [] })
  pay(90, 'ada', 300)
  await run.settled()
  run.advanceTime(Number.POSITIVE_INFINITY)
  return run
    .output(out)
    .read()
    .map(({ key, value }) => `${keyText(key)} ${JSON.stringify(value)}`)
}

/** A key; of a window, with its bounds in seconds: `ada[0,60)`. */
function keyText(key: unknown): string {
  if (typeof key !== 'object' || key === null) return String(key)
  const { key: inner, start, end } = key as Windowed<unknown>
  return `${String(inner)}[${start / 1000},${end / 1000})`
}

test('the examples compile', () => {
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      typeRoots: [join(root, 'node_modules/@types')],
      // An example uses some of the inputs. The sources are outside of its folder.
      noUnusedLocals: false,
      rewriteRelativeImportExtensions: false,
      allowImportingTsExtensions: true,
    },
    files: [file],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const typescript = createRequire(import.meta.url).resolve('typescript/package.json')
  const compiler = join(dirname(typescript), 'bin', 'tsc')
  const { stdout } = spawnSync(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], {
    encoding: 'utf8',
  })
  equal(stdout, '')
})

test('each example writes what the page says', async t => {
  const loaded = (await import(file)) as Examples
  equal(loaded.programs.length, examples.length)
  for (const [n, { code, writes }] of examples.entries())
    await t.test(code.split('\n')[0] ?? '', async () => {
      deepEqual(await written(loaded.programs[n]!(), loaded), writes)
    })
})

/** A row of a table of docs/operators.md: the operators that it names, and its cells by their columns. */
interface Row {
  readonly section: string
  readonly names: readonly string[]
  readonly cells: ReadonlyMap<string, string>
}

const operators = 'docs/operators.md'
const cellsOf = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map(cell => cell.trim())
const allRows: readonly Row[] = textOf(operators)
  .split(/^(?=##+ )/m)
  .flatMap(section =>
    Array.from(section.matchAll(/^(\| operator .*)\n.*\n((?:\|.*\n?)+)/gm), ([, head = '', rows = '']) => {
      const columns = cellsOf(head)
      return rows
        .trimEnd()
        .split('\n')
        .map((line): Row => {
          const [operator = '', ...cells] = cellsOf(line)
          return {
            section: section.slice(0, section.indexOf('\n')),
            names: Array.from(operator.matchAll(/`(\w+)/g), ([, name = '']) => name),
            cells: new Map(cells.map((cell, i) => [columns[i + 1]!, cell])),
          }
        })
    }).flat(),
  )
/** The first table of a section: it has a row for each of its operators. */
const rows = allRows
  .filter(({ cells }) => cells.has('test'))
  .map(row => ({ ...row, test: /^\[([^\]]+)\]$/.exec(row.cells.get('test')!)?.[1] ?? 'none' }))

test('each operator of docs/operators.md has its rules and its names elsewhere', () => {
  const parts = [/^time/, /^no key|^null/, /^state$/, /^in Kafka Streams$/, /^in Flink$/]
  /** As often as a name is in the tables of its section with a column. */
  const named = (of: string, column: RegExp): string[] =>
    allRows
      .filter(
        ({ section, cells }) =>
          section === of && Array.from(cells).some(([name, cell]) => column.test(name) && cell !== ''),
      )
      .flatMap(({ names }) => names)
      .sort()
  for (const section of new Set(rows.map(row => row.section)))
    for (const part of parts) deepEqual(named(section, part), named(section, /^test$/), `${section}: ${part}`)
})

test('each operator of docs/operators.md has a test that names it', () => {
  const links = new Map(
    Array.from(textOf(operators).matchAll(/^\[(.+)\]: \.\.\/(.+\.test\.ts)$/gm), ([, name, path = '']) => [
      name,
      textOf(path),
    ]),
  )
  const missing = rows.flatMap(row =>
    row.names
      .filter(name => !new RegExp(`\\b${name}\\b`).test(links.get(row.test) ?? ''))
      .map(name => `${name} in ${row.test}`),
  )
  deepEqual(missing, [])
})

test('each operator of docs/operators.md has an example', () => {
  const named = rows.flatMap(({ names }) => names)
  equal(named.length > 40, true)
  const code = operatorExamples.map(each => each.code).join('\n')
  deepEqual(
    named.filter(name => !code.includes(`.${name}(`)),
    [],
    `an example in ${page}`,
  )
})
