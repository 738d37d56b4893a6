/**
 * Shows that the house rules of oxlint.config.ts report breaches. Each case is one line in a file of a folder
 * laid out like the project, with the project's configuration. One run of the linter checks all cases.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { test } from 'node:test'

interface Case {
  file: string
  line: string
  /** The rule that must report the line; undefined if no house rule may report it. */
  reports: string | undefined
}

const cases: Case[] = []
const add = (file: string, line: string, reports?: string): void => {
  cases.push({ file, line, reports })
}
/** The ways to import. Names differ by case, since many cases share a file. */
const importing = (file: string, from: string, reports?: string): void => {
  const n = cases.length
  add(file, `import { x as a${n} } from '${from}'; export const b${n}: unknown = a${n}`, reports)
  add(file, `import type { X as C${n} } from '${from}'; export type D${n} = C${n}`, reports)
  add(file, `export { e as e${n} } from '${from}'`, reports)
}
const calling = (file: string, expression: string, reports?: string): void =>
  add(file, `export const f${cases.length} = (): unknown => ${expression}`, reports)

const imports = 'eslint(no-restricted-imports)'
const globals = 'eslint(no-restricted-globals)'
const properties = 'eslint(no-restricted-properties)'

// Valid: an import of a lower layer through its door, or of a file of the same folder. Tests import what they
// need.
importing('src/wire/batch.ts', '../base/index.ts')
importing('src/wire/messages/fetch.ts', '../../base/index.ts')
importing('src/wire/messages/fetch.ts', '../batch.ts')
importing('src/wire/messages/fetch.ts', './produce.ts')
importing('src/stream/plan/graph.ts', '../operators/operator.ts')
importing('src/stream/run/instance.ts', '../task/outputs.ts')
importing('src/stream/run/instance.ts', './commits.ts')
importing('src/log/partition/partition.ts', '../recovery/damage.ts')
importing('src/log/log-directory.ts', './partition/visibility.ts')
importing('src/stream/operators/filter.ts', '../../state/index.ts')
importing('src/broker/broker.ts', '../log/index.ts')
importing('src/broker/transactions/transaction-end.ts', '../offsets/offsets.ts')
importing('src/broker/open-parts.ts', './topics/topics.ts')
importing('src/stream/task/task.test.ts', '../dsl/stream.ts')
importing('src/testing/simulated-disk.ts', '../broker/index.ts')
importing('src/cli/main.ts', '../index.ts')
importing('src/index.ts', './broker/index.ts')
importing('src/wire/batch.test.ts', '../base/varint.ts')

// Invalid: an import of a higher layer, or of another layer on the same level.
importing('src/base/assert.ts', '../wire/index.ts', imports)
importing('src/wire/batch.ts', '../log/index.ts', imports)
importing('src/wire/messages/fetch.ts', '../../log/index.ts', imports)
importing('src/log/partition.ts', '../port/index.ts', imports)
importing('src/port/producer.ts', '../log/index.ts', imports)
importing('src/kafka/client.ts', '../broker/index.ts', imports)
importing('src/state/memory.ts', '../stream/index.ts', imports)
importing('src/stream/task.ts', '../log/index.ts', imports)
importing('src/stream/task.ts', '../broker/index.ts', imports)
importing('src/stream/operators/filter.ts', '../../connect/index.ts', imports)
importing('src/connect/runner.ts', '../cli/index.ts', imports)
importing('src/stream/task.ts', '../index.ts', imports)

// Invalid: an import of a higher room, or of a module above the rooms.
importing('src/stream/operators/filter.ts', '../task/outputs.ts', imports)
importing('src/stream/operators/filter.ts', '../plan/plan.ts', imports)
importing('src/stream/plan/graph.ts', '../task/outputs.ts', imports)
importing('src/stream/dsl/stream.ts', '../task/outputs.ts', imports)
importing('src/stream/task/task.ts', '../run/commits.ts', imports)
importing('src/stream/task/task.ts', '../dsl/table.ts', imports)
importing('src/stream/run/instance.ts', '../dsl/table.ts', imports)
importing('src/stream/operators/filter.ts', '../index.ts', imports)
importing('src/log/files/small-file.ts', '../segment/segment.ts', imports)
importing('src/log/segment/segment.ts', '../partition/flush.ts', imports)
importing('src/log/recovery/recovery.ts', '../partition/partition.ts', imports)
importing('src/log/partition/partition.ts', '../log-directory.ts', imports)
importing('src/broker/offsets/offsets.ts', '../transactions/transactions.ts', imports)
importing('src/broker/groups/group.ts', '../transactions/transactions.ts', imports)
importing('src/broker/transactions/transactions.ts', '../groups/groups.ts', imports)
importing('src/broker/groups/group-admin.ts', '../apps.ts', imports)

// Modules outside a folder import it only through its door.
importing('src/wire/batch.ts', '../base/varint.ts', imports)
importing('src/wire/messages/fetch.ts', '../../base/varint.ts', imports)
importing('src/connect/runner.ts', '../stream/operators/filter.ts', imports)
importing('src/testing/test-app.ts', '../broker/groups/groups.ts', imports)
importing('src/index.ts', './broker/groups/groups.ts', imports)

// Time, randomness, files and sockets come through the seams.
calling('src/log/partition.ts', 'Date.now()', properties)
calling('src/port/producer.ts', 'Math.random()', properties)
calling('src/stream/task.ts', 'process.hrtime()', properties)
calling('src/stream/operators/map.ts', 'globalThis.setTimeout(() => {}, 1)', properties)
calling('src/broker/groups/groups.ts', 'setTimeout(() => {}, 1)', globals)
calling('src/kafka/client.ts', 'setInterval(() => {}, 1)', globals)
calling('src/state/memory.ts', 'setImmediate(() => {})', globals)
calling('src/log/recovery.ts', 'performance.now()', globals)
importing('src/log/segment.ts', 'node:fs', imports)
importing('src/log/segment.ts', 'fs/promises', imports)
importing('src/broker/server.ts', 'node:net', imports)
importing('src/stream/task.ts', 'node:timers/promises', imports)
calling('src/base/clock.ts', 'Date.now()')
importing('src/base/node-net.ts', 'node:net')
calling('src/connect/runner.ts', 'Date.now()')
calling('src/log/partition.test.ts', 'Date.now()')
importing('src/connect/runner.ts', 'node:fs')

// The other rules of the design that the linter checks.
add(
  'src/log/promise.ts',
  'export function f(): void { Promise.resolve().then(() => 1) }',
  'typescript(no-floating-promises)',
)
add('src/log/type.ts', "export const a: number = ''", 'typescript(TS2322)')
add('src/log/any.ts', 'export const a: any = 1', 'typescript(no-explicit-any)')
add(
  'src/log/cycle-a.ts',
  "import { b } from './cycle-b.ts'; export const a = (): unknown => b",
  'import(no-cycle)',
)
add(
  'src/log/cycle-b.ts',
  "import { a } from './cycle-a.ts'; export const b = (): unknown => a",
  'import(no-cycle)',
)

test('the linter reports every breach of the house rules, and nothing else', () => {
  const root = resolve(import.meta.dirname, '..')
  const folder = mkdtempSync(join(tmpdir(), 'millrace-lint-'))
  try {
    for (const file of ['oxlint.config.ts', 'tsconfig.json', 'package.json'])
      copyFileSync(join(root, file), join(folder, file))
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
    const files = Map.groupBy(cases, ({ file }) => file)
    for (const [file, lines] of files) {
      mkdirSync(join(folder, dirname(file)), { recursive: true })
      writeFileSync(join(folder, file), lines.map(({ line }) => line).join('\n'))
    }

    const linter = join(root, 'node_modules/oxlint/bin/oxlint')
    const { stdout } = spawnSync(process.execPath, [linter, '--format', 'json'], {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 64 << 20,
    })
    const { diagnostics } = JSON.parse(stdout) as {
      diagnostics: { code: string; filename: string; labels: { span: { line: number } }[] }[]
    }

    const house = new Set(cases.map(({ reports }) => reports))
    const place = (file: string, line: number, rule: string): string =>
      `${file}:${line} ${rule} ${files.get(file)![line - 1]!.line}`
    const reported = diagnostics
      .filter(({ code }) => house.has(code))
      .map(({ code, filename, labels }) => place(filename, labels[0]!.span.line, code))
    const expected = [...files].flatMap(([file, lines]) =>
      lines.flatMap(({ reports }, index) => (reports ? [place(file, index + 1, reports)] : [])),
    )
    assert.deepEqual([...new Set(reported)].sort(), expected.sort())
  } finally {
    rmSync(folder, { recursive: true })
  }
})
