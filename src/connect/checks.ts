/** Checks the arguments of the connectors' runners. A program without types gets a message at the call. */
import { inWords, MillraceError } from '../base/index.ts'

/**
 * Checks that `given` is a connector: an object with `open`.
 * @throws MillraceError INVALID_ARGUMENT
 */
export function checkConnector(method: string, role: 'sink' | 'source', given: unknown): void {
  if (typeof (given as { open?: unknown } | null | undefined)?.open === 'function') return
  const example = role === 'sink' ? "duckdb('warehouse.duckdb', { table })" : "csv('file.csv', { columns })"
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `${method} needs a ${role}, such as ${example}, got ${inWords(given)}.`,
  )
}

/**
 * Checks that `given` is a log, or the port of one.
 * @throws MillraceError INVALID_ARGUMENT
 */
export function checkLog(method: string, given: unknown): void {
  if (typeof given === 'object' && given !== null && ('port' in given || 'openReader' in given)) return
  throw new MillraceError('INVALID_ARGUMENT', `${method} needs a log of openLog, got ${inWords(given)}.`)
}
