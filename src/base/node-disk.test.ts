import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { scale } from '../../test/scale.ts'
import { diskConformance } from './disk-conformance.test-support.ts'
import { nodeDisk } from './node-disk.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-disk-'))
after(() => rmSync(folder, { recursive: true, force: true }))

for (const { name, run } of diskConformance(async () => ({
  disk: nodeDisk,
  root: mkdtempSync(join(folder, 'suite-')),
})))
  test(`on the machine: ${name}`, run)

test('writes more buffers than the kernel takes in one call', async () => {
  const file = await nodeDisk.open(join(folder, 'many'), 'create')
  const buffers = Array.from({ length: 3000 }, (_, n) => Uint8Array.of(n & 0xff))
  equal(await file.write(buffers, 0), 3000)
  const read = Buffer.alloc(3000)
  equal(await file.read(read, 0), 3000)
  deepEqual(read, Buffer.concat(buffers))
  await file.close()
})

test('reports a full device, by error or by count', { skip: !existsSync('/dev/full') }, async () => {
  const file = await nodeDisk.open('/dev/full', 'write')
  await rejects(file.write([Buffer.from('x')], 0), { code: 'ENOSPC' })
  await file.close()
})

test('a lock that was released leaves nothing', async () => {
  const path = join(folder, 'lock-released')
  const lock = await nodeDisk.lock(path, 'me')
  ok('release' in lock)
  await lock.release()
  deepEqual(readdirSync(path), [])
})

test('gives the lock to one of many takers in one process', async () => {
  const path = join(folder, 'lock-many')
  for (let round = 0; round < 20; round += 1) {
    const taken = await Promise.all(Array.from({ length: 6 }, (_, n) => nodeDisk.lock(path, `taker ${n}`)))
    const winners = taken.filter(lock => 'release' in lock)
    equal(winners.length, 1)
    for (const winner of winners) await winner.release()
  }
})

test('does not take a reused process id for the holder', async () => {
  const path = join(folder, 'lock-reused')
  mkdirSync(path)
  writeFileSync(join(path, `${process.pid}-1-abcd`), 'long gone')
  writeFileSync(join(path, `${process.pid}-1-abcd.held`), '')
  const lock = await nodeDisk.lock(path, 'me')
  // Without start times the process id alone identifies the holder, as node-lock.ts says.
  equal('release' in lock, existsSync('/proc/self/stat'))
})

test('does not take a zombie for the holder', { skip: !existsSync('/proc/self/stat') }, async () => {
  const parent = spawn('sh', ['-c', "sh -c 'echo $$; read line' & exec sleep 60"], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const pid = Number((await createInterface({ input: parent.stdout })[Symbol.asyncIterator]().next()).value)
  const stat = (): string[] => readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')
  while (stat()[2] !== 'Z') await setTimeout(1)
  const path = join(folder, 'lock-zombie')
  mkdirSync(path)
  for (const ending of ['', '.held'])
    writeFileSync(join(path, `${pid}-${stat()[21]}-abcd${ending}`), 'killed')
  const lock = await nodeDisk.lock(path, 'me')
  parent.kill('SIGKILL')
  ok('release' in lock)
})

// A process that takes the lock when told to, says what it got, and gives it back or dies as told.
const takerProgram = `
  import { createInterface } from 'node:readline'
  const { nodeDisk } = await import(${JSON.stringify(new URL('./node-disk.ts', import.meta.url).href)})
  let lock
  console.log('ready')
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'take') {
      lock = await nodeDisk.lock(process.argv[1], 'process ' + process.pid)
      console.log('release' in lock ? 'got it' : lock.heldBy)
    } else if (line === 'release') {
      await lock.release()
      console.log('released')
    }
  }
`

interface Taker {
  child: ChildProcess
  ask: (question: string) => Promise<string>
}

async function startTaker(path: string): Promise<Taker> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', takerProgram, path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async (): Promise<string> => String((await lines.next()).value)
  equal(await answer(), 'ready')
  return {
    child,
    ask: question => {
      child.stdin.write(`${question}\n`)
      return answer()
    },
  }
}

test('frees the lock of a dead process, and gives it to one of several takers', async () => {
  const path = join(folder, 'lock-killed')
  const takers = await Promise.all(Array.from({ length: 3 }, () => startTaker(path)))
  for (let round = 0; round < scale(50); round += 1) {
    const answers = await Promise.all(takers.map(({ ask }) => ask('take')))
    deepEqual(
      answers.filter(answer => answer === 'got it').length,
      1,
      `round ${round}: ${answers.join(', ')}`,
    )
    const winner = answers.indexOf('got it')
    const { child, ask } = takers[winner]!
    if (round % 2 === 0) equal(await ask('release'), 'released')
    else {
      child.kill('SIGKILL')
      await once(child, 'exit')
      takers[winner] = await startTaker(path)
    }
  }
  for (const { child } of takers) child.kill('SIGKILL')
})
