import { ok } from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../for-seeds.ts'
import { checkTurns, run } from './fetch-sessions.ts'

test('consumers with fetch sessions get each record once, in order', () =>
  forSeeds(300, run, records => ok(records.every(count => count > 0))))

test('a partition that is written all the time does not keep others from being read', () =>
  forSeeds(50, checkTurns))
