import { z } from 'zod'
import { topic, type Topic } from '../../src/schema/index.ts'

export const numbers: Topic<string, { n: number; text: string }> = topic('numbers', {
  key: z.string(),
  value: z.object({ n: z.int(), text: z.string() }),
  partitions: 3,
})
