/**
 * The log in use for hours of virtual time: see soak.ts. In `npm test` for some processes; in a soak for ten
 * minutes of ours, or for as many as SOAK_MINUTES says:
 *
 *   SOAK_MINUTES=2 npm run test -- test/soak/soak.test.ts
 */
import process from 'node:process'
import { test } from 'node:test'
import { soak } from '../scale.ts'
import { checkFlat, soakUntil } from './soak.ts'

const minutes = Number(process.env['SOAK_MINUTES'] ?? (soak ? 10 : 0))
const roundsMin = 120

const timeout = (minutes + 4) * 60_000

test('in use for long, a log keeps its files, descriptors and memory', { timeout }, async t => {
  const startedMs = performance.now()
  const passedMinutes = (): number => (performance.now() - startedMs) / 60_000
  const measured = await soakUntil(rounds => rounds >= roundsMin && passedMinutes() >= minutes)
  for (const each of measured.filter((_, n) => n % Math.ceil(measured.length / 12) === 0))
    t.diagnostic(JSON.stringify(each))
  checkFlat(measured, passedMinutes())
})
