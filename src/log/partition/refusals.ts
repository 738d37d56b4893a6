/** Why a partition refuses a call. */
import { MillraceError } from '../../base/index.ts'

/**
 * Bytes of appends that wait for the disk. Past this bound appends are refused. Writers are held back long
 * before (held-appends.ts): it guards against markers and small logs of the broker, which are not.
 */
export const queuedBytesMax: number = 256 << 20

export function poisoned(name: string, cause: MillraceError): MillraceError {
  return new MillraceError(
    'PARTITION_POISONED',
    `${name} takes no more calls: ${cause.message} Its disk can no longer be trusted. End this process; recovery then reads its content.`,
    { cause },
  )
}

export function readOnly(name: string): MillraceError {
  return new MillraceError('INVALID_ARGUMENT', `${name} was opened to be read only.`)
}

export function queueFull(name: string): MillraceError {
  return new MillraceError(
    'LIMIT_EXCEEDED',
    `${queuedBytesMax} bytes wait to be written to ${name}. Await earlier appends before you send more.`,
    { retriable: true },
  )
}
