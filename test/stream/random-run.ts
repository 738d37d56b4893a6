/** Runs of a {@link TaskHarness} in which chance decides what happens when. */
import type { Random } from '../../src/base/index.ts'
import type { TaskHarness } from './task-harness.ts'

/**
 * Runs to the end of input in a random order, with commits and crashes between batches, and at every turn of
 * the event loop while many windows fire.
 */
export function runAtRandom(harness: TaskHarness, random: Random): void {
  let crashes = 0
  const crash = (): void => {
    crashes += 1
    harness.restart()
  }
  for (let isDone = false; !isDone;) {
    let isRunning = true
    const between = (): boolean => {
      if (random.int(4) === 0) harness.commit()
      isRunning = crashes > 20 || random.int(30) > 0
      return isRunning
    }
    const { open } = harness
    const source = open[random.int(Math.max(open.length, 1))]
    if (source) harness.read(source, 1 + random.int(8), between)
    else harness.endExhausted(between)
    if (!isRunning) crash()
    else if (random.int(4) === 0) harness.commit()
    if (isRunning && crashes < 20 && random.int(10) === 0) crash()
    else isDone = isRunning && source === undefined
  }
  harness.commit()
}
