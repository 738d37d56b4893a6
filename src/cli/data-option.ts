/** The option that every command shares: where the log is. */
import { existsSync } from 'node:fs'
import { Option } from 'commander'
import { MillraceError } from '../base/index.ts'
import { openLog, type OpenLogOptions } from '../open-log.ts'
import type { Log } from '../port/index.ts'

export function dataOption(): Option {
  return new Option('-d, --data <folder>', 'the folder of the log').default('./data').env('MILLRACE_DATA')
}

/** Opens the log for one command, and closes it however that ends. */
export async function withLog<T>(
  data: string,
  use: (log: Log) => Promise<T>,
  options: OpenLogOptions = {},
): Promise<T> {
  await using log = await openLog(data, options)
  return await use(log)
}

/**
 * The same for a command that creates no log: throws SOURCE_MISSING for a missing folder, which may be
 * mistyped.
 */
export async function withExistingLog<T>(
  data: string,
  use: (log: Log) => Promise<T>,
  options: OpenLogOptions = {},
): Promise<T> {
  if (!existsSync(data))
    throw new MillraceError(
      'SOURCE_MISSING',
      `The folder '${data}' does not exist. Name the log's folder with --data; 'millrace produce' and 'millrace topic create' make a log there.`,
    )
  return await withLog(data, use, options)
}

/** The same for a command that changes nothing: it works beside the process that has the log open. */
export async function withLogToRead<T>(data: string, use: (log: Log) => Promise<T>): Promise<T> {
  return await withExistingLog(data, use, { readOnly: true })
}
