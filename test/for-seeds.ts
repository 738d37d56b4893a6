/**
 * Runs a randomised test once for each of its seeds. A failure names the command that runs its seed alone:
 *
 *   SEED=17 npm run test -- test/app/time.test.ts
 */
import { relative } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { workerData } from 'node:worker_threads'
import { type Random, seededRandom } from '../src/base/index.ts'
import { quick, scale, soak } from './scale.ts'

const root = new URL('..', import.meta.url)
/** The one seed that SEED asks for. */
const asked = askedSeed(process.env['SEED'])

/**
 * Calls `body` for the seeds 1, 2, …, and collects its results. `seeds` is their count in a soak, of which
 * `npm test` runs a part (scale.ts); or a list, which always runs completely. With SEED=n in the environment
 * only n runs.
 *
 * @param together checks the results of all seeds, in their order, for example that a run met the cases that
 *   it tests. It is not called for a single seed, nor in `npm run check`, whose few seeds need not meet them.
 * @throws Error at the first seed that fails, with the command that repeats it and the failure as its cause.
 */
export async function forSeeds<T>(
  seeds: number | readonly number[],
  body: (random: Random, seed: number) => T | Promise<T>,
  together: (results: readonly T[]) => void = () => {},
): Promise<void> {
  // Before the first turn of the event loop: later the stack does not show the caller.
  const file = testFile()
  const results: T[] = []
  for (const seed of asked === undefined ? listed(seeds) : [asked])
    try {
      const result = body(seededRandom(seed), seed)
      // Only a promise is waited for: a turn of the event loop would cost more than a short body.
      results.push(result instanceof Promise ? await result : result)
    } catch (error) {
      throw new Error(`seed ${seed} fails. To run it alone: ${commandFor(seed, file)}`, { cause: error })
    }
  if (asked === undefined && !quick) together(results)
}

/**
 * The test file of the caller, relative to the root of the project, also in a thread that it started
 * (apart.ts).
 */
export function testFile(): string {
  const { testFile: given } = (workerData ?? {}) as { readonly testFile?: string }
  if (given !== undefined) return given
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = Infinity
  const [, path] = /(file:\/\/\/[^\s?]*\.test\.ts)/.exec(new Error('here').stack ?? '') ?? []
  Error.stackTraceLimit = stackTraceLimit
  return path === undefined ? '' : relative(fileURLToPath(root), fileURLToPath(path)).replaceAll('\\', '/')
}

function listed(seeds: number | readonly number[]): readonly number[] {
  return typeof seeds === 'number' ? Array.from({ length: scale(seeds) }, (_, n) => n + 1) : seeds
}

function commandFor(seed: number, file: string): string {
  return `${soak ? 'SOAK=1 ' : ''}SEED=${seed} npm run test -- ${file}`
}

function askedSeed(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const seed = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(seed)) return seed
  throw new Error(`Invalid SEED '${text}': use an integer.`)
}
