/**
 * A progress bar: one line that is drawn again and again on a terminal, and a new line now and then
 * elsewhere.
 */
import process from 'node:process'
import { styleText } from 'node:util'
import type { Pipeline } from './pipeline.ts'

const bar = 24

/** Draws until the function that it returns is called. */
export function showProgress(pipeline: Pipeline): () => void {
  const tty = process.stdout.isTTY
  const begun = performance.now()
  let last = { ms: begun, records: 0 }
  const draw = (): void => {
    const { app, unpublished } = pipeline.progress()
    const now = performance.now()
    const rate = ((app.records - last.records) / (now - last.ms)) * 1000
    last = { ms: now, records: app.records }
    const left = app.lag + (unpublished ?? 0)
    // The total is unknown until the source has counted its rows.
    const share = unpublished === undefined ? 0 : app.records / Math.max(1, app.records + left)
    const cells = Math.floor(share * bar)
    const text = [
      styleText('cyan', '█'.repeat(cells)) + styleText('gray', '░'.repeat(bar - cells)),
      `${Math.floor(share * 100)}%`.padStart(4),
      `${count(app.records)} records`,
      `${count(rate)}/s`.padStart(10),
      `watermark ${watermark(app.watermark)}`,
      share >= 1 ? 'closing windows, loading' : `lag ${count(left)}`,
    ].join('  ')
    process.stdout.write(tty ? `\r\x1b[2K${text}` : `${text}\n`)
  }
  const timer = setInterval(draw, tty ? 200 : 2000)
  return () => {
    clearInterval(timer)
    draw()
    if (tty) process.stdout.write('\n')
  }
}

const count = (n: number): string => Math.round(n).toLocaleString('en')

function watermark(ms: number): string {
  if (ms === Number.NEGATIVE_INFINITY) return 'none yet        '
  if (ms === Number.POSITIVE_INFINITY) return 'end of time     '
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
}
