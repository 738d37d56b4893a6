/** The function that for-seeds.test.ts calls in a thread. */
import { forSeeds } from './for-seeds.ts'

export function failing(): Promise<void> {
  return forSeeds([5], () => {
    throw new Error('on purpose')
  })
}
