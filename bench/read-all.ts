/** Reads a partition to its end, a raw batch at a time: what a hand-written loop begins with. */
import type { Log } from '../src/index.ts'
import type { FetchedBatch } from '../src/port/index.ts'

export async function readAll(
  { port }: Log,
  topic: string,
  partition: number,
  visit: (batch: FetchedBatch) => void,
): Promise<void> {
  const reader = await port.openReader()
  reader.assign([{ topic, partition, offset: 0 }])
  for (;;) {
    const batch = reader.take(topic, partition)
    if (batch) visit(batch)
    else if (reader.atEnd(topic, partition)) break
    else await reader.wait()
  }
  await reader.close()
}
