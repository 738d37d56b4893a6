/** base: what every layer stands on. Errors, assertions, and the seams for time, chance and files. */
export { assert, unreachable } from './assert.ts'
export { systemClock, type Clock, type Timer } from './clock.ts'
export { type Disk, type DiskFile } from './disk.ts'
export { isMillraceError, MillraceError, type ErrorCode } from './errors.ts'
export { seededRandom, systemRandom, type Random } from './random.ts'
