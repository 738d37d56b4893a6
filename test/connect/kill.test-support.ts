/** Children that are killed with SIGKILL once they have made progress. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'

/**
 * Runs a file of this folder, and kills it `delayMs` after it has printed `lines` lines. Resolves to whether
 * it ended by itself; rejects if it failed.
 */
export function runAndKill(
  file: string,
  args: readonly string[],
  lines: number,
  delayMs: number,
): Promise<boolean> {
  const child = spawn(process.execPath, [join(import.meta.dirname, file), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let seen = 0
  child.stdout.on('data', (data: Buffer) => {
    const before = seen
    seen += data.toString().split('\n').length - 1
    if (before < lines && seen >= lines) setTimeout(() => child.kill('SIGKILL'), delayMs)
  })
  return new Promise((resolve, reject) => {
    child.once('exit', (code, signal) => {
      if (signal === 'SIGKILL') resolve(false)
      else if (code === 0) resolve(true)
      else reject(new Error(`${file} ended with ${code}`))
    })
  })
}
