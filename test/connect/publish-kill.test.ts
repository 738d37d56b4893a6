/**
 * A source over kill -9 at random moments, each after progress, on the real log: every row is published once,
 * and every bad row becomes one dead letter.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { nodeDisk, systemClock, systemRandom } from '../../src/base/index.ts'
import { InProcessLog } from '../../src/broker/index.ts'
import { deliver } from '../../src/connect/index.ts'
import { MemoryTarget } from '../../src/connect/memory-sink.test-support.ts'
import { text, topic } from '../../src/schema/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { scale } from '../scale.ts'
import { runAndKill } from './kill.test-support.ts'
import { numbers } from './numbers.test-support.ts'

const count = 120_000

test('a source publishes every row once over kills', () =>
  forSeeds(1, async random => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-publish-'))
    try {
      const file = join(folder, 'numbers.csv')
      const isBad = (n: number): boolean => n % 1000 === 7
      const lines = Array.from({ length: count }, (_, n) => (isBad(n) ? `bad ${n}` : `${n},number ${n}`))
      writeFileSync(file, `n,text\n${lines.join('\n')}\n`)

      const run = (phases: number, delayMs: number): Promise<boolean> =>
        runAndKill('publish-child.test-support.ts', [join(folder, 'data'), file], phases, delayMs)
      for (let kill = 0; kill < scale(60); kill++) if (await run(2 + random.int(6), random.int(15))) break
      assert.ok(await run(Infinity, 0))

      const log = await InProcessLog.open(join(folder, 'data'), {
        disk: nodeDisk,
        clock: systemClock,
        random: systemRandom,
      })
      const published = new MemoryTarget<string, { n: number; text: string }>()
      await deliver(log, numbers, published.sink(), { until: 'end' }).done
      const letters = new MemoryTarget<null, string>()
      await deliver(log, topic('letters', { value: text() }), letters.sink(), { until: 'end' }).done
      await log.close()

      const all = Array.from({ length: count }, (_, n) => n)
      const inOrder = (a: number, b: number): number => a - b
      assert.deepEqual(
        published.rows.map(({ value }) => value!.n).toSorted(inOrder),
        all.filter(n => !isBad(n)),
      )
      assert.deepEqual(
        letters.rows.map(({ value }) => value),
        all.filter(isBad).map(n => `bad ${n}`),
      )
      const last = new Map<string, number>()
      for (const { key, value } of published.rows) {
        assert.ok((last.get(key!) ?? -1) < value!.n, 'in order by key')
        last.set(key!, value!.n)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  }))
