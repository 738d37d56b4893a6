/** Lets simulated time pass. */
import type { VirtualClock } from '../src/testing/virtual-clock.ts'

/** Advances the clock until `work` has settled; `most` times, or it counts as stuck. */
export async function settle<T>(clock: VirtualClock, work: Promise<T>, most = 20_000): Promise<T> {
  const state = { settled: false }
  const note = (): void => {
    state.settled = true
  }
  work.then(note, note)
  for (let n = 0; !state.settled; n += 1) {
    if (n > most) throw new Error('it does not come to an end')
    await clock.advance(5)
  }
  return await work
}
