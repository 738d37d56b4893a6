/**
 * Errors of a log for folders, files and names that it cannot use: each has a code, and a sentence that names
 * the place. If the sentence names a command, the test runs the command. On the machine's disk, except for
 * faults that it cannot produce.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  isMillraceError,
  nodeDisk,
  systemClock,
  type Disk,
  type ErrorCode,
  type MillraceError,
} from '../../src/base/index.ts'
import { runCli } from '../../src/cli/cli.ts'
import { json, openLog, text, topic, type Log } from '../../src/index.ts'
import { LogDirectory } from '../../src/log/index.ts'
import { batchOf, dataPath, openDirectory, valuesOf } from '../../src/log/log.test-support.ts'
import { SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { temporaryFolder } from '../broker/support.ts'
import { soak } from '../scale.ts'

const flights = topic('flights', { key: text(), value: json<number>() })

/** A folder that is removed after the test. */
function folderFor(context: TestContext): string {
  const folder = temporaryFolder()
  context.after(() => folder.remove())
  return folder.path
}

/** The call fails with this code, and with a message that names the place. */
async function refuses(code: ErrorCode, where: string, action: Promise<unknown>): Promise<MillraceError> {
  try {
    await action
  } catch (error) {
    if (!isMillraceError(error, code)) throw new Error(`expected ${code}`, { cause: error })
    assert(error.message.includes(where), `'${error.message}' says where: ${where}`)
    return error
  }
  throw new Error(`expected ${code}, and it succeeded`)
}

/** A closed log with `count` records in its first topic. */
async function logWith(path: string, count: number): Promise<void> {
  await using log = await openLog(path)
  const producer = log.producer(flights)
  for (let n = 0; n < count; n += 1) await producer.send({ key: 'DFW', value: n })
}

async function valuesIn(log: Log): Promise<(number | null)[]> {
  const values: (number | null)[] = []
  for await (const { value } of log.consumer(flights, { until: 'end', from: 'earliest' })) values.push(value)
  return values
}

/** Runs a command; returns its exit code and its output. */
async function millrace(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly said: string }> {
  let said = ''
  const code = await runCli(args, {
    lines: (async function* () {})(),
    write: async output => void (said += output),
    note: output => void (said += `${output}\n`),
    signal: new AbortController().signal,
  })
  return { code, said }
}

/** The machine's disk, with one call that it refuses. */
function diskWith(call: 'list' | 'lock' | 'open', code: string): Disk {
  return {
    ...nodeDisk,
    [call]: async (path: string) => {
      throw Object.assign(new Error(`${code}: '${path}'`), { code })
    },
  }
}

test('refuses a data directory that cannot be read', async t => {
  const path = folderFor(t)
  writeFileSync(join(path, 'file'), '')
  await refuses('DATA_DIR_UNREADABLE', join(path, 'file'), openLog(join(path, 'file')))
  await refuses('DATA_DIR_UNREADABLE', path, openLog(join(path, 'file', 'data')))
  for (const call of ['list', 'lock', 'open'] as const) {
    const options = { disk: diskWith(call, 'EACCES'), clock: systemClock }
    await refuses('DATA_DIR_UNREADABLE', join(path, 'data'), LogDirectory.open(join(path, 'data'), options))
  }
  const readOnly = { disk: nodeDisk, clock: systemClock, readOnly: true }
  await refuses('DATA_DIR_UNREADABLE', join(path, 'none'), LogDirectory.open(join(path, 'none'), readOnly))
})

test('refuses a data directory that belongs to another program', async t => {
  const path = folderFor(t)
  const check = async (code: ErrorCode, file: string, content: string): Promise<void> => {
    const directory = join(path, `${readdirSync(path).length}`)
    mkdirSync(directory)
    writeFileSync(join(directory, file), content)
    await refuses(code, directory, openLog(directory))
    assert.equal(readFileSync(join(directory, file), 'utf8'), content, 'and is left alone')
  }
  await check('DATA_DIR_FOREIGN', 'thesis.doc', 'years of work')
  await check('DATA_DIR_FOREIGN', 'meta.properties', 'version=1')
  await check('DATA_DIR_UNREADABLE', 'millrace.json', '{"format":2}')
  await check('DATA_DIR_UNREADABLE', 'millrace.json', '{"format"')
  await check('DATA_DIR_UNREADABLE', 'millrace.json', '')
})

test('refuses files of a data directory that have invalid content', async t => {
  const path = folderFor(t)
  await logWith(path, 1)
  const check = async (file: string): Promise<void> => {
    const before = readFileSync(join(path, file))
    writeFileSync(join(path, file), '?')
    await refuses('DATA_DIR_UNREADABLE', file, openLog(path))
    writeFileSync(join(path, file), before)
  }
  await check('metadata.json')
  // Files that can be derived from the rest, or are not needed, are written again.
  const again = ['millrace.json', 'recovery-point-offset-checkpoint', 'log-start-offset-checkpoint']
  for (const file of [...again, 'flights-0/config.json'])
    for (const content of ['', '?', undefined]) {
      if (content === undefined && file === 'millrace.json') continue
      if (content === undefined) rmSync(join(path, file))
      else writeFileSync(join(path, file), content)
      await using log = await openLog(path)
      assert.deepEqual(await valuesIn(log), [0], file)
    }
})

test('writes a damaged mark again if everything else is a log, and only then', async t => {
  const path = folderFor(t)
  await logWith(path, 1)
  const mark = join(path, 'millrace.json')
  const sound = readFileSync(mark)
  // Every ninth bit, so that each bit of a byte occurs; every bit in the soak.
  for (let bit = 0; bit < sound.length * 8; bit += soak ? 1 : 9) {
    const changed = Buffer.from(sound)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    writeFileSync(mark, changed)
    await (await LogDirectory.open(path, { disk: nodeDisk, clock: systemClock })).close()
    assert.deepEqual(readFileSync(mark), sound)
  }
  // As millrace 0.1.0 wrote it.
  writeFileSync(mark, '{"format":1}\n')
  await (await openLog(path)).close()
  assert.deepEqual(readFileSync(mark), sound)
  for (const stranger of ['thesis.doc', 'notes-1', 'photos-2026/1.jpg']) {
    mkdirSync(dirname(join(path, stranger)), { recursive: true })
    writeFileSync(join(path, stranger), 'years of work')
    writeFileSync(mark, '')
    await refuses('DATA_DIR_UNREADABLE', path, openLog(path))
    // What the message advises.
    rmSync(join(path, stranger.split('/')[0]!), { recursive: true })
    await using log = await openLog(path)
    assert.deepEqual(await valuesIn(log), [0])
  }
  writeFileSync(mark, '{"format":2}\n')
  await refuses('DATA_DIR_UNREADABLE', path, openLog(path))
})

test('for a data directory in use the second process is told of the first, and opens it when that has ended', async t => {
  const path = folderFor(t)
  const holder = spawn(process.execPath, [fileURLToPath(new URL('./holder.ts', import.meta.url)), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')
  const { message } = await refuses('DATA_DIR_IN_USE', path, openLog(path))
  assert.match(message, new RegExp(`process ${holder.pid}\\b`))
  const { code, said } = await millrace('produce', 'flights', '--data', path)
  assert.equal(code, 1)
  assert.match(said, /DATA_DIR_IN_USE/)
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  await (await openLog(path)).close()
})

test('on a full disk appends are refused and reads continue, and with room again appends continue', async () => {
  const disk = new SimulatedDisk()
  const log = await openDirectory(disk, { segmentBytes: 2000 })
  const partition = await log.createPartition('flights', 0)
  disk.capacityBytes = 5000
  const kept: string[] = []
  const fill = async (): Promise<void> => {
    for (let n = 0; n < 100; n += 1) {
      const value = `${n}`.padEnd(50, '.')
      await partition.append(batchOf([value])).durable
      kept.push(value)
    }
  }
  const failure = await refuses('DISK_FULL', '/data/flights-0', fill())
  assert(failure.retriable)
  assert.deepEqual(await valuesOf(partition), kept)
  disk.capacityBytes = 0
  await refuses('DISK_FULL', 'alerts-0', log.createPartition('alerts', 0))
  disk.capacityBytes = 50_000
  await partition.append(batchOf(['room again'])).durable
  await log.createPartition('alerts', 0)
  await log.close()
  const again = await openDirectory(disk)
  assert(again.recovery.clean)
  assert.deepEqual(await valuesOf(again.partition('flights', 0)!), [...kept, 'room again'])
})

test('without room to quarantine what recovery would cut off, nothing is cut', async () => {
  const disk = new SimulatedDisk()
  const log = await openDirectory(disk)
  const partition = await log.createPartition('flights', 0)
  await partition.append(batchOf(['a'])).durable
  disk.kill()
  const path = `${dataPath}/flights-0/00000000000000000000.log`
  const torn = Buffer.concat([disk.contentOf(path)!, Buffer.alloc(5000)])
  disk.setContent(path, torn)
  disk.capacityBytes = torn.length + 1000
  for (let n = 0; n < 3; n += 1) {
    await refuses('DISK_FULL', 'flights-0', openDirectory(disk))
    assert.deepEqual(await disk.list(`${dataPath}/flights-0`), ['00000000000000000000.log', 'config.json'])
  }
  disk.capacityBytes = 50_000
  const { cut } = (await openDirectory(disk)).recovery.partitions[0]!
  assert.equal(cut?.bytes, 5000)
})

test('a torn end is cut off and kept, and the log continues from there', async t => {
  const path = folderFor(t)
  await logWith(path, 10)
  const file = join(path, 'flights-0', '00000000000000000000.log')
  // As a process that was killed in a write leaves it.
  rmSync(join(path, '.kafka_cleanshutdown'))
  const sound = readFileSync(file)
  writeFileSync(file, Buffer.concat([sound, sound.subarray(0, 40)]))
  await using log = await openLog(path)
  assert.deepEqual(await valuesIn(log), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  assert.deepEqual(readFileSync(`${file}.cut-10`), sound.subarray(0, 40))
})

test('damage to synced records: the partition refuses, the others work, and the named command repairs it', async t => {
  const path = folderFor(t)
  await logWith(path, 10)
  {
    await using log = await openLog(path)
    await log.port.createTopic('alerts', { partitions: 1 })
  }
  const file = join(path, 'flights-0', '00000000000000000000.log')
  const sound = readFileSync(file)
  const damaged = sound.subarray(0, sound.length / 2 + 20)
  truncateSync(file, damaged.length)
  {
    await using log = await openLog(path)
    const { message } = await refuses('PARTITION_DAMAGED', file.slice(0, -25), valuesIn(log))
    assert(message.includes(`'millrace repair flights 0 --data ${path}'`), message)
    const producer = log.producer(flights)
    await refuses('PARTITION_DAMAGED', 'flights-0', producer.send({ key: 'DFW', value: 10 }))
    // close() reports again what the producer could not send.
    await refuses('PARTITION_DAMAGED', 'flights-0', producer.close())
    assert.equal(await log.port.offsets('alerts', 0, 'latest'), 0)
    const busy = await millrace('repair', 'flights', '0', '--data', path)
    assert.equal(busy.code, 1)
    assert.match(busy.said, /DATA_DIR_IN_USE/)
  }
  const repaired = await millrace('repair', 'flights', '0', '--data', path)
  assert.equal(repaired.code, 0, repaired.said)
  const kept = readdirSync(join(path, 'flights-0')).filter(name => name.includes('.cut-'))
  assert.equal(kept.length, 1)
  assert(repaired.said.includes(kept[0]!))
  const left = readFileSync(file)
  assert.deepEqual(Buffer.concat([left, readFileSync(join(path, 'flights-0', kept[0]!))]), damaged)
  await using log = await openLog(path)
  const values = await valuesIn(log)
  assert.deepEqual(values, [0, 1, 2, 3, 4])
  await log.producer(flights).send({ key: 'DFW', value: 10 })
  assert.deepEqual(await valuesIn(log), [...values, 10])
})

test('a repair of a sound partition changes nothing', async t => {
  const path = folderFor(t)
  await logWith(path, 10)
  const file = join(path, 'flights-0', '00000000000000000000.log')
  const sound = readFileSync(file)
  const { code, said } = await millrace('repair', 'flights', '0', '--data', path)
  assert.equal(code, 0)
  assert.match(said, /Nothing was cut/)
  assert.deepEqual(readFileSync(file), sound)
})

test('refuses topics and partitions that do not exist', async t => {
  const path = folderFor(t)
  await logWith(path, 1)
  {
    await using log = await openLog(path)
    await refuses('UNKNOWN_TOPIC', "'nothing'", log.port.offsets('nothing', 0, 'latest'))
    await refuses('UNKNOWN_PARTITION', "'flights'", log.port.offsets('flights', 7, 'latest'))
    await refuses('UNKNOWN_TOPIC', "'nothing'", log.port.deleteTopic('nothing'))
    await refuses('INVALID_ARGUMENT', 'a/b', log.port.createTopic('a/b', { partitions: 1 }))
  }
  const check = async (code: number, says: RegExp, ...args: readonly string[]): Promise<void> => {
    const answer = await millrace('repair', ...args, '--data', path)
    assert.equal(answer.code, code)
    assert.match(answer.said, says)
  }
  await check(1, /UNKNOWN_PARTITION/, 'nothing', '0')
  await check(1, /UNKNOWN_PARTITION/, 'flights', '7')
  await check(2, /INVALID_ARGUMENT/, '../etc', '0')
  await check(2, /numbered from 0/, 'flights', 'x')
})
