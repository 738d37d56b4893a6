/**
 * Idleness: a source partition that is at its end, and has been without data for as long as its topic says, no longer holds back the others.
 *
 * Its watermark is raised to that of the others; so all that comes behind it is late by its own partition's watermark, and whatever depends on
 * that stays sound. Where all are idle there is nothing to wait for, and all stand where the one furthest ahead does.
 */
import type { Reader } from '../port/index.ts'
import type { InputPartition } from './input-partition.ts'
import { SourcePartition } from './source-partition.ts'

/** `now`: monotonic, in ms. */
export function raiseIdle(inputs: Iterable<InputPartition>, reader: Reader, now: number): void {
  let idle: SourcePartition[] | undefined
  let lowest = Number.POSITIVE_INFINITY
  for (const input of inputs) {
    if (!(input instanceof SourcePartition)) continue
    if (input.isIdle(now) && reader.atEnd(input.topic, input.partition)) (idle ??= []).push(input)
    else lowest = Math.min(lowest, input.watermark)
  }
  if (!idle) return
  // Only tables are left, which wait for nothing, or nothing at all.
  if (lowest === Number.POSITIVE_INFINITY) lowest = Math.max(...idle.map(({ watermark }) => watermark))
  for (const input of idle) input.raise(lowest)
}
