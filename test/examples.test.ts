/**
 * The programs that README and docs show stand in examples/, to the letter, and do what the text says.
 * (test/package.test.ts runs the first one from the packed package, and examples/flights has a test of its own.)
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test, type TestContext } from 'node:test'

const root = resolve(import.meta.dirname, '..')
const examples = join(root, 'examples')

/** An example as a user writes it: imported from the package. */
function published(file: string): string {
  return readFileSync(join(examples, file), 'utf8')
    .replaceAll("'../src/index.ts'", "'millrace'")
    .replaceAll("'../src/connect/index.ts'", "'millrace/connect'")
    .replaceAll("'../src/testing/index.ts'", "'millrace/testing'")
}

const programs = readdirSync(examples)
  .filter(name => name.endsWith('.ts'))
  .map(published)

for (const document of ['README.md', 'docs/testing.md'])
  test(`every program of ${document} stands in examples/`, () => {
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

test('warehouse.ts delivers each row once, over runs and as the file grows', t => {
  const folder = temporaryFolder(t)
  const file = join(folder, 'airports.csv')
  writeFileSync(file, 'code,name,altitude\nDFW,Dallas-Fort Worth,607\nORD,Chicago,668\n')
  assert.equal(run(folder, 'warehouse.ts'), '2 rows delivered\n')
  appendFileSync(file, 'ORD,Chicago O’Hare,672\n')
  assert.equal(run(folder, 'warehouse.ts'), '1 rows delivered\n')
  assert.equal(run(folder, 'warehouse.ts'), '0 rows delivered\n')
})

test('the tests in examples/ pass', () => {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const files = readdirSync(examples).filter(name => name.endsWith('.test.ts'))
  assert.deepEqual(files, ['delays.test.ts'])
  const printed = execFileSync(process.execPath, ['--test', '--test-reporter=tap', ...files], {
    cwd: examples,
    encoding: 'utf8',
    env,
  })
  assert.match(printed, /^# pass 5$/m)
  assert.match(printed, /^# fail 0$/m)
})

/** What an example prints, run in a folder of its own. */
function run(folder: string, example: string): string {
  return execFileSync(process.execPath, [join(examples, example)], { cwd: folder, encoding: 'utf8' })
}

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-example-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}
