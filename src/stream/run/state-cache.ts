/**
 * How many clean values of its state a task keeps as objects. A bound for each task would let the memory of
 * an app grow with the partitions of its topics, so the tasks of a stage share one.
 */

/** Clean values of one state that all tasks of its stage keep. */
export const cleanEntriesMax: number = 12_288
/** A task keeps as many at the least. */
export const cleanEntriesMin: number = 512

/** A task's share, in a stage of so many partitions. */
export function cleanEntriesOf(partitions: number): number {
  return Math.max(cleanEntriesMin, Math.floor(cleanEntriesMax / partitions))
}
