/**
 * The programs of README and docs, from the packed package, under the oldest Node that is supported, Bun and
 * Deno. (Everything else runs under Node 26.)
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { clockProgram, guidePrograms, programsOf } from '../documents.ts'
import { hasRuntimes, npm, programOf, runtimes } from './runtimes.ts'

const root = resolve(import.meta.dirname, '../..')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string
  devDependencies: Record<string, string>
}

/** The README's `ts` blocks in order: hello, warehouse. */
const [hello = '', warehouse = ''] = [
  ...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^```ts\n(.*?)^```$/gms),
].map(([, program]) => program)
const [, helloOutput] =
  /^```\n+```text\n(.*?)^```$/ms.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? []
const service = readFileSync(join(root, 'examples/service.ts'), 'utf8')
  .replace("'../src/index.ts'", "'millrace'")
  .replace("'../src/connect/index.ts'", "'millrace/connect'")

/** The environment without what makes a test runner of Node report to this one. */
const { NODE_TEST_CONTEXT: _, ...outside } = process.env

describe('other runtimes', { skip: !hasRuntimes && 'there are programs for Linux on x64 only' }, () => {
  const project = mkdtempSync(join(tmpdir(), 'millrace-runtimes-'))
  after(() => rmSync(project, { recursive: true, force: true }))
  before(() => {
    npm(root, 'pack', '--pack-destination', project)
    writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
    const packages = ['zod', '@duckdb/node-api'].map(name => `${name}@${manifest.devDependencies[name]}`)
    npm(
      project,
      'install',
      '--prefer-offline',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      `millrace-${manifest.version}.tgz`,
      ...packages,
    )
  })

  for (const runtime of runtimes)
    it(`${runtime.name} runs the programs of README and docs, and the service`, async t => {
      const program = programOf(runtime)
      // Below the project, so that the packages are found there.
      const folder = join(project, runtime.name.replaceAll(' ', '-'))
      mkdirSync(folder)
      const files = { 'hello.ts': hello, 'warehouse.ts': warehouse, 'service.ts': service }
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
      writeFileSync(join(folder, 'airports.csv'), 'code,name,altitude\nDFW,Dallas-Fort Worth,607\n')
      const run = (file: string): string =>
        execFileSync(program, [...runtime.args, file], { cwd: folder, encoding: 'utf8' })

      assert.equal(run('hello.ts'), helloOutput)
      assert.equal(run('warehouse.ts'), '1 rows delivered\n')
      assert.equal(run('warehouse.ts'), '0 rows delivered\n')

      const guide = guidePrograms()
      for (const [name, text] of guide.programs) {
        const own = join(folder, name.replace('.ts', ''))
        mkdirSync(own)
        writeFileSync(join(own, name), text)
        const printed = execFileSync(program, [...runtime.args, name], { cwd: own, encoding: 'utf8' })
        assert.equal(printed, guide.prints, name)
      }
      writeFileSync(join(folder, 'clock.js'), clockProgram())
      assert.equal(run('clock.js'), '')
      for (const [name, text] of programsOf('docs/testing.md')) writeFileSync(join(folder, name), text)
      execFileSync(program, [...runtime.testArgs, 'delays.test.ts'], {
        cwd: folder,
        stdio: 'pipe',
        env: outside,
      })

      const child = spawn(program, [...runtime.args, 'service.ts'], {
        cwd: folder,
        env: { ...process.env, PORT: '0' },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      t.after(() => child.kill('SIGKILL'))
      let port: string | undefined
      for await (const line of createInterface({ input: child.stdout }))
        if ((port = /port: (\d+)/.exec(line)?.[1]) !== undefined) break
      const body = JSON.stringify({ customer: 'ada', cents: 100 })
      assert.equal((await fetch(`http://localhost:${port}`, { method: 'POST', body })).status, 204)
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      assert.deepEqual(await exit, [0, null])
    })
})
