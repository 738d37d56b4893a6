/**
 * An exclusive lock between processes that does not outlive its process, even after kill -9. Node has no
 * flock, so the lock is a folder with one file per taker:
 *
 * ```
 * <path>/<pid>-<start>-<nonce>        a taker is there; holds the text that it wants shown
 * <path>/<pid>-<start>-<nonce>.held   … and has the lock
 * ```
 *
 * `start` is the process's start time as the kernel counts it, so that another process with the same id is
 * not taken for the holder. It is '0' where the system does not tell: then a reused id counts as held, and
 * the user must remove the folder. A zombie (killed, but its parent has not read its exit status) does not
 * hold the lock either.
 *
 * Why two never win: a taker makes its file first and looks second. Of any two, the one whose file came later
 * sees the other's. The taker decides by what it sees:
 * - a file of a dead process: it is removed. Its name is never used again, so removing it cannot hit a live
 *   holder. (A single well-known file lacks this property: another process may replace it between the check
 *   and the removal.)
 * - a held one: the lock is taken.
 * - another taker: the one whose name sorts first waits for the other to decide, and the other gives way. So
 *   one always gets the lock.
 *
 * A file keeps its name while its process has or waits for the lock: a folder that is read during a rename
 * may show neither name.
 *
 * Processes that cannot see each other (containers that share a volume but not their process ids) are not
 * protected.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

/** How long to wait for another taker to decide. Only a stopped process takes longer. */
const waitMsMax = 5_000
const pollMs = 2

const takerPattern = /^(\d+)-(\d+)-[0-9a-f]+$/

/** Takes the lock, or tells who has it. The contract is that of `Disk.lock`. */
export async function takeLock(
  path: string,
  holder: string,
): Promise<{ release(): Promise<void> } | { heldBy: string }> {
  await mkdir(path, { recursive: true })
  const nonce = crypto.randomUUID().slice(0, 8)
  const { start } = await statusOf(process.pid)
  const name = `${process.pid}-${start}-${nonce}`
  const taker = join(path, name)
  const held = `${taker}.held`
  const withdraw = async (): Promise<void> => {
    await rm(held, { force: true })
    await rm(taker, { force: true })
  }
  await writeFile(taker, holder, { flag: 'wx' })
  try {
    for (let waitedMs = 0; ; waitedMs += pollMs) {
      const rival = await strongestRival(path, name)
      if (rival === undefined) {
        await writeFile(held, '', { flag: 'wx' })
        return { release: withdraw }
      }
      if (rival.held || rival.name < name || waitedMs >= waitMsMax) {
        const text = await readFile(join(path, rival.name), 'utf8').catch(() => '')
        await withdraw()
        return { heldBy: text === '' ? `process ${rival.name.split('-')[0]}` : text }
      }
      await setTimeout(pollMs)
    }
  } catch (error) {
    await withdraw()
    throw error
  }
}

/**
 * The live rival of `own`: the holder of the lock, else the taker that sorts first. Removes the files of dead
 * processes.
 */
async function strongestRival(
  path: string,
  own: string,
): Promise<{ name: string; held: boolean } | undefined> {
  const names = (await readdir(path)).sort()
  let strongest: { name: string; held: boolean } | undefined
  for (const name of names) {
    if (name === own || !takerPattern.test(name)) continue
    if (!(await isAlive(name))) {
      await rm(join(path, `${name}.held`), { force: true })
      await rm(join(path, name), { force: true })
      continue
    }
    if (names.includes(`${name}.held`)) return { name, held: true }
    strongest ??= { name, held: false }
  }
  return strongest
}

async function isAlive(name: string): Promise<boolean> {
  const [, pid = '', start = ''] = takerPattern.exec(name) ?? []
  try {
    process.kill(Number(pid), 0)
  } catch (error) {
    // EPERM: the process exists, and belongs to another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const { start: now, ended } = await statusOf(Number(pid))
  return !ended && (now === '0' || start === '0' || now === start)
}

interface Status {
  /** The start time of a process, in the kernel's ticks since boot; '0' where the system does not tell. */
  readonly start: string
  /**
   * A zombie: its parent has not read its exit status, which in a container can take forever. While it has
   * other threads it may still write, so it counts as alive.
   */
  readonly ended: boolean
}

async function statusOf(pid: number): Promise<Status> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The second field is a name in parentheses that may hold spaces, so fields are counted from its end.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const [state, threads, start = '0'] = [fields[0], fields[17], fields[19]]
  return { start, ended: (state === 'Z' || state === 'X') && Number(threads) <= 1 }
}
