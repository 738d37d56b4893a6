/**
 * Files and folders that docs/ARCHITECTURE.md names. (package.test.ts and examples.test.ts check links,
 * programs and headings.)
 */
import { deepEqual, ok } from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { textOf } from './documents.ts'

const root = resolve(import.meta.dirname, '..')

test('the files and folders that docs/ARCHITECTURE.md names exist', () => {
  const named = [...textOf('docs/ARCHITECTURE.md').matchAll(/`([\w.-]+\/[\w./-]*|[\w.-]+\.(?:ts|js))`/g)].map(
    ([, name = '']) => name,
  )
  ok(named.length > 60)
  // Folders that have a row in the layer table, but do not exist yet.
  const announced = ['src/kafka', 'src/sql', 'src/dashboard']
  const missing = named.filter(
    name =>
      !announced.includes(name) && ![root, join(root, 'src')].some(folder => existsSync(join(folder, name))),
  )
  deepEqual(missing, [])
})
