/**
 * Regular expressions of clients, in the syntax of RE2 as far as names of things need it: literals, `.`,
 * classes, groups, alternatives, repetition, `\Q…\E`, `(?i)` in front. A text matches as a whole.
 *
 * Time is bounded by the length of the text times that of the pattern, whatever a client sends: all states
 * that the text may be in are followed at once (Thompson). JavaScript's own engine goes back and tries
 * again, and some patterns would stop the process for minutes. A long text takes several turns of the event
 * loop: {@link Matching}.
 */

/** Whether a character matches. */
type Test = (char: string) => boolean

/** A step of a pattern: a character to pass, a fork, or the end. */
type Step =
  | { readonly kind: 'char'; readonly test: Test; next: number }
  | { readonly kind: 'fork'; next: number; other: number }
  | { readonly kind: 'end' }

/** Steps of a pattern, with its repetitions written out. */
const stepsMax = 2000
/** Parts of sequences that are written out. An empty one has no steps, but its repetition takes time. */
const partsMax = 20_000
/** Items of all classes together: each character that is new to a class is looked for among them. */
const classItemsMax = 1000
/** The characters of which a class remembers whether it has them. */
const knownCharsMax = 1000
/** Steps that are followed in one turn of the event loop: about a millisecond. */
const turnStepsMax = 20_000
/** The largest count of a repetition: RE2's. */
const repeatMax = 1000
const depthMax = 100

interface Turn {
  stepsLeft: number
}

/** Whether a text matches, in several turns: it stops where others should have theirs. */
export type Matching = Iterator<undefined, boolean>

/** Undefined: the pattern is invalid, or uses what is not read here. */
export function linearPattern(pattern: string): ((text: string) => Matching) | undefined {
  const ignoresCase = pattern.startsWith('(?i)')
  try {
    const program = new Compiler(ignoresCase ? pattern.slice(4) : pattern, ignoresCase).program()
    // Of all texts: many short ones are as much work as a long one.
    const turn = { stepsLeft: turnStepsMax }
    return text => matching(program, text, turn)
  } catch (error) {
    if (error instanceof InvalidPattern) return undefined
    throw error
  }
}

class InvalidPattern extends Error {}

function* matching({ steps, start }: Program, text: string, turn: Turn): Generator<undefined, boolean> {
  let states = new Set<number>()
  enter(steps, start, states)
  if (takes(turn, states.size)) yield
  for (const char of text) {
    const next = new Set<number>()
    for (const state of states) {
      const step = steps[state]!
      if (step.kind === 'char' && step.test(char)) enter(steps, step.next, next)
    }
    states = next
    if (takes(turn, states.size)) yield
    if (states.size === 0) return false
  }
  for (const state of states) if (steps[state]!.kind === 'end') return true
  return false
}

/** Counts steps. True: the turn is over, and the next one begins. */
function takes(turn: Turn, steps: number): boolean {
  turn.stepsLeft -= 1 + steps
  if (turn.stepsLeft >= 0) return false
  turn.stepsLeft = turnStepsMax
  return true
}

/** Adds a state, and those that follow without a character. */
function enter(steps: readonly Step[], from: number, states: Set<number>): void {
  const open = [from]
  for (let state; (state = open.pop()) !== undefined;) {
    if (states.has(state)) continue
    states.add(state)
    const step = steps[state]!
    if (step.kind === 'fork') open.push(step.other, step.next)
  }
}

interface Program {
  readonly steps: readonly Step[]
  readonly start: number
}

/** Makes the steps of a part that continues at `next`; returns where it starts. */
type Part = (next: number) => number

/** Reads a pattern from its beginning to its end. */
class Compiler {
  readonly #chars: readonly string[]
  readonly #ignoresCase: boolean
  readonly #steps: Step[] = []
  #parts = 0
  #classItems = 0
  #at = 0
  #depth = 0

  constructor(pattern: string, ignoresCase: boolean) {
    this.#chars = Array.from(unquoted(pattern))
    this.#ignoresCase = ignoresCase
  }

  program(): Program {
    const part = this.#alternatives()
    if (this.#at < this.#chars.length) throw new InvalidPattern('A group is closed that was not opened.')
    const end = this.#add({ kind: 'end' })
    return { steps: this.#steps, start: part(end) }
  }

  #alternatives(): Part {
    this.#depth += 1
    if (this.#depth > depthMax) throw new InvalidPattern('Groups are nested too deep.')
    const parts = [this.#sequence()]
    while (this.#takes('|')) parts.push(this.#sequence())
    this.#depth -= 1
    return next =>
      parts
        .map(part => part(next))
        .reduceRight((other, start) => this.#add({ kind: 'fork', next: start, other }))
  }

  #sequence(): Part {
    const parts: Part[] = []
    for (let char; (char = this.#chars[this.#at]) !== undefined && char !== '|' && char !== ')';)
      parts.push(this.#repeated(this.#atom()))
    return next => {
      this.#parts += 1 + parts.length
      if (this.#parts > partsMax) throw tooLong()
      return parts.reduceRight((following, part) => part(following), next)
    }
  }

  #repeated(part: Part): Part {
    const counts = this.#repetition()
    if (!counts) return part
    // Lazy or not, the text matches as a whole.
    this.#takes('?')
    if (this.#repetition()) throw new InvalidPattern('A repetition is repeated.')
    const { min, max } = counts
    return next => {
      let start = next
      if (max === Infinity) {
        const loop: Step = { kind: 'fork', next: 0, other: next }
        start = this.#add(loop)
        loop.next = part(start)
      } else
        for (let n = min; n < max; n += 1) start = this.#add({ kind: 'fork', next: part(start), other: next })
      for (let n = 0; n < min; n += 1) start = part(start)
      return start
    }
  }

  #repetition(): { readonly min: number; readonly max: number } | undefined {
    if (this.#takes('*')) return { min: 0, max: Infinity }
    if (this.#takes('+')) return { min: 1, max: Infinity }
    if (this.#takes('?')) return { min: 0, max: 1 }
    const counted = /^\{(\d{1,4})(,(\d{0,4}))?\}/.exec(this.#chars.slice(this.#at, this.#at + 11).join(''))
    if (!counted) return undefined
    this.#at += counted[0].length
    const min = Number(counted[1])
    const max = counted[2] === undefined ? min : counted[3] === '' ? Infinity : Number(counted[3])
    if (min > repeatMax || (max !== Infinity && max > repeatMax) || max < min)
      throw new InvalidPattern('A repetition has a count that is out of range.')
    return { min, max }
  }

  #atom(): Part {
    const char = this.#next()
    switch (char) {
      case '(':
        return this.#group()
      case '[':
        return this.#char(this.#class())
      case '.':
        return this.#char(each => each !== '\n')
      case '\\':
        return this.#char(this.#escapedTest(this.#next()))
      case '^':
      case '$':
        throw new InvalidPattern('A text matches as a whole: anchors are not read.')
      case '*':
      case '+':
      case '?':
        throw new InvalidPattern('There is nothing to repeat.')
      default:
        return this.#literal(char)
    }
  }

  #group(): Part {
    if (this.#takes('?') && !this.#takes(':')) throw new InvalidPattern('Only (?: is read.')
    const part = this.#alternatives()
    if (!this.#takes(')')) throw new InvalidPattern('A group is not closed.')
    return part
  }

  #escapedTest(char: string): Test {
    const found = classes[char]
    if (found) return found
    if (/[a-zA-Z0-9]/.test(char)) throw new InvalidPattern(`\\${char} is not read.`)
    return this.#same(char)
  }

  #class(): Test {
    const isNegated = this.#takes('^')
    const tests: Test[] = []
    while (tests.length === 0 || !this.#takes(']')) tests.push(this.#classItem())
    this.#classItems += tests.length
    if (this.#classItems > classItemsMax) throw tooLong()
    // A class that is repeated is one, and its copies are asked for the same character one after the other.
    return remembered(char => tests.some(test => test(char)) !== isNegated)
  }

  #classItem(): Test {
    const first = this.#next()
    if (first === '[' && this.#chars[this.#at] === ':')
      throw new InvalidPattern('Names of classes are not read.')
    if (first === '\\') return this.#escapedTest(this.#next())
    if (this.#chars[this.#at] !== '-' || this.#chars[this.#at + 1] === ']') return this.#same(first)
    this.#at += 1
    const last = this.#next()
    if (last === '\\' || last < first) throw new InvalidPattern('A range of characters is invalid.')
    const isIn: Test = char => first <= char && char <= last
    return this.#ignoresCase ? char => isIn(char.toLowerCase()) || isIn(char.toUpperCase()) : isIn
  }

  #literal(char: string): Part {
    return this.#char(this.#same(char))
  }

  #same(char: string): Test {
    if (!this.#ignoresCase) return each => each === char
    const lower = char.toLowerCase()
    return each => each.toLowerCase() === lower
  }

  #char(test: Test): Part {
    return next => this.#add({ kind: 'char', test, next })
  }

  #add(step: Step): number {
    if (this.#steps.length >= stepsMax) throw tooLong()
    return this.#steps.push(step) - 1
  }

  #next(): string {
    const char = this.#chars[this.#at]
    if (char === undefined) throw new InvalidPattern('The pattern ends too early.')
    this.#at += 1
    return char
  }

  #takes(char: string): boolean {
    if (this.#chars[this.#at] !== char) return false
    this.#at += 1
    return true
  }
}

function tooLong(): InvalidPattern {
  return new InvalidPattern('The pattern is too long.')
}

function remembered(test: Test): Test {
  const known = new Map<string, boolean>()
  return char => {
    let is = known.get(char)
    if (is !== undefined) return is
    if (known.size >= knownCharsMax) known.clear()
    known.set(char, (is = test(char)))
    return is
  }
}

/** `\Qa.b\E` as `a\.b`. */
function unquoted(pattern: string): string {
  return pattern.replace(/\\(?:Q(.*?)(?:\\E|$)|.)/gs, (escape, quoted?: string) =>
    quoted === undefined ? escape : quoted.replace(/[^a-zA-Z0-9]/gu, '\\$&'),
  )
}

const classes: Readonly<Record<string, Test>> = {
  d: char => /[0-9]/.test(char),
  D: char => /[^0-9]/.test(char),
  w: char => /\w/.test(char),
  W: char => /\W/.test(char),
  s: char => /[\t\n\f\r ]/.test(char),
  S: char => /[^\t\n\f\r ]/.test(char),
}
