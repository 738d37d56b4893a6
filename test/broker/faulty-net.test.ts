import { ok } from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../for-seeds.ts'
import { run } from './faulty-net.ts'

test('over a faulty network, a client that gets an answer gets the right one', () =>
  forSeeds(
    300,
    random => run(random),
    outcomes => {
      ok(outcomes.every(({ answers }) => answers > 0))
      ok(
        outcomes.some(({ failures }) => failures > 10),
        'connections break',
      )
    },
  ))
