/**
 * The lint rules, among them two house rules that the design depends on:
 *
 * - **The layer rule**: imports point down only, and enter another folder only through its door, `index.ts`.
 *   So they do between the rooms of a folder.
 * - **The seam rule**: time, chance, files and sockets, which make a run unrepeatable, come as arguments.
 *   Below `connect` only the machine ends of the seams call the machine; they are listed here one by one.
 *
 * `test/lint-rules.test.ts` shows that each breach is reported. Tests are exempt from both rules.
 */
import { defineConfig, type OxlintConfig } from 'oxlint'

/**
 * The folders that each folder of `src` may import, beside itself. The table is the design's; a new folder
 * needs a row here.
 */
export const mayImport: Record<string, string[]> = {
  base: [],
  wire: ['base'],
  schema: ['base'],
  log: ['base', 'wire'],
  port: ['base', 'wire', 'schema'],
  broker: ['base', 'wire', 'log', 'port'],
  kafka: ['base', 'wire', 'port'],
  state: ['base', 'wire', 'schema', 'port'],
  stream: ['base', 'wire', 'schema', 'port', 'state'],
  sql: ['base', 'schema', 'port', 'state', 'stream'],
  connect: ['base', 'wire', 'schema', 'port', 'state', 'stream'],
  dashboard: ['base', 'schema', 'port', 'state', 'stream', 'sql', 'connect'],
  // The command line and the test tools put whole systems together, as src/index.ts does.
  cli: ['*'],
  testing: ['*'],
}
const folders = Object.keys(mayImport)

/**
 * In folders with rooms, the rooms that each may import. What is in the folder itself is above its rooms. A
 * new room needs a line here.
 */
export const roomsMayImport: Record<string, Record<string, string[]>> = {
  stream: {
    operators: [],
    plan: ['operators'],
    dsl: ['operators', 'plan'],
    task: ['operators', 'plan'],
    run: ['operators', 'plan', 'task'],
  },
  log: {
    files: [],
    segment: ['files'],
    epochs: ['files', 'segment'],
    producers: ['files', 'segment'],
    cleaner: ['files', 'segment'],
    recovery: ['files', 'segment', 'epochs', 'producers', 'cleaner'],
    partition: ['files', 'segment', 'epochs', 'producers', 'cleaner', 'recovery'],
  },
  broker: {
    configs: [],
    admission: [],
    fetch: [],
    internal: ['configs'],
    topics: ['configs', 'internal'],
    offsets: ['internal'],
    groups: ['configs', 'offsets'],
    transactions: ['configs', 'internal', 'offsets'],
  },
}

/** Folders in which time, chance, files and sockets come as arguments. */
const seamed = ['wire', 'log', 'port', 'broker', 'kafka', 'schema', 'state', 'stream', 'base']

/** The machine's end of each seam: the only files in those folders that may touch it. */
export const machineEnds: string[] = [
  'src/base/clock.ts',
  'src/base/node-disk.ts',
  'src/base/node-lock.ts',
  'src/base/node-net.ts',
  'src/base/random.ts',
]

/** Modules of Node that are the machine: the seams replace them. */
const machineModules = [
  'fs',
  'fs/promises',
  'net',
  'tls',
  'dgram',
  'http',
  'https',
  'timers',
  'timers/promises',
  'perf_hooks',
].flatMap(name => [name, `node:${name}`])
const machineGlobals = ['setTimeout', 'setInterval', 'setImmediate', 'performance', 'fetch', 'WebSocket']
const machineProperties = {
  Date: ['now'],
  Math: ['random'],
  process: ['hrtime', 'uptime'],
  globalThis: machineGlobals,
}

type Rules = NonNullable<OxlintConfig['rules']>
type Pattern = { message: string } & ({ regex: string } | { group: string[] })

const useSeam =
  'Take a Clock, Random, Disk or Net as an argument (src/base), so that a run can be repeated; the machine ends of the seams are listed in oxlint.config.ts.'
const seamRules: Rules = {
  'eslint/no-restricted-globals': ['error', ...machineGlobals.map(name => ({ name, message: useSeam }))],
  'eslint/no-restricted-properties': [
    'error',
    ...Object.entries(machineProperties).flatMap(([object, properties]) =>
      properties.map(property => ({ object, property, message: useSeam })),
    ),
  ],
}

function doors(others: string[]): Pattern {
  return {
    // A conformance suite is loaded by tests only, so it has a separate door.
    group: others.flatMap(other => [
      `**/${other}/**`,
      `!**/${other}/index.ts`,
      `!**/${other}/conformance/index.ts`,
    ]),
    message: "Other folders are entered through their door, 'index.ts'.",
  }
}

interface Place {
  /**
   * Folders between the file and `src`: that many steps up is the composition root, which no folder may
   * import.
   */
  depth: 1 | 2
  /** The room, of those in {@link roomsMayImport}. */
  room?: string
  machineEnd?: boolean
}

function roomRule(folder: string, room: string): Pattern[] {
  const rooms = roomsMayImport[folder] ?? {}
  const allowed = rooms[room] ?? []
  const forbidden = Object.keys(rooms).filter(other => other !== room && !allowed.includes(other))
  const message = `Imports point down: of ${folder}, ${room} may import ${allowed.join(', ') || 'nothing'} (see oxlint.config.ts).`
  return [
    { regex: `^\\.\\./(${forbidden.join('|')})/`, message },
    { regex: '^\\.\\./[^./]+\\.ts$', message },
  ]
}

function layerRule(folder: string, { depth, room, machineEnd = false }: Place): Rules {
  const allowed = mayImport[folder] ?? []
  const everything = allowed.includes('*')
  const others = folders.filter(other => other !== folder)
  const forbidden = everything ? [] : others.filter(other => !allowed.includes(other))
  const message = `Imports point down: ${folder} may import ${allowed.join(', ') || 'nothing'} (see oxlint.config.ts).`
  const patterns: Pattern[] = []
  if (forbidden.length > 0) patterns.push({ regex: `^(\\.\\./)+(${forbidden.join('|')})/`, message })
  if (!everything) patterns.push({ regex: `^(\\.\\./){${depth}}index\\.ts$`, message })
  if (room !== undefined) patterns.push(...roomRule(folder, room))
  // Last: oxlint takes a door's exception in a group as the end of the matter.
  patterns.push(doors(others))
  const modules = seamed.includes(folder) && !machineEnd ? machineModules : []
  const paths = modules.map(name => ({ name, message: useSeam }))
  return { 'eslint/no-restricted-imports': ['error', { patterns, paths }] }
}

const tests = ['**/*.test.ts', '**/*.test-support.ts']
/** Calls of `node:test` return a promise that the runner itself waits for. */
const nodeTest = {
  from: 'package' as const,
  package: 'node:test',
  name: ['test', 'it', 'describe', 'suite', 'before', 'after'],
}

const config: OxlintConfig = defineConfig({
  plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import', 'node'],
  categories: { correctness: 'error', suspicious: 'error' },
  // With the compiler's errors: the pass that has the types for the rules finds them for half of what the
  // compiler takes.
  options: { typeAware: true, typeCheck: true },
  // The last has errors on purpose: test/types.test.ts compiles it.
  ignorePatterns: ['node_modules', 'dist', 'data', '.peers', '.cache', 'test/types/programs.ts'],
  rules: {
    // The compiler knows better (noImplicitReturns, and functions that end the process).
    'typescript/consistent-return': 'off',
    // The compiler refuses enums (erasableSyntaxOnly). This rule took most of the time to find none.
    'typescript/no-unsafe-enum-assignment': 'off',
    'typescript/no-unsafe-enum-comparison': 'off',
    // Parsing bytes and JSON ends in assertions; style asks for the reason, which no linter can judge.
    'typescript/no-unsafe-type-assertion': 'off',
    // Sorting a new array in place is fine, and hot paths must not copy.
    'unicorn/no-array-sort': 'off',
    // `new Array(n)` reserves space that is filled at once.
    'unicorn/no-new-array': 'off',
    // A small function may be next to its use; a type parameter may name a type for the caller.
    'unicorn/consistent-function-scoping': 'off',
    'typescript/no-unnecessary-type-parameters': 'off',
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': ['error', { allowForKnownSafeCalls: [nodeTest] }],
    'typescript/no-misused-promises': 'error',
    'typescript/switch-exhaustiveness-check': 'error',
    'typescript/consistent-type-imports': 'error',
    'import/no-cycle': 'error',
  },
  overrides: [
    ...folders.flatMap(folder => [
      { files: [`src/${folder}/*.ts`], excludeFiles: tests, rules: layerRule(folder, { depth: 1 }) },
      { files: [`src/${folder}/*/**/*.ts`], excludeFiles: tests, rules: layerRule(folder, { depth: 2 }) },
      ...Object.keys(roomsMayImport[folder] ?? {}).map(room => ({
        files: [`src/${folder}/${room}/**/*.ts`],
        excludeFiles: tests,
        rules: layerRule(folder, { depth: 2, room }),
      })),
    ]),
    {
      files: ['src/*.ts'],
      excludeFiles: tests,
      rules: { 'eslint/no-restricted-imports': ['error', { patterns: [doors(folders)] }] },
    },
    {
      files: seamed.map(folder => `src/${folder}/**/*.ts`),
      excludeFiles: [...tests, ...machineEnds],
      rules: seamRules,
    },
    ...machineEnds.map(file => ({
      files: [file],
      rules: layerRule(file.split('/')[1] ?? '', { depth: 1, machineEnd: true }),
    })),
  ],
})

export default config
