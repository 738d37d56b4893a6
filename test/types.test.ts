/**
 * A wrong field, key, join or sink does not compile: the compiler refuses exactly the lines that
 * `types/programs.ts` marks.
 */
import { deepEqual } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

const folder = join(import.meta.dirname, 'types')

test('the compiler refuses the wrong programs, and no others', () => {
  const marked = readFileSync(join(folder, 'programs.ts'), 'utf8')
    .split('\n')
    .flatMap((line, i) => (/\/\/ wrong: [a-z]/.test(line) ? [i + 1] : []))
  const compiler = join(
    dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
    'bin',
    'tsc',
  )
  const { stdout } = spawnSync(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], {
    encoding: 'utf8',
  })
  const refused = new Set<number>()
  const elsewhere: string[] = []
  for (const line of stdout.split('\n').filter(text => /error TS/.test(text))) {
    const [, number] = /programs\.ts\((\d+),/.exec(line) ?? []
    if (number === undefined) elsewhere.push(line)
    else refused.add(Number(number))
  }
  deepEqual(elsewhere, [])
  deepEqual(
    [...refused].sort((a, b) => a - b),
    marked,
  )
})
