/**
 * Decides whether a call of the disk is made in the caller's thread, or handed to another one.
 *
 * The page cache answers a call of 256 KiB in 50 to 200 µs. Handing such a call to a thread costs as much
 * again: two switches, and bytes that move between the caches of two cores. So calls are made in the caller's
 * thread as long as they are quick. After two slow ones in a row they are handed over, for a time that is a
 * multiple of what the last one took: a slow disk holds the event loop for a small share of the time only.
 * One slow call says little, because the machine may have run another thread meanwhile.
 *
 * Slow calls are counted for each file: the next quick call of another file says nothing of this one. The
 * pause is that of the disk: many files that nobody has read lately do not each hold the event loop.
 */

/** A call that takes longer is slow. */
const quickMsMax = 2
/** After slow calls, so many times the duration of the last one pass before the next try. */
const pauseFactor = 50
/** Larger calls are handed over: even the page cache takes long for them. */
const inCallBytesMax = 1024 * 1024
/** So many slow calls in a row make the disk a slow one. */
const slowCallsMax = 2

/** What the files of a disk share. */
export class InCallPause {
  readonly now: () => number
  resumesAt: number = Number.NEGATIVE_INFINITY

  /** `now`: monotonic, in ms. */
  constructor(now: () => number) {
    this.now = now
  }
}

/** Of a file, in one direction. */
export class InCall {
  readonly #pause: InCallPause
  /** Slow calls in a row. */
  #slow = 0

  constructor(pause: InCallPause) {
    this.#pause = pause
  }

  /** Whether a call that moves so many bytes may be made in the caller's thread now. */
  allows(bytes: number): boolean {
    return bytes <= inCallBytesMax && this.#pause.now() >= this.#pause.resumesAt
  }

  /** Makes the call, and remembers if it was slow. */
  run<T>(call: () => T): T {
    const pause = this.#pause
    const began = pause.now()
    try {
      return call()
    } finally {
      const now = pause.now()
      const tookMs = now - began
      if (tookMs <= quickMsMax) this.#slow = 0
      else {
        this.#slow += 1
        if (this.#slow >= slowCallsMax) pause.resumesAt = now + tookMs * pauseFactor
      }
    }
  }
}
