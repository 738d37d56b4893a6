/** The option that every command shares: where the log is. */
import { Option } from 'commander'
import { type Log, openLog } from '../index.ts'

export function dataOption(): Option {
  return new Option('-d, --data <folder>', 'the folder of the log').default('./data').env('MILLRACE_DATA')
}

/** Opens the log for one command, and closes it however that ends. */
export async function withLog<T>(data: string, use: (log: Log) => Promise<T>): Promise<T> {
  await using log = await openLog(data)
  return await use(log)
}
