/** Data directories that earlier versions wrote; those of 0.1.0 are in apps.test.ts. */
import { deepEqual } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { begin, resume, unpack } from './versions.ts'

/** 3a06ab1 is the last commit before topics had Kafka's configs. */
const commits = ['f396753', '3a06ab1']

test('apps, groups and transactions continue from directories of earlier commits as from one of this version', async () => {
  const ofThis = await resume(await begin())
  deepEqual(ofThis.loaded, ['one', 'plain', 'two'])
  for (const commit of commits) {
    const fixture = new URL(`fixtures/log-of-${commit}.txt`, import.meta.url)
    deepEqual(await resume(unpack(readFileSync(fixture, 'utf8'))), ofThis, commit)
  }
})
