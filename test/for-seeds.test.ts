/** A randomised test that fails names the command that runs its seed alone, and the command does so. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { apart } from './apart.ts'
import type * as helper from './for-seeds.ts'

const root = join(import.meta.dirname, '..')
let loaded = 0

/** The helper, loaded with SEED set to this value. */
async function forSeedsWith(seed: string | undefined): Promise<typeof helper.forSeeds> {
  const before = process.env['SEED']
  setSeed(seed)
  try {
    loaded += 1
    const module = new URL(`./for-seeds.ts?load=${loaded}`, import.meta.url).href
    return ((await import(module)) as typeof helper).forSeeds
  } finally {
    setSeed(before)
  }
}

function setSeed(seed: string | undefined): void {
  if (seed === undefined) delete process.env['SEED']
  else process.env['SEED'] = seed
}

async function seedsOf(seed: string | undefined, seeds: number | readonly number[]): Promise<number[]> {
  const forSeeds = await forSeedsWith(seed)
  const seen: number[] = []
  await forSeeds(seeds, async (_, each) => void seen.push(each))
  return seen
}

test('forSeeds runs each seed once, in order, and with SEED only that one', async () => {
  assert.deepEqual((await seedsOf(undefined, 50)).slice(0, 5), [1, 2, 3, 4, 5])
  assert.deepEqual(await seedsOf(undefined, [7, 3]), [7, 3])
  assert.deepEqual(await seedsOf('12', 50), [12])
  assert.deepEqual(await seedsOf('-4', [7, 3]), [-4])
  for (const invalid of ['', 'x', '1.5']) await assert.rejects(forSeedsWith(invalid), /Invalid SEED/)
})

test('forSeeds checks the results of all seeds together, and skips the check for a single seed', async () => {
  const none = (): never => assert.fail('asked')
  await assert.rejects(
    (await forSeedsWith(undefined))([1, 2], () => 1, none),
    /asked/,
  )
  await (
    await forSeedsWith('2')
  )([1, 2], () => 1, none)
})

test('a failure names the command that repeats it, also from a thread', async () => {
  const forSeeds = await forSeedsWith(undefined)
  const failing = forSeeds([1, 2, 3], (_, seed) => assert.notEqual(seed, 2))
  const command = /SEED=2 npm run test -- test\/for-seeds\.test\.ts/
  await assert.rejects(failing, (error: Error) => command.test(error.message) && error.cause instanceof Error)
  const module = new URL('./for-seeds-thread.test-support.ts', import.meta.url)
  await assert.rejects(apart(module, 'failing'), /SEED=\d+ npm run test -- test\/for-seeds\.test\.ts/)
})

test('npm test runs the file that is named, and refuses one that does not exist', () => {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const run = (file: string) =>
    spawnSync(process.execPath, ['tools/run-tests.js', 'unit', 'integration', file], {
      cwd: root,
      env,
      encoding: 'utf8',
    })
  const found = run('src/base/duration.test.ts')
  assert.equal(found.status, 0, found.stderr)
  assert.match(found.stdout, /tests [1-9]\d?\n/)
  assert.equal(run('src/base/nothing.test.ts').status, 2)
})
