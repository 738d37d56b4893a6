/**
 * Real clients see the same from millrace as from Apache Kafka: the cases of each program run against both at
 * once, and each result must be equal, but for the rows of `deviations.ts`. docs/compatibility.md is what the
 * run gave.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { startBroker, type TestBroker } from '../../../src/testing/index.ts'
import { peersFolder } from '../install.ts'
import { startKafka, type KafkaBroker } from '../kafka-broker.ts'
import { clientPrograms, runProgram, type CaseResult, type Client } from './client-programs.ts'
import { compatibilityPage } from './compatibility-page.ts'
import { deviations } from './deviations.ts'
import { writtenFiles } from './written-files.ts'

const page = resolve(import.meta.dirname, '../../../docs/compatibility.md')

describe('clients over TCP', () => {
  let kafka: KafkaBroker
  let ours: TestBroker
  let folder = ''
  const found = new Map<Client, CaseResult[]>()
  before(async () => {
    kafka = await startKafka({
      // Members that fall silent are noticed within seconds, and late transactions are.
      'group.min.session.timeout.ms': '1000',
      'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
    })
    folder = mkdtempSync(join(peersFolder, 'run-clients-'))
    ours = await startBroker({
      data: folder,
      configs: { 'group.min.session.timeout.ms': 1000, 'log.retention.ms': -1 },
    })
  })
  after(async () => {
    await kafka.remove()
    await ours.close()
    rmSync(folder, { recursive: true, force: true })
  })

  for (const program of clientPrograms)
    it(`${program.client}, ${program.name}: the same answers as Apache Kafka's`, async () => {
      const [expected, results] = await Promise.all([
        runProgram(program, kafka.brokers),
        runProgram(program, ours.bootstrap),
      ])
      found.set(program.client, [...(found.get(program.client) ?? []), ...expected])
      assert.deepEqual(
        results.map(({ area, case: name }) => `${area}: ${name}`),
        expected.map(({ area, case: name }) => `${area}: ${name}`),
      )
      const differences = expected.flatMap(({ area, case: name, result }, index) => {
        const answer = results[index]!.result
        const isSame = isDeepStrictEqual(answer, result)
        const isKnown = deviations.some(
          each => each.client === program.client && each.area === area && each.case === name,
        )
        if (isSame !== isKnown) return []
        return [
          isKnown ? { area, name, isNoDeviation: true } : { area, name, kafka: result, millrace: answer },
        ]
      })
      assert.deepEqual(differences, [])
    })

  it('the files that they have written hold the same records', async () => {
    await Promise.all([kafka.stop(), ours.close()])
    const [expected, written] = await Promise.all([writtenFiles(kafka.logDirectory), writtenFiles(folder)])
    assert.deepEqual([...written.keys()].sort(), [...expected.keys()].sort())
    const differences = [...expected].flatMap(([partition, lines]) => {
      const answer = written.get(partition)!
      const at = lines.findIndex((line, n) => line !== answer[n])
      if (at < 0 && lines.length === answer.length) return []
      return [
        { partition, at, kafka: lines[at], millrace: answer[at], counts: [lines.length, answer.length] },
      ]
    })
    assert.deepEqual(differences, [])
  })

  it('docs/compatibility.md is what this run gave', () => {
    const given = compatibilityPage(found)
    const plain = (text: string): string => text.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---')
    if (plain(readFileSync(page, 'utf8')) === plain(given)) return
    const copy = join(peersFolder, 'compatibility.md')
    writeFileSync(copy, given)
    assert.fail(
      `docs/compatibility.md is not what this run gave. Copy ${copy} there, and run npm run format.`,
    )
  })
})
