/**
 * A real limit of open files: partitions, each with a segment, indexes and a snapshot, in a process that may
 * open fewer files.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import process from 'node:process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { temporaryFolder } from '../broker/support.ts'

const child = fileURLToPath(new URL('./few-descriptors-child.test-support.ts', import.meta.url))
const limits = [
  { limit: 256, partitions: 400, durability: 'sync', runs: 2 },
  { limit: 64, partitions: 100, durability: 'os', runs: 1 },
] as const

for (const { limit, partitions, durability, runs } of limits)
  test(
    `${partitions} partitions work under ulimit -n ${limit}, durability ${durability}`,
    { skip: process.platform === 'win32' },
    async t => {
      const folder = temporaryFolder()
      t.after(() => folder.remove())
      const command = [process.execPath, child, folder.path, durability, `${partitions}`]
      for (let run = 1; run <= runs; run += 1) {
        const script = `ulimit -n ${limit} && exec "$0" "$@"`
        const { stdout } = await promisify(execFile)('sh', ['-c', script, ...command])
        // The second round reads what both rounds of each run have written, and its group what the last
        // round has written.
        assert.equal(Number(stdout), (2 * run + 1) * ((2000 * 1999) / 2))
      }
    },
  )
