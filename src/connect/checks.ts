/**
 * Checks of what a program passes to the runners of connectors. Types say the same; a program without types
 * gets a sentence at the call.
 */
import { inWords, MillraceError } from '../base/index.ts'

/**
 * Checks that `given` is a connector: something that is opened.
 * @throws MillraceError INVALID_ARGUMENT
 */
export function checkConnector(method: string, role: 'sink' | 'source', given: unknown): void {
  if (typeof (given as { open?: unknown } | null | undefined)?.open === 'function') return
  const example = role === 'sink' ? "duckdb('warehouse.duckdb', { table })" : "csv('file.csv', { columns })"
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `${method} needs a ${role}, such as ${example} gives, got ${inWords(given)}.`,
  )
}

/**
 * Checks that `given` is a log, or the port of one.
 * @throws MillraceError INVALID_ARGUMENT
 */
export function checkLog(method: string, given: unknown): void {
  if (typeof given === 'object' && given !== null && ('port' in given || 'openReader' in given)) return
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `${method} needs a log, as openLog gives one, got ${inWords(given)}.`,
  )
}
