/**
 * What the programs in TypeScript share. Each is called with a bootstrap address, what its topics begin with,
 * and, to try a few cases, a part of their names. It prints a line of JSON per case, which holds nothing that
 * differs between two brokers that behave alike.
 */
import process from 'node:process'

export const [, , bootstrap = '', me = '', wanted = ''] = process.argv
/** What records are stamped with: no time of the run. */
export const epochMs = 1_600_000_000_000

/** One case: prints what its body returns, or the error by its name. */
export async function runCase(area, name, body) {
  if (!`${area}: ${name}`.includes(wanted)) return
  const begun = performance.now()
  const result = await outcome(body)
  process.stdout.write(`${JSON.stringify({ area, case: name, result }, plain)}\n`)
  process.stderr.write(`${((performance.now() - begun) / 1000).toFixed(2)} ${area}: ${name}\n`)
}

/** 64-bit integers and maps, for JSON. */
function plain(_key, value) {
  if (typeof value === 'bigint') return String(value)
  return value instanceof Map ? Object.fromEntries(value) : value
}

/** What an action returns, or the name of its error. */
export async function outcome(action) {
  try {
    return (await action()) ?? null
  } catch (error) {
    return nameOf(error)
  }
}

/** The first name that Kafka gives: in the error, its causes, or what it gathers. */
export function nameOf(error) {
  const { type, apiId, code, errors, cause, name } = error
  if (typeof type === 'string' && /^[A-Z_]+$/.test(type)) return type
  if (typeof apiId === 'string') return apiId
  for (const inner of Array.isArray(errors) ? errors : [cause])
    if (inner instanceof Error) return nameOf(inner)
  return String(code ?? name ?? error)
}

/**
 * Waits until the broker has done all that its controller has answered. Kafka's takes changes in order: once
 * it has a topic, it has taken all before that; once it has a second one, it is done with them.
 */
export async function settle(newTopic) {
  await newTopic()
  await newTopic()
}

let topicsMade = 0

/** A name that no other case has. */
export function newName() {
  topicsMade += 1
  return `${me}-${topicsMade}`
}

/** What is only slow, on a busy machine, gets so long. */
const patienceMs = 60_000

/** What the look gives once it gives something; a case that waits for it too long fails by its name. */
export async function until(what, look) {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > deadline) throw Object.assign(new Error(what), { code: `NO ${what}` })
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
