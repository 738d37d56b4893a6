/** The engines: each runs a query in its own process. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { readBatches } from '../../../src/wire/index.ts'
import type { Row } from '../../../test/nexmark/topics.ts'
import { javaClassPath, kafkaClassPath, peersFolder, run } from '../../../test/peers/install.ts'
import { readRecords } from '../../baseline.ts'
import { createTopic, fetchCommitted } from '../raw-client.ts'
import { type Address, RawConnection } from '../raw-connection.ts'
import { Program } from './program.ts'

let runs = 0

/** The name of a topic. */
function newResults(): string {
  runs += 1
  return `results-${runs}`
}

/** The same batches, for engines of either kind. */
export interface Source {
  /** The folder of our log. */
  readonly data: string
  /** Of an Apache Kafka. */
  readonly address: Address
}

export interface Engine {
  readonly name: string
  /** Begins with a query whose rows go to a new topic. */
  start(query: string, source: Source): Promise<Running>
  /** Removes its files. */
  remove(): void
}

export interface Running {
  readonly program: Program
  /** Visits the rows that were committed since the last call. */
  read(visit: (row: Row) => void): Promise<void>
  /** Ends the program. */
  kill(): Promise<void>
}

/** The processor, in the process that has the log: its rows are read once it says that all are there. */
export const millrace: Engine = {
  name: 'millrace',
  async start(query, { data }) {
    const results = newResults()
    const file = join(import.meta.dirname, 'processor.ts')
    const program = new Program(process.execPath, [file, data, query, results])
    let isRead = false
    return {
      program,
      async read(visit) {
        if (isRead || !program.said.includes('done')) return
        isRead = true
        readRecords(join(data, `${results}-0`), (buffer, from, to) =>
          visit(JSON.parse(buffer.utf8Slice(from, to)) as Row),
        )
      },
      kill: () => program.kill(),
    }
  },
  remove() {},
}

export function kafkaStreams(): Engine {
  return javaEngine('Kafka Streams', 'StreamsNexmark', kafkaClassPath())
}

export function flink(): Engine {
  return javaEngine(
    'Flink',
    'FlinkNexmark',
    javaClassPath('flink-engine', join(import.meta.dirname, 'pom.xml')),
  )
}

/** A program in Java that reads from Apache Kafka, and writes to it. */
function javaEngine(name: string, className: string, classPath: string): Engine {
  mkdirSync(peersFolder, { recursive: true })
  const folder = mkdtempSync(join(peersFolder, 'run-nexmark-'))
  const sources = ['Events', className].map(source => join(import.meta.dirname, 'java', `${source}.java`))
  run('javac', ['-nowarn', '-d', folder, '-cp', classPath, ...sources])
  return {
    name,
    async start(query, { address }) {
      const results = newResults()
      await createTopic(address, { topic: results, partitions: 1 })
      const connection = await RawConnection.open(address)
      const args = [query, `${address.host}:${address.port}`, results, join(folder, results)]
      // Flink leaves folders among the temporary files of a process that is killed.
      const options = ['-Xmx2g', `-Djava.io.tmpdir=${folder}`, '-cp', [folder, classPath].join(delimiter)]
      const program = new Program('java', [...options, className, ...args])
      let offset = 0
      return {
        program,
        async read(visit) {
          for (const batch of readBatches(await fetchCommitted(connection, results, offset))) {
            offset = batch.nextOffset
            if (batch.isControl) continue
            for (const cursor = batch.records(); cursor.next();)
              visit(JSON.parse(cursor.bytes.utf8Slice(cursor.valueStart, cursor.valueEnd)) as Row)
          }
        },
        kill() {
          connection.close()
          return program.kill()
        },
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
