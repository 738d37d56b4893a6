/**
 * The log against its model, from a seed: appends of plain, idempotent and transactional producers, many in
 * flight at a time; ends of transactions, duplicates, gaps and zombies; reads, look-ups by time, checkpoints
 * and rolls; compaction, retention, deletions of records and changes of settings; sometimes a disk that is
 * full or fails, and files that are lost. The process ends again and again: cleanly, by a kill, or by a loss
 * of power, at any call to the disk, including those of recovery (simulation/simulation.ts).
 *
 * After each start
 * - the log is a prefix of what was appended, with everything that was acknowledged or shown before, and
 *   without the records whose deletion was acknowledged;
 * - readers at either isolation level find what the model allows and demands, by offset and by time
 *   (simulation/compaction-model.ts);
 * - producers are known as before: their last batches are duplicates, gaps and older epochs are refused;
 * - the transactions that were open are open, and once they are aborted nothing holds back the last stable
 *   offset.
 */
import assert from 'node:assert/strict'
import { forSeeds } from '../for-seeds.ts'
import { soak } from '../scale.ts'
import { nothingYet, type Progress } from './simulation/progress.ts'
import { Simulation } from './simulation/simulation.ts'

/** `npm test` runs a tenth of them: a seed takes 25 ms of CPU. */
const seedsOfSoak = soak ? 10_000 : 6000

export async function simulate(): Promise<Progress> {
  const progress = { ...nothingYet }
  await forSeeds(
    seedsOfSoak,
    random => new Simulation(random, progress).run(),
    // A simulation in which nothing happens proves nothing.
    ({ length }) => {
      for (const [what, count] of Object.entries(progress)) assert(count > length, `${what}: only ${count}`)
    },
  )
  return progress
}

export function repeat(seeds: readonly number[]): Promise<void> {
  return forSeeds(seeds, random => new Simulation(random, { ...nothingYet }).run())
}
