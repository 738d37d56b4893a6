/**
 * A transaction that is open when its client, or the broker, is killed with -9: what readers of what is
 * committed see, what the next producer with the transactional id gets, and that the one before is fenced. By
 * Java, with transactions of version 2, and by librdkafka, with version 1; against millrace and Apache Kafka.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { kill, startOurBroker, type RunningBroker } from '../child.ts'
import { peersFolder, requireProgram } from '../install.ts'
import { startKafka, type KafkaBroker } from '../kafka-broker.ts'
import { ProducerProcess, type ProducerLanguage } from './producer-process.ts'

const languages: readonly ProducerLanguage[] = ['Java', 'Python']

/** A broker that can be killed. */
interface Side {
  readonly bootstrap: string
  /** kill -9, and a start over the same data at the same address. */
  restart(): Promise<void>
}

/** The values that a reader gets, up to the end of what it may see. */
async function read({ bootstrap }: Side, topic: string, isolation: string): Promise<string[]> {
  const what = `-C -q -e -b ${bootstrap} -t ${topic} -o beginning -X isolation.level=${isolation}`
  const { stdout } = await promisify(execFile)('kcat', what.split(' '))
  return stdout.split('\n').filter(line => line !== '')
}

const seen = async (side: Side, topic: string): Promise<string[][]> => [
  await read(side, topic, 'read_committed'),
  await read(side, topic, 'read_uncommitted'),
]

/** A producer with a record in an open transaction. */
async function begun(side: Side, language: ProducerLanguage, name: string): Promise<ProducerProcess> {
  const producer = new ProducerProcess(language, side.bootstrap, `id-${name}`, name)
  for (const command of ['init', 'begin', 'send open']) assert.equal(await producer.ask(command), 'done')
  return producer
}

/** The next producer with the id commits a transaction. */
async function next(side: Side, language: ProducerLanguage, name: string): Promise<ProducerProcess> {
  const producer = new ProducerProcess(language, side.bootstrap, `id-${name}`, name)
  for (const command of ['init', 'begin', 'send next', 'commit'])
    assert.equal(await producer.ask(command), 'done')
  return producer
}

describe('a transaction that is open at a kill', () => {
  let kafka: KafkaBroker
  let ours: RunningBroker
  let folder = ''
  let sides: readonly Side[] = []
  before(async () => {
    requireProgram('kcat', ['-V'], 'kcat')
    mkdirSync(peersFolder, { recursive: true })
    folder = mkdtempSync(join(peersFolder, 'run-open-'))
    kafka = await startKafka()
    ours = await startOurBroker(folder)
    sides = [
      {
        bootstrap: kafka.brokers,
        async restart() {
          await kafka.kill()
          kafka = await startKafka({}, kafka.folder)
        },
      },
      {
        bootstrap: `127.0.0.1:${ours.port}`,
        async restart() {
          await kill(ours.process)
          ours = await startOurBroker(folder, ours.port)
        },
      },
    ]
  })
  after(async () => {
    await kafka.remove()
    await kill(ours.process)
    rmSync(folder, { recursive: true, force: true })
  })

  for (const language of languages)
    it(`of the client, ${language}: is aborted for the next one with the id, and the last one is fenced`, async () => {
      const answers = await Promise.all(
        sides.map(async side => {
          const name = `client-${language}`
          const killed = await begun(side, language, name)
          await killed.kill()
          const held = await seen(side, name)
          const last = await next(side, language, name)
          const replaced = await seen(side, name)
          assert.equal(await last.ask('begin'), 'done')
          assert.equal(await last.ask('send fenced'), 'done')
          const other = await next(side, language, name)
          const refused = await last.ask('commit')
          await Promise.all([last.kill(), other.kill()])
          return { held, replaced, refused, end: await seen(side, name) }
        }),
      )
      assert.deepEqual(answers[1], answers[0])
      const { held, replaced, end } = answers[0]!
      assert.deepEqual(held, [[], ['open']])
      assert.deepEqual(replaced, [['next'], ['open', 'next']])
      assert.deepEqual(end, [
        ['next', 'next'],
        ['open', 'next', 'fenced', 'next'],
      ])
    })

  it('of the broker: is aborted for the next one with the id; its own client is told so', async () => {
    const [expected, found] = await Promise.all(
      sides.map(async side => {
        const open = await Promise.all(
          languages.map(async language => ({
            language,
            replaced: await begun(side, language, `replaced-${language}`),
            continued: await begun(side, language, `continued-${language}`),
          })),
        )
        await side.restart()
        const answers = []
        for (const { language, replaced, continued } of open) {
          const other = await next(side, language, `replaced-${language}`)
          const refused = await replaced.ask('commit')
          const committed = await continued.ask('commit')
          const aborted = committed === 'done' ? 'no need' : await continued.ask('abort')
          const again: string[] = []
          for (const command of ['begin', 'send again', 'commit']) again.push(await continued.ask(command))
          await Promise.all([replaced, continued, other].map(each => each.kill()))
          assert.deepEqual(again, ['done', 'done', 'done'])
          answers.push({
            replaced: [refused, await seen(side, `replaced-${language}`)],
            continued: [committed, aborted, await seen(side, `continued-${language}`)],
          })
        }
        return answers
      }),
    )
    const replaced = [['next'], ['open', 'next']]
    const kept = [
      'done',
      'no need',
      [
        ['open', 'again'],
        ['open', 'again'],
      ],
    ]
    assert.deepEqual(expected, [
      { replaced: ['ProducerFencedException', replaced], continued: kept },
      { replaced: ['_FENCED', replaced], continued: kept },
    ])
    // A crash of ours aborts open transactions: docs/broker.md.
    const told = (name: string): unknown[] => [name, 'done', [['again'], ['open', 'again']]]
    assert.deepEqual(found, [
      { replaced: ['ProducerFencedException', replaced], continued: told('TransactionAbortableException') },
      { replaced: ['_FENCED', replaced], continued: told('INVALID_PRODUCER_ID_MAPPING') },
    ])
  })
})
