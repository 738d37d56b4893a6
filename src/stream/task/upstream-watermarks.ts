/**
 * What a task behind an exchange over topics knows of the tasks upstream: a lower bound of each one's
 * watermark.
 *
 * It is committed as the metadata of one offset, which may have 4,096 bytes. Equal watermarks of neighbouring
 * tasks are written once, as their distance from the least watermark. If the text is too long, distances are
 * rounded down to seconds, minutes, hours or days. Lower bounds stay lower bounds. The least, the beginning
 * and the end of time stay exact.
 */
import { MillraceError } from '../../base/index.ts'

/**
 * Announced instead of the end of time by tasks without event time, until their inputs are over: they hold
 * back nothing, and send more records.
 */
export const timeless: number = Number.MAX_SAFE_INTEGER

/** Characters of the text: with the metadata around it it stays below 4,096. */
const textMax = 3800
/** The most tasks upstream: the text has one character for each if no two neighbours are equal. */
export const upstreamTasksMax: number = textMax
/**
 * The units that distances are rounded down to, in ms, until the text is short enough. With the last one
 * every distance is 0.
 */
const unitsMs = [1, 1000, 60_000, 3_600_000, 86_400_000, Number.POSITIVE_INFINITY]

const { NEGATIVE_INFINITY, POSITIVE_INFINITY } = Number

export class UpstreamWatermarks {
  readonly #watermarks: number[]
  /** The least watermark; of tasks without event time, the end of time. */
  watermark: number
  /** The text, until one of the watermarks changes. */
  #text: string | undefined

  /** @throws MillraceError LIMIT_EXCEEDED for more than {@link upstreamTasksMax} */
  constructor(tasks: number, known: readonly number[], topic: string) {
    if (tasks > upstreamTasksMax)
      throw new MillraceError(
        'LIMIT_EXCEEDED',
        `'${topic}' would take records from ${tasks} partitions; ${upstreamTasksMax} are the most behind an exchange over topics. ` +
          "Give the sources fewer partitions, or run the app with { exchange: 'memory' }.",
      )
    this.#watermarks = Array.from({ length: tasks }, (_, task) => known[task] ?? NEGATIVE_INFINITY)
    this.watermark = inTime(leastOf(this.#watermarks))
  }

  /**
   * Tasks `from` to `to`, both included, have reached `watermark`. Returns false for tasks that do not exist.
   */
  raise(from: number, to: number, watermark: number): boolean {
    const watermarks = this.#watermarks
    if (!(from >= 0 && from <= to && to < watermarks.length)) return false
    for (let task = from; task <= to; task += 1)
      if (watermark > (watermarks[task] as number)) {
        watermarks[task] = watermark
        this.#text = undefined
      }
    if (this.#text === undefined) this.watermark = inTime(leastOf(watermarks))
    return true
  }

  /** Whether all tasks upstream have sent their last record. */
  get isOver(): boolean {
    return this.#watermarks.every(watermark => watermark === POSITIVE_INFINITY)
  }

  /** All watermarks as text. */
  get text(): string {
    return (this.#text ??= textOf(this.#watermarks))
  }

  /** The watermarks in a {@link text}; none if it cannot be read. */
  static parse(text: string): number[] {
    const [head, runs] = text.split(':')
    const [least, unit] = (head ?? '').split('/').map(Number)
    if (least === undefined || unit === undefined || runs === undefined) return []
    const watermarks: number[] = []
    if (runs.startsWith('=')) for (const kind of runs.slice(1)) watermarks.push(valueOf(kind, least, unit))
    else
      for (const run of runs.split(',')) {
        const [value, count] = run.split('*')
        const times = count === undefined ? 1 : Number.parseInt(count, 36)
        if (!(times >= 1 && times <= upstreamTasksMax)) return []
        for (let n = 0; n < times; n += 1) watermarks.push(valueOf(value as string, least, unit))
      }
    return watermarks.some(Number.isNaN) ? [] : watermarks
  }
}

/** An announced watermark, as it counts for event time. */
export function inTime(watermark: number): number {
  return watermark === timeless ? POSITIVE_INFINITY : watermark
}

function leastOf(watermarks: readonly number[]): number {
  let least = POSITIVE_INFINITY
  for (const watermark of watermarks) if (watermark < least) least = watermark
  return least
}

/**
 * `<least>/<unit>:<run>,<run>…`. Each run is a value and how often it occurs. A value is `-` for the
 * beginning of time, `+` for its end, otherwise units ahead of the least.
 */
function textOf(watermarks: readonly number[]): string {
  const finite = watermarks.filter(Number.isFinite)
  const least = finite.length > 0 ? leastOf(finite) : 0
  for (const unit of unitsMs) {
    const values = watermarks.map(watermark => {
      if (watermark === NEGATIVE_INFINITY) return '-'
      if (watermark === POSITIVE_INFINITY) return '+'
      return Math.floor((watermark - least) / unit).toString(36)
    })
    const head = `${least}/${unit === POSITIVE_INFINITY ? 1 : unit}:`
    const text = head + runsOf(values)
    if (text.length <= textMax) return text
    // Every distance is 0 by now, so each value is one character.
    if (unit === POSITIVE_INFINITY) return `${head}=${values.join('')}`
  }
  return ''
}

function runsOf(values: readonly string[]): string {
  const runs: string[] = []
  for (let at = 0; at < values.length;) {
    let end = at + 1
    while (end < values.length && values[end] === values[at]) end += 1
    runs.push(end - at === 1 ? `${values[at]}` : `${values[at]}*${(end - at).toString(36)}`)
    at = end
  }
  return runs.join(',')
}

function valueOf(value: string, least: number, unit: number): number {
  if (value === '-') return NEGATIVE_INFINITY
  if (value === '+') return POSITIVE_INFINITY
  return least + Number.parseInt(value, 36) * unit
}
