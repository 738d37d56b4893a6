/**
 * Runs Java programs of the peers: tools out of Apache Kafka's jars, and the single source files in `java/`.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { kafkaClassPath } from './install.ts'

const outputBytesMax = 512 << 20

/**
 * What the program printed; rejects with what it complained about. `program` is a class name or the path of a
 * `.java` file.
 */
export async function java(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    'java',
    ['-Xmx512m', '-cp', kafkaClassPath(), program, ...args],
    {
      maxBuffer: outputBytesMax,
      encoding: 'utf8',
    },
  )
  return stdout
}
