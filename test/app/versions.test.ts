/** Data directories that earlier versions wrote; those of 0.1.0 are in apps.test.ts. */
import { deepEqual } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { begin, resume, unpack } from './versions.ts'

test('apps, groups and transactions continue from a directory of commit f396753 as from one of this version', async () => {
  const fixture = new URL('fixtures/log-of-f396753.txt', import.meta.url)
  const continued = await resume(unpack(readFileSync(fixture, 'utf8')))
  deepEqual(continued, await resume(await begin()))
  deepEqual(continued.loaded, ['one', 'plain', 'two'])
})
