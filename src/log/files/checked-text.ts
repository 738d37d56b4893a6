/**
 * Small text files that millrace alone writes end in a line that proves the rest: `check` and the CRC-32C of
 * all bytes before that line.
 *
 * ```
 * 0
 * 1
 * flights 0 8839201
 * check 1c291ca3
 * ```
 * millrace 0.1.0 wrote the same files without that line. Such a file is `unchecked`: its content may have
 * changed since it was written.
 */
import { crc32c, fromUtf8, utf8 } from '../../base/index.ts'

export type CheckedText =
  | { readonly state: 'good' | 'unchecked'; readonly text: string }
  /** The content has changed since it was written. */
  | { readonly state: 'bad' }

/** The bytes of a file with this text, which ends in a line feed. */
export function withCheck(text: string): Uint8Array {
  return fromUtf8(`${text}${checkLine(fromUtf8(text))}`)
}

/** The text of such a file, without its check line. An empty file is bad: millrace never writes one. */
export function readChecked(bytes: Uint8Array): CheckedText {
  if (bytes.length === 0) return { state: 'bad' }
  const lastLine = bytes.lastIndexOf(0x0a, bytes.length - 2) + 1
  const text = bytes.subarray(0, lastLine)
  const end = utf8(bytes.subarray(lastLine))
  if (end === checkLine(text)) return { state: 'good', text: utf8(text) }
  return end.startsWith('check ') ? { state: 'bad' } : { state: 'unchecked', text: utf8(bytes) }
}

function checkLine(text: Uint8Array): string {
  return `check ${crc32c(text).toString(16).padStart(8, '0')}\n`
}
