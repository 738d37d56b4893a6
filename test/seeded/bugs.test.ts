/**
 * The list of seeded bugs stays current: each patch still applies, and the tests that must catch it exist.
 * `npm run test:seeded` applies them.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { bugs } from './bugs.ts'
import { patched } from './patch.ts'

const root = resolve(import.meta.dirname, '../..')

const atLeast = [
  'no fdatasync',
  'acknowledge before sync',
  'marker before its data',
  'stale checkpoint accepted',
  'skipped epoch bump',
  'offset + 1 across a marker',
  'dirty key dropped from the changelog',
  'watermark forgotten at restart',
  'offsets committed outside the transaction',
  'an aborted record shown',
]

test('the list has every kind of bug', () => {
  assert.deepEqual(
    atLeast.filter(kind => !bugs.some(({ name }) => name.startsWith(kind))),
    [],
  )
})

test('every seeded bug can be applied, and names existing tests', () => {
  assert.equal(new Set(bugs.map(({ name }) => name)).size, bugs.length)
  for (const bug of bugs) {
    const text = readFileSync(join(root, bug.file), 'utf8')
    assert.notEqual(patched(text, bug), text)
    assert(bug.tests.length > 0)
    for (const file of bug.tests) assert(existsSync(join(root, file)), `${bug.name}: there is no ${file}`)
  }
})
