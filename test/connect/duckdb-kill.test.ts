/** The DuckDB sink over kill -9 at random moments, each after progress: every record is delivered once. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { forSeeds } from '../for-seeds.ts'
import { scale } from '../scale.ts'
import { runAndKill } from './kill.test-support.ts'
import { made } from './deliver-child.test-support.ts'

const count = 20_000

test('the DuckDB sink delivers every record once over kills', () =>
  forSeeds(1, async (random, seed) => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-kill-'))
    try {
      const file = join(folder, 'warehouse.duckdb')
      const kills = scale(60)
      const run = (commits: number, delayMs: number): Promise<boolean> =>
        runAndKill('deliver-child.test-support.ts', [file, String(seed), String(count)], commits, delayMs)
      for (let kill = 0; kill < kills; kill++) if (await run(2 + random.int(4), random.int(25))) break
      assert.ok(await run(Infinity, 0))

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
  }))
