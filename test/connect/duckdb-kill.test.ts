/** The DuckDB sink over kill -9 at random moments, each after progress: every record is delivered once. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { seededRandom } from '../../src/base/index.ts'
import { scale, seed } from '../scale.ts'
import { made } from './sink-child.test-support.ts'

const count = 20_000

/** Runs the child; kills it `afterCommits` commits after it began, `delayMs` later. Resolves to whether it ended by itself. */
function runChild(file: string, afterCommits: number, delayMs: number): Promise<boolean> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'sink-child.test-support.ts'), file, String(seed), String(count)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  let lines = 0
  child.stdout.on('data', (data: Buffer) => {
    const before = lines
    lines += data.toString().split('\n').length - 1
    if (before <= afterCommits && lines > afterCommits) setTimeout(() => child.kill('SIGKILL'), delayMs)
  })
  return new Promise((resolve, reject) => {
    child.once('exit', (code, signal) => {
      if (signal === 'SIGKILL') resolve(false)
      else if (code === 0) resolve(true)
      else reject(new Error(`the child ended with ${code}`))
    })
  })
}

test('every record once, over kills', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-kill-'))
  try {
    const file = join(folder, 'warehouse.duckdb')
    const random = seededRandom(seed)
    const kills = scale(60)
    for (let kill = 0; kill < kills; kill++)
      if (await runChild(file, 1 + random.int(4), random.int(25))) break
    assert.ok(await runChild(file, Infinity, 0))

    const records = made(seed, count)
    const latest = new Map(records.map(({ key, n }) => [key, n]))
    const instance = await DuckDBInstance.create(file)
    const connection = await instance.connect()
    const read = async (sql: string): Promise<unknown[][]> =>
      (await connection.runAndReadAll(sql)).getRowsJson()
    assert.deepEqual(
      await read('SELECT key, CAST(n AS INTEGER) FROM latest ORDER BY n'),
      [...latest].filter(([, n]) => n !== null).sort(([, a], [, b]) => a! - b!),
    )
    assert.deepEqual(
      (await read('SELECT CAST(n AS INTEGER) FROM every ORDER BY n')).flat(),
      records.flatMap(({ n }) => (n === null ? [] : [n])),
    )
    connection.closeSync()
    instance.closeSync()
  } finally {
    rmSync(folder, { recursive: true })
  }
})
