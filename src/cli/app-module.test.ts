/** Modules that export an app: how they are described, and what is said of those that cannot be loaded. */
import { deepEqual, match } from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { refused, run } from './cli.test-support.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-modules-'))
after(() => rmSync(folder, { recursive: true, force: true }))

test('names a module that exports no app or cannot be loaded, with the fault', async () => {
  const sources = pathToFileURL(join(import.meta.dirname, '../index.ts')).href
  const cases: [string, readonly [number, string, RegExp]][] = [
    ['export const a = 1', [2, 'USAGE', /exports no app/]],
    ['class RunnableApp {}; export default new RunnableApp()', [2, 'USAGE', /another installation/]],
    ['\nexport const a = ', [1, 'APP_MODULE_FAILED', /SyntaxError.*\n.*m1?\d\.ts:2/]],
    ["\nthrow new Error('boom')", [1, 'APP_MODULE_FAILED', /Error: boom\n.*m1?\d\.ts:2/]],
    ["throw 'a string'", [1, 'APP_MODULE_FAILED', /a string/]],
    ["import 'not-installed'", [1, 'APP_MODULE_FAILED', /not-installed/]],
    [
      `import { createApp } from '${sources}'\nexport default createApp('no such name')`,
      [2, 'INVALID_ARGUMENT', /'no such name'/],
    ],
    [
      `import { createApp } from '${sources}'
       await using twice = { async [Symbol.asyncDispose]() { throw new Error('and another') } }
       createApp('the first failure')`,
      [2, 'INVALID_ARGUMENT', /'the first failure'/],
    ],
    [
      `import { createApp, text, topic } from '${sources}'
       const lines = createApp('twins').stream(topic('lines', { value: text() }))
       for (let n = 0; n < 2; n += 1) lines.filter(() => true, { name: 'same' })`,
      [1, 'DUPLICATE_OPERATOR', /'same'.*\{ name \}/],
    ],
    [
      `import { createApp, text, topic, tumbling } from '${sources}'
       const counts = createApp('shrinking').stream(topic('lines', { key: text(), value: text() })).groupByKey()
         .windowedBy(tumbling('1h', { allowedLateness: '2d' })).count()
       counts.emit('final').toStream(({ key }) => key).groupByKey().windowedBy(tumbling('1d')).count()`,
      [1, 'LATENESS_SHRINKS', /tumbling 1d.*: 2d\).*allowedLateness: '2d'/],
    ],
  ]
  for (const [index, [text, expected]] of cases.entries()) {
    const path = join(folder, `m${index}.ts`)
    writeFileSync(path, text)
    await refused(['describe', path], expected)
  }
  await refused(['describe', join(folder, 'none.ts')], [1, 'SOURCE_MISSING', /none\.ts/])
  await refused(['run', folder], [2, 'USAGE', /is a folder/])
})

test('describe: text, Mermaid and JSON', async () => {
  const path = join(folder, 'app.ts')
  const sources = pathToFileURL(join(import.meta.dirname, '../index.ts')).href
  writeFileSync(
    path,
    `import { createApp, text, topic } from '${sources}'
     export const app = createApp('copier')
     app.stream(topic('from', { value: text() }), { name: 'read' }).to(topic('to', { value: text() }))`,
  )
  match((await run(['describe', path])).out, /^app copier\n {2}stage 0\n {4}read: stream of topic from\n/)
  match((await run(['describe', path, '--format', 'mermaid'])).out, /^flowchart TD\n[^]*n0 --> n1/)
  const json = JSON.parse((await run(['describe', path, '--format', 'json'])).out) as {
    app: string
    stages: { nodes: { name: string }[] }[]
  }
  deepEqual([json.app, json.stages[0]?.nodes[0]?.name], ['copier', 'read'])
})
