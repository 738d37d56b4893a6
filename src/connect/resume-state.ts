/** The stored form of a source's resume state: JSON text beside an offset. */
import { MillraceError } from '../base/index.ts'
import { resumeStateBytesMax, type ResumeState } from './source.ts'

/** The allowed values of `resumeBytesMax`. */
export function resumeBytesKind(value: unknown): string | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= resumeStateBytesMax
    ? undefined
    : `a whole number from 1 to ${resumeStateBytesMax}`
}

/**
 * The text of a state.
 * @throws MillraceError LIMIT_EXCEEDED
 */
export function metadataOf(source: string, state: ResumeState, bytesMax: number): string {
  const text = JSON.stringify(state)
  const bytes = Buffer.byteLength(text)
  if (bytes <= bytesMax) return text
  const rest =
    bytesMax < resumeStateBytesMax ? `Set resumeBytesMax higher, up to ${resumeStateBytesMax}, or let` : 'Let'
  throw new MillraceError(
    'LIMIT_EXCEEDED',
    `The resume state of the source '${source}' has ${bytes} bytes, more than the ${bytesMax} of the option resumeBytesMax. ${rest} the source keep a shorter state.`,
  )
}

/**
 * The state beside an offset; undefined if the source is read from its start.
 * @throws MillraceError SOURCE_CHANGED if the offset has no state
 */
export function resumeOf(
  name: string,
  committed: { offset: number; metadata?: string } | undefined,
): ResumeState | undefined {
  // An offset of 0 without a state was set by a tool: it means the start.
  if (committed === undefined || (committed.offset === 0 && !committed.metadata)) return undefined
  try {
    return JSON.parse(committed.metadata ?? '') as ResumeState
  } catch (error) {
    throw new MillraceError(
      'SOURCE_CHANGED',
      `The committed offset ${committed.offset} of the group 'connect-${name}' has no resume state: another tool has moved it. A source continues only from its own state. To publish all rows again, set the offset to 0; otherwise publish under another name.`,
      { cause: error },
    )
  }
}
