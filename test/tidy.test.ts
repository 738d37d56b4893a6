/**
 * House rules that need no compiler: an ordinary test that reads the tree. What can be said as a lint rule is
 * one (oxlint.config.ts, shown by lint-rules.test.ts).
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import { machineEnds, mayImport } from '../oxlint.config.ts'

/** Past this, look for two ideas in the file: reported. */
const linesToReport = 400
const linesMax = 800

const root = resolve(import.meta.dirname, '..')
const files = ['src', 'test', 'examples', 'bench', 'tools'].flatMap(folder =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(file => /\.(ts|js)$/.test(file) && !file.includes('node_modules'))
    .map(file => `${folder}/${file.replaceAll('\\', '/')}`),
)
const sources = files.filter(file => file.startsWith('src/'))
const textOf = new Map(files.map(file => [file, readFileSync(join(root, file), 'utf8')]))

/** `file:line` of each line that matches. */
function findLines(pattern: RegExp, within: (file: string) => boolean): string[] {
  return [...textOf].flatMap(([file, text]) =>
    within(file)
      ? text
          .split('\n')
          .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1} ${line.trim()}`] : []))
      : [],
  )
}

test('every folder of src has its row in the layer table, and a door', () => {
  const folders = new Set(sources.map(file => file.split('/')[1] ?? '').filter(name => !name.endsWith('.ts')))
  const withoutRow = [...folders].filter(folder => !(folder in mayImport))
  assert.deepEqual(withoutRow, [])
  // The command line is a program: it is entered through main.ts, and nothing imports it.
  const withoutDoor = [...folders].filter(folder => folder !== 'cli' && !textOf.has(`src/${folder}/index.ts`))
  assert.deepEqual(withoutDoor, [])
})

test('every file that is exempt from the seam rule exists', () => {
  assert.deepEqual(
    machineEnds.filter(file => !existsSync(join(root, file))),
    [],
  )
})

test('no file is too long', t => {
  const lengths = [...textOf].map(([file, text]) => ({ file, lines: text.split('\n').length - 1 }))
  for (const { file, lines } of lengths)
    if (lines > linesToReport) t.diagnostic(`${file} has ${lines} lines: are there two ideas in it?`)
  assert.deepEqual(
    lengths.filter(({ lines }) => lines > linesMax),
    [],
  )
})

test('no test is skipped or runs alone', () => {
  const unfinished = /\b(?:test|it|describe|suite|t)\.(?:only|skip|todo)\(|\b(?:only|skip|todo): true/
  assert.deepEqual(
    findLines(unfinished, file => file.endsWith('.test.ts') && !file.endsWith('tidy.test.ts')),
    [],
  )
})

test('messages of the sources use plain words', () => {
  const inText =
    /^(?!\s*(?:\/\/|\*|\/\*)).*['"`].*\b(?:anew|whoever|[Mm]end|under way|go(?:es)? on|(?<![Tt]here )(?:is|are) no (?!longer|more))\b/
  // The contracts' cases of a suite are names of tests, as sentences.
  assert.deepEqual(
    findLines(inText, file => file.startsWith('src/') && !/\.test\b|test-support|conformance/.test(file)),
    [],
  )
})

test('nothing is left for later, and the compiler is not silenced', () => {
  const later = /\b(?:TODO|FIXME|XXX)\b|not implemented|@ts-ignore|@ts-nocheck|\bas any\b/i
  assert.deepEqual(
    findLines(later, file => !file.endsWith('tidy.test.ts')),
    [],
  )
  // Type tests say what must not compile; sources have no business to.
  assert.deepEqual(
    findLines(/@ts-expect-error/, file => file.startsWith('src/') && !file.endsWith('.test.ts')),
    [],
  )
})

/** Where a name that a door exports is declared: file and line; undefined where it is not found. */
function declarationOf(name: string, door: string): readonly [file: string, line: number] | undefined {
  const text = textOf.get(door) ?? ''
  const declared = new RegExp(
    `^export (?:async )?(?:class|interface|function|type|const) ${name}\\b`,
    'm',
  ).exec(text)
  if (declared) return [door, text.slice(0, declared.index).split('\n').length]
  for (const [, names = '', from = ''] of text.matchAll(/^export (?:type )?(\{[^}]*\}|\*) from '([^']+)'/gm))
    if (names === '*' || new RegExp(`\\b${name}\\b`).test(names)) {
      const found = declarationOf(name, relative(root, join(root, dirname(door), from)).replaceAll('\\', '/'))
      if (found) return found
    }
  return undefined
}

test('everything that users may import is documented', () => {
  const undocumented: string[] = []
  for (const door of ['src/index.ts', 'src/connect/index.ts', 'src/testing/index.ts'])
    for (const [, names = ''] of (textOf.get(door) ?? '').matchAll(/^export (?:type )?\{([^}]*)\} from/gm))
      for (const [name] of names.replaceAll(/\btype /g, '').matchAll(/\w+/g)) {
        const [file, line] = declarationOf(name, door) ?? [door, 0]
        const above = textOf.get(file)?.split('\n')[line - 2] ?? ''
        if (!above.endsWith('*/')) undocumented.push(`${file}:${line} ${name}`)
      }
  assert.deepEqual(undocumented, [])
})

test('what the documents name is there, and what they call absent is not', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
  const wrong: string[] = []
  for (const document of ['README.md', 'docs/ARCHITECTURE.md']) {
    for (const paragraph of readFileSync(join(root, document), 'utf8').split('\n\n')) {
      const isThere = !paragraph.startsWith('Not here yet')
      for (const [, path] of paragraph.matchAll(/`((?:src|test|tools|docs|examples|bench|\.ci)\/[^`*… ]*)`/g))
        if (existsSync(join(root, path ?? '')) !== isThere) wrong.push(`${document}: ${path}`)
      for (const [, path] of paragraph.matchAll(/\]\(([^:)#]+)\)/g))
        if (!existsSync(join(root, dirname(document), path ?? ''))) wrong.push(`${document}: ${path}`)
      for (const [, script] of paragraph.matchAll(/\bnpm run ([\w:-]+)/g))
        if (!((script ?? '') in manifest.scripts)) wrong.push(`${document}: npm run ${script}`)
    }
  }
  assert.deepEqual(wrong, [])
})

test('every folder of src stands in the code map', () => {
  const map = readFileSync(join(root, 'docs/ARCHITECTURE.md'), 'utf8')
  const folders = new Set(sources.map(file => file.split('/').slice(0, 2).join('/')))
  assert.deepEqual(
    [...folders].filter(folder => !folder.endsWith('.ts') && !map.includes(`| \`${folder}\` `)),
    [],
  )
})

test('the lockfile holds the native packages of every platform', () => {
  const { status, stderr } = spawnSync(process.execPath, ['tools/lock-platforms.js', '--check'], {
    cwd: root,
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
})
