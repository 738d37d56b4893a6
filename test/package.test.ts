/**
 * The package as a user gets it: packed, checked by publint and attw, and installed into an empty project
 * with install scripts off. There it runs the README's first example, whose output must match the README
 * exactly.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { documents, guidePrograms, headingsOf, linksOf, programsOf, readmeTsconfig } from './documents.ts'

const root = resolve(import.meta.dirname, '..')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string
  devDependencies: Record<string, string>
}

/** The README's first `ts` block, and the `text` block below it that shows what it prints. */
function readmeExample(): { program: string; output: string } {
  const found = /```ts\n(.*?)```\n+```text\n(.*?)```/s.exec(readFileSync(join(root, 'README.md'), 'utf8'))
  assert(found?.[1] && found[2], 'README.md has a ts block followed by a text block with its output')
  return { program: found[1], output: found[2] }
}

/** The other doors. Their types must compile without the optional drivers, which are not installed here. */
const doors = `
import { csv } from 'millrace/connect'
import { testApp } from 'millrace/testing'
export { csv, testApp }
`

const appWithImport = `
import { createApp, text, topic } from 'millrace'
import { name } from './names.ts'
export const app = createApp(name)
app.stream(topic('in', { key: text(), value: text() })).to(topic('out', { key: text(), value: text() }))
`

describe('the packed package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-package-'))
  const tarball = join(folder, `millrace-${manifest.version}.tgz`)
  after(() => rmSync(folder, { recursive: true, force: true }))
  before(() => npm(root, 'pack', '--pack-destination', folder))

  it('passes publint', () => {
    tool('publint/src/cli.js', 'run', '--strict', tarball)
  })

  it('passes attw for ESM', () => {
    tool(
      '@arethetypeswrong/cli/dist/index.js',
      '--profile',
      'esm-only',
      '--format',
      'ascii',
      '--no-color',
      tarball,
    )
  })

  const packed = (): string[] =>
    execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(file => file.replace(/^package\//, ''))

  it('holds the published files and no others', () => {
    const published =
      /^(package\.json|README\.md|CHANGELOG\.md|LICENSE|docs\/[^/]*\.md|examples\/.*\.ts|dist\/(?!.*\.test\b).*\.(d\.ts|js))$/
    assert.deepEqual(
      packed().filter(file => !published.test(file)),
      [],
    )
  })

  it('holds the files that README and docs link to, and the headings that they name', () => {
    const files = packed()
    let count = 0
    for (const document of documents)
      for (const { path, heading } of linksOf(document)) {
        count += 1
        const where = `${document} links to ${path}`
        assert.ok(
          files.some(file => file === path || file.startsWith(`${path}/`)),
          where,
        )
        if (heading !== undefined) assert.ok(headingsOf(path).includes(heading), `${where}#${heading}`)
      }
    assert.ok(count > 10)
  })

  it('names its authors and its purpose', () => {
    const shown = ['description', 'keywords', 'license', 'author', 'engines'] as const
    const all = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, unknown>
    for (const field of shown) assert.ok(all[field], field)
  })

  it('installs beside its optional drivers', () => {
    const project = join(folder, 'with-drivers')
    mkdirSync(project)
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'drivers', private: true }))
    // DuckDB numbers its releases as pre-releases (1.5.6-r.1), which no range but '*' admits.
    const driver = `@duckdb/node-api@${manifest.devDependencies['@duckdb/node-api']}`
    npm(project, 'install', '--dry-run', '--prefer-offline', '--no-audit', '--no-fund', tarball, driver)
  })

  it('installs into an empty project, and runs the first program of the README and those of docs', () => {
    const project = join(folder, 'project')
    mkdirSync(project)
    writeFileSync(
      join(project, 'package.json'),
      JSON.stringify({ name: 'hello', private: true, type: 'module' }),
    )
    const zod = `zod@${manifest.devDependencies['zod']}`
    npm(project, 'install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', tarball, zod)
    const { program, output } = readmeExample()
    writeFileSync(join(project, 'hello.ts'), program)
    assert.equal(run(process.execPath, ['hello.ts'], project), output)
    // The built command line finds its own modules in another way than those of users.
    writeFileSync(join(project, 'names.ts'), "export const name: string = 'by-name'\n")
    writeFileSync(join(project, 'by-name.ts'), appWithImport)
    const command = join(project, 'node_modules/millrace/dist/cli/main.js')
    assert.match(run(process.execPath, [command, 'topic', 'list'], project), /^flights\t1 partition$/m)
    assert.match(run(process.execPath, [command, 'describe', 'by-name.ts'], project), /^app by-name$/m)
    // Every program of README and docs compiles as the README says. The compiler also checks our
    // declarations: no skipLibCheck.
    writeFileSync(join(project, 'tsconfig.json'), readmeTsconfig())
    writeFileSync(join(project, 'doors.ts'), doors)
    for (const document of documents)
      for (const [name, text] of programsOf(document))
        // Except programs that need the driver, which is not installed here: examples.test.ts runs those.
        if (!text.includes("'@duckdb/node-api'")) writeFileSync(join(project, name), text)
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    run(process.execPath, [compiler, '-p', '.', '--typeRoots', join(root, 'node_modules/@types')], project)
    // The programs of the guides run, too: apps over one record each, and the tests of docs/testing.md.
    const guide = guidePrograms()
    for (const [name, text] of guide.programs) {
      const own = join(project, name.replace('.ts', ''))
      mkdirSync(own)
      writeFileSync(join(own, name), text)
      assert.equal(run(process.execPath, [name], own), guide.prints, name)
    }
    run(process.execPath, ['--test', 'delays.test.ts'], project)
    // examples/hello.ts is the same program, but imports the sources so that it is type-checked here.
    const example = readFileSync(join(root, 'examples/hello.ts'), 'utf8')
    assert.equal(example.replace("'../src/index.ts'", "'millrace'"), program)
  })
})

function tool(script: string, ...args: string[]): string {
  return run(process.execPath, [join(root, 'node_modules', script), ...args], root)
}

/**
 * Runs npm by the script that started this test, if npm did: its command is another file on each platform.
 */
function npm(cwd: string, ...args: string[]): string {
  const script = process.env['npm_execpath']
  return script ? run(process.execPath, [script, ...args], cwd) : run('npm', args, cwd)
}

/** The output of the command. A failure carries both streams, since tools report errors on different ones. */
function run(program: string, args: string[], cwd: string): string {
  try {
    return execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause: error })
  }
}
