/** Topics come into being when they are first used. */
import { isMillraceError } from '../base/index.ts'
import type { LogPort } from './log-port.ts'

/** The partition count of the topic, which is created (with its own count, or 1) where it is not there yet. */
export async function ensureTopic(
  port: LogPort,
  { name, partitions = 1 }: { readonly name: string; readonly partitions: number | undefined },
): Promise<number> {
  const existing = await port.describeTopic(name)
  if (existing) return existing.partitions
  try {
    await port.createTopic(name, { partitions })
    return partitions
  } catch (error) {
    if (!isMillraceError(error, 'TOPIC_EXISTS')) throw error
    // Somebody was faster.
    return (await port.describeTopic(name))?.partitions ?? partitions
  }
}
