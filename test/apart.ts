/**
 * Runs a function in a separate thread. The test runner follows every promise on its thread, and a simulation
 * consists of promises: apart from the runner it takes a third of the time. `npm test` keeps the runner from
 * following them (tools/no-promise-hooks.js); a file that is run directly does not.
 */
import { inspect } from 'node:util'
import { parentPort, Worker, workerData } from 'node:worker_threads'
import { testFile } from './for-seeds.ts'

interface Task {
  readonly module: string
  readonly name: string
  readonly args: readonly unknown[]
}

type Answer = { readonly result: unknown } | { readonly failure: string }

/**
 * Calls the function that `module` (its URL) exports as `name`; arguments and result are cloned. The module
 * must not import node:test. Its seeds are those of the test that calls (for-seeds.ts).
 *
 * @example
 * test('…', () => apart(new URL('./simulation.ts', import.meta.url), 'simulate', 1000))
 */
export function apart<T = void>(module: URL, name: string, ...args: readonly unknown[]): Promise<T> {
  const task: Task = { module: module.href, name, args }
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: { apart: task, testFile: testFile() },
    })
    worker.once('message', (answered: Answer) => {
      if ('failure' in answered) reject(new Error(answered.failure))
      else resolve(answered.result as T)
    })
    worker.once('error', reject)
    worker.once('exit', code =>
      reject(new Error(`${name} ended with ${code} and without an answer: it waits for something`)),
    )
  })
}

async function answer({ module, name, args }: Task): Promise<Answer> {
  try {
    const exported = (await import(module)) as Record<string, (...args: readonly unknown[]) => unknown>
    return { result: await exported[name]!(...args) }
  } catch (error) {
    return { failure: inspect(error, { depth: 8 }) }
  }
}

const { apart: task } = (workerData ?? {}) as { readonly apart?: Task }
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- about windows; this is a port
if (task && parentPort) parentPort.postMessage(await answer(task))
