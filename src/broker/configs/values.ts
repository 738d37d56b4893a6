/** Values of configs: texts, checked and read as Kafka does. */
import { MillraceError } from '../../base/index.ts'
import type { ConfigValue } from '../../port/index.ts'

/** Configs by name, as texts. */
export type ConfigTexts = Readonly<Record<string, string>>

/** The values that a config takes. A range has both of its ends. */
export type ConfigKind =
  | { readonly type: 'int' | 'long'; readonly min: number; readonly max?: number }
  | { readonly type: 'double'; readonly min: number; readonly max: number }
  | { readonly type: 'boolean' }
  | { readonly type: 'string'; readonly oneOf: readonly string[] }
  /** Without `oneOf` any items. */
  | { readonly type: 'list'; readonly oneOf?: readonly string[] }

const intMax = 0x7fff_ffffn
const longMax = 0x7fff_ffff_ffff_ffffn

/** Kafka's largest long, as text: no limit. */
export const unlimited: string = longMax.toString()

/** A value as Kafka's text. INVALID_CONFIG if it is not a text, a number or a flag. */
export function textOf(name: string, value: ConfigValue | undefined): string {
  if (typeof value === 'string') return value.trim()
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw invalid(name, 'needs a text, a number, true or false as its value')
}

/** @throws MillraceError INVALID_CONFIG */
export function checkValue(name: string, kind: ConfigKind, text: string): void {
  const expected = expectedInstead(kind, text)
  if (expected !== undefined) throw invalid(name, `must be ${expected}, not '${text}'`)
}

export function invalid(name: string, why: string): MillraceError {
  return new MillraceError('INVALID_CONFIG', `Config '${name}' ${why}.`)
}

/** The items of a list. */
export function itemsOf(text: string): string[] {
  return splitList(text).filter(item => item !== '')
}

/** The items of a list that may have empty ones: `compact,,delete`, which is refused. */
export function splitList(text: string): string[] {
  return text.trim() === '' ? [] : text.split(',').map(item => item.trim())
}

/** The number of a checked text; a long that a number cannot hold is the largest safe one. */
export function numberOf(text: string): number {
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number(text), Number.MAX_SAFE_INTEGER))
}

export function isTrue(text: string): boolean {
  return text.toLowerCase() === 'true'
}

/** The value must be this; undefined for a valid one. */
function expectedInstead(kind: ConfigKind, text: string): string | undefined {
  switch (kind.type) {
    case 'int':
    case 'long': {
      const value = wholeOf(text)
      const max = BigInt(kind.max ?? (kind.type === 'int' ? intMax : longMax))
      if (value !== undefined && value >= BigInt(kind.min) && value <= max) return undefined
      const isRange = kind.max !== undefined || (value !== undefined && value > max)
      return `a whole number ${isRange ? `from ${kind.min} to ${max}` : `of at least ${kind.min}`}`
    }
    case 'double': {
      const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)
      const isInside = isNumber && Number(text) >= kind.min && Number(text) <= kind.max
      return isInside ? undefined : `a number from ${kind.min} to ${kind.max}`
    }
    case 'boolean':
      return /^(true|false)$/i.test(text) ? undefined : 'true or false'
    case 'string':
      return kind.oneOf.includes(text) ? undefined : `one of ${kind.oneOf.join(', ')}`
    case 'list': {
      const { oneOf } = kind
      const items = splitList(text)
      if (items.includes('')) return 'a list without empty items'
      const isKnown = oneOf === undefined || items.every(item => oneOf.includes(item))
      if (!isKnown) return `a list of ${oneOf.join(', ')}`
      return new Set(items).size === items.length ? undefined : 'a list without repeated items'
    }
  }
}

/** Undefined for a text that is not a whole number, or one of more digits than any config takes. */
function wholeOf(text: string): bigint | undefined {
  return /^[+-]?\d{1,30}$/.test(text) ? BigInt(text.replace('+', '')) : undefined
}
