/** Lets simulated time pass. */
import type { VirtualClock } from '../src/testing/virtual-clock.ts'

/** The step in which simulated time advances. */
const stepMs = 5
const stepsMax = 20_000

/** Lets simulated time pass until `work` has settled. */
export async function settle<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  const state = { settled: false }
  const note = (): void => {
    state.settled = true
  }
  work.then(note, note)
  for (let n = 0; !state.settled; n += 1) {
    if (n > stepsMax) throw new Error('it does not come to an end')
    await clock.advance(stepMs)
  }
  return await work
}
