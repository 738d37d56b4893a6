/** Mutated frames: a million in a soak, a tenth of that in `npm test`. */
import { ok } from 'node:assert/strict'
import { test } from 'node:test'
import { collectGarbage } from '../../collect-garbage.ts'
import { forSeeds } from '../../for-seeds.ts'
import { fuzz } from './fuzz.ts'

const framesPerSeed = 1000
const heapGrowthMax = 50 * 1024 * 1024

test('mutated frames neither stop the broker, nor hang it, nor fill its memory', async () => {
  let heapAtFirst = 0
  await forSeeds(
    1000,
    async random => {
      const met = await fuzz(random, framesPerSeed)
      if (heapAtFirst === 0) {
        collectGarbage()
        heapAtFirst = process.memoryUsage().heapUsed
      }
      return met
    },
    all => {
      const answersByKey = new Map<number, number>()
      let answers = 0
      for (const { byKey, offered } of all)
        for (const key of offered) {
          answers += byKey.get(key) ?? 0
          answersByKey.set(key, (answersByKey.get(key) ?? 0) + (byKey.get(key) ?? 0))
        }
      ok(answers > all.length * framesPerSeed * 0.3, `${answers} answers`)
      for (const [key, count] of answersByKey)
        ok(count > all.length / 4, `${count} answers to request ${key}`)
    },
  )
  collectGarbage()
  const growth = process.memoryUsage().heapUsed - heapAtFirst
  ok(growth < heapGrowthMax, `the heap has grown by ${growth} bytes`)
})
