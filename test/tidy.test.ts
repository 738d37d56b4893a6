/**
 * House rules that need no compiler: an ordinary test that reads the tree. Rules that the linter can check
 * are in oxlint.config.ts (and tested by lint-rules.test.ts).
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import { machineEnds, mayImport } from '../oxlint.config.ts'
import { subjectFault } from './commit-subjects.ts'
import { proseOfCode, proseOfMarkdown, wideLines, wordRules } from './prose.ts'

/** A file with more lines is reported: it may hold two ideas. */
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

test('every folder of src has a row in the layer table, and a door', () => {
  const folders = new Set(sources.map(file => file.split('/')[1] ?? '').filter(name => !name.endsWith('.ts')))
  const withoutRow = [...folders].filter(folder => !(folder in mayImport))
  assert.deepEqual(withoutRow, [])
  // The command line is a program: it starts in main.ts, and no module imports it.
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

test('the code has no leftover to-dos, and does not silence the compiler', () => {
  const later = /\b(?:TODO|FIXME|XXX)\b|not implemented|@ts-ignore|@ts-nocheck|\bas any\b/i
  assert.deepEqual(
    findLines(later, file => !file.endsWith('tidy.test.ts')),
    [],
  )
  // Type tests mark the lines that must not compile; sources must not.
  assert.deepEqual(
    findLines(/@ts-expect-error/, file => file.startsWith('src/') && !file.endsWith('.test.ts')),
    [],
  )
})

/** The file and line that declare a name which a door exports; undefined if none is found. */
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

test('every export that users may import is documented', () => {
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

test('the paths and scripts that the documents name exist, and those that they call absent do not', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
  const wrong: string[] = []
  for (const document of ['docs/ARCHITECTURE.md']) {
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

test('every folder of src is in the code map', () => {
  const map = readFileSync(join(root, 'docs/ARCHITECTURE.md'), 'utf8')
  const folders = new Set(sources.map(file => file.split('/').slice(0, 2).join('/')))
  assert.deepEqual(
    [...folders].filter(folder => !folder.endsWith('.ts') && !map.includes(`| \`${folder}\` `)),
    [],
  )
})

const prose = spawnSync('git', ['ls-files', '*.ts', '*.js', '*.md'], { cwd: root, encoding: 'utf8' })
  .stdout.split('\n')
  // The rules themselves name the words.
  .filter(file => file !== '' && file !== 'test/prose.ts' && existsSync(join(root, file)))

test('comments, documents, messages and names of tests use plain words', () => {
  for (const { avoid, example } of wordRules) assert.match(example, avoid)
  const found = prose.flatMap(file => {
    const text = readFileSync(join(root, file), 'utf8')
    return (file.endsWith('.md') ? proseOfMarkdown(text) : proseOfCode(text)).flatMap(
      ({ line, text: words }) =>
        wordRules.flatMap(({ avoid, better }) => {
          const [phrase] = avoid.exec(words) ?? []
          return phrase === undefined ? [] : [`${file}:${line} '${phrase.trim()}': write ${better}`]
        }),
    )
  })
  assert.deepEqual(found, [])
})

test('comments and documents are at most 110 columns wide', () => {
  assert.deepEqual(
    prose.flatMap(file =>
      wideLines(file, readFileSync(join(root, file), 'utf8')).map(line => `${file}:${line}`),
    ),
    [],
  )
})

test('subjects of commits are imperative and short', () => {
  assert.equal(subjectFault('log: sync before a record is shown'), undefined)
  assert.equal(subjectFault('base, wire: pass the seed'), undefined)
  for (const wrong of ['Fix the log', 'log: fixed it', 'log: adds a case', `log: keep ${'x'.repeat(72)}`])
    assert.notEqual(subjectFault(wrong), undefined, wrong)
  const git = (...args: readonly string[]): string[] =>
    spawnSync('git', args, { cwd: root, encoding: 'utf8' })
      .stdout?.split('\n')
      .filter(line => line !== '') ?? []
  // The rule applies from the commit that introduced it. Without a repository, or its history, it checks
  // nothing.
  const [first] = git('log', '--diff-filter=A', '--format=%H', '--', 'test/commit-subjects.ts')
  if (first === undefined) return
  assert.deepEqual(
    git('log', '--no-merges', '--format=%s', `${first}^..HEAD`).flatMap(subject => {
      const fault = subjectFault(subject)
      return fault === undefined ? [] : [`'${subject}' ${fault}`]
    }),
    [],
  )
})

test('each code of an error is thrown by a source, documented and checked by a test', () => {
  const codes = [...(textOf.get('src/base/errors.ts') ?? '').matchAll(/^ {2}\| '(\w+)'/gm)]
  assert.ok(codes.length > 30)
  const isOfTests = (file: string): boolean => /\.test\b|test-support/.test(file) || file.startsWith('test/')
  const [thrown, documented, checked] = [new Set<string>(), new Set<string>(), new Set<string>()]
  for (const [file, text] of textOf) {
    if (file === 'src/base/errors.ts') continue
    for (const line of text.split('\n')) {
      const said = /^ *(?:\/?\*|\/\/)/.test(line) ? documented : thrown
      for (const [code] of line.matchAll(/\b[A-Z_]{5,}\b/g)) (isOfTests(file) ? checked : said).add(code)
    }
  }
  const missing = (where: ReadonlySet<string>): string[] =>
    codes.map(([, code = '']) => code).filter(code => !where.has(code))
  assert.deepEqual(missing(thrown), [], 'no source throws them')
  assert.deepEqual(missing(documented), [], 'no comment mentions them')
  assert.deepEqual(missing(checked), [], 'no test checks them')
})

/** Tables in code that must name each file of a folder. */
const tables = [
  { folder: 'src/cli/commands', table: 'src/cli/cli.ts' },
  { folder: 'src/wire/messages', table: 'src/wire/messages/index.ts' },
  { folder: 'src/wire/structures', table: 'src/wire/structures/index.ts' },
]

test('each file of a listed folder is in its table', () => {
  const missing = tables.flatMap(({ folder, table }) =>
    sources
      .filter(file => dirname(file) === folder && file !== table && !/\.test\b|test-support/.test(file))
      .filter(file => !textOf.get(table)?.includes(`'./${file.slice(dirname(table).length + 1)}'`))
      .map(file => `${table} does not import ${file}`),
  )
  assert.deepEqual(missing, [])
})

test('each command, connector and operator is in the documents and the changelog', () => {
  const read = (file: string): string => readFileSync(join(root, file), 'utf8')
  const guides = readdirSync(join(root, 'docs')).filter(
    file => file.endsWith('.md') && file !== 'ARCHITECTURE.md',
  )
  const documents = [read('README.md'), ...guides.map(file => read(`docs/${file}`))].join('\n')
  const changelog = read('CHANGELOG.md')
  const commands = sources.flatMap(file => /^src\/cli\/commands\/([\w-]+)\.ts$/.exec(file)?.[1] ?? [])
  const connectors = [
    ...(textOf.get('src/connect/index.ts') ?? '').matchAll(/\{([^}]*)\} from '.\/connectors\//g),
  ]
    .flatMap(([, names = '']) => names.split(','))
    .map(name => name.trim())
    .filter(name => name !== '' && !name.startsWith('type '))
  // That file has the usage of each method of the DSL.
  const usages = [...(textOf.get('src/stream/dsl/arguments.ts') ?? '').matchAll(/^ {2}(\w+): '.*\(/gm)]
  const operators = usages.map(([, name = '']) => name)
  assert(operators.length > 15)
  const table = read('README.md')
  const unlisted = commands.filter(name => !new RegExp(`^\\| \`${name}\\b`, 'm').test(table))
  assert.deepEqual(unlisted, [], 'commands without a row in the table of README.md')
  const missing = [...commands, ...connectors, ...operators].flatMap(name => {
    const named = new RegExp(`\`(?:millrace )?${name}\\b`)
    return [
      ...(named.test(documents) ? [] : [`README.md and docs/ do not name '${name}'`]),
      ...(new RegExp(`\\b${name}\\b`, 'i').test(changelog) ? [] : [`CHANGELOG.md does not name '${name}'`]),
    ]
  })
  assert.deepEqual(missing, [])
})

test('the lockfile holds the native packages of every platform', () => {
  const { status, stderr } = spawnSync(process.execPath, ['tools/lock-platforms.js', '--check'], {
    cwd: root,
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
})
