/** Apache Kafka's own performance tools: Java clients, as many users run them. */
import { java } from '../../test/peers/java.ts'
import type { Address } from './raw-connection.ts'

export interface JavaRun {
  readonly records: number
  readonly seconds: number
}

export interface JavaProduce {
  readonly topic: string
  readonly records: number
  readonly recordBytes: number
  /** Commits a transaction this often; undefined: without transactions. */
  readonly transactionMs?: number
}

/** Produces records of one size, as fast as the client can, in batches of 64 KiB. */
export async function produceByJava(address: Address, work: JavaProduce): Promise<JavaRun> {
  const { topic, records, recordBytes, transactionMs } = work
  const { host, port } = address
  const options = [
    `--bootstrap-server ${host}:${port} --topic ${topic} --num-records ${records}`,
    `--record-size ${recordBytes} --throughput -1`,
    transactionMs === undefined
      ? ''
      : `--transactional-id ${topic} --transaction-duration-ms ${transactionMs}`,
    '--command-property batch.size=65536 linger.ms=5 buffer.memory=67108864',
  ]
  const args = options.join(' ').split(/ +/)
  const output = await java('org.apache.kafka.tools.ProducerPerformance', args)
  const [, sent, perSecond] = /^(\d+) records sent, ([\d.]+) records\/sec[^\n]*99\.9th/m.exec(output) ?? []
  if (Number(sent) !== records)
    throw new Error(`ProducerPerformance has not sent ${records} records:\n${output}`)
  return { records, seconds: records / Number(perSecond) }
}

/** Consumes what a topic has, in its own group. */
export async function consumeByJava(address: Address, topic: string, records: number): Promise<JavaRun> {
  const { host, port } = address
  const options = `--bootstrap-server ${host}:${port} --topic ${topic} --num-records ${records}`
  const how = '--timeout 60000 --hide-header'
  const output = await java('org.apache.kafka.tools.ConsumerPerformance', `${options} ${how}`.split(' '))
  const cells = output.trim().split('\n').at(-1)!.split(', ')
  const [read, perSecond] = [Number(cells[4]), Number(cells[9])]
  if (!(read >= records)) throw new Error(`ConsumerPerformance has not read ${records} records:\n${output}`)
  return { records, seconds: records / perSecond }
}
