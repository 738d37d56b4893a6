/** Random messages, made from their definitions: any value that a field of the version can hold. */
import { unreachable, type Random } from '../../base/index.ts'
import { isVersionIn, type Field, type ScalarType } from '../definition.ts'
import { planStruct, type PlannedField, type Struct, type StructPlan, type Value } from './field-plan.ts'

/** The versions of a definition, one by one. */
export function eachVersion(text: string): readonly number[] {
  return Array.from({ length: 100 }, (_, version) => version).filter(version => isVersionIn(version, text))
}

/**
 * A message with every field of the version, each at random, and now and then at its default. The fields of
 * other versions have their defaults: so it equals what is decoded from its bytes.
 */
export function randomMessage(
  random: Random,
  fields: readonly Field[],
  version: number,
  isFlexible: boolean,
): Struct {
  return randomStruct(random, planStruct(fields, version, isFlexible))
}

function randomStruct(random: Random, plan: StructPlan): Struct {
  const value = { ...plan.template }
  for (const field of [...plan.fields, ...plan.tagged]) value[field.name] = randomField(random, field)
  return value
}

function randomField(random: Random, field: PlannedField): Value {
  const chance = random.next()
  if (chance < 0.15) return field.default
  if (field.isNullable && chance < 0.35) return null
  if (field.kind === 'array') return Array.from({ length: count(random) }, () => randomItem(random, field))
  return randomItem(random, field)
}

function randomItem(random: Random, { type, fields }: PlannedField): Value {
  return type === undefined ? randomStruct(random, fields!) : randomScalar(random, type)
}

/** Mostly few; now and then so many that a compact count takes two bytes. */
function count(random: Random): number {
  return random.next() < 0.01 ? 130 : Math.floor(random.next() * 3)
}

function randomScalar(random: Random, type: ScalarType): Value {
  switch (type) {
    case 'bool':
      return random.next() < 0.5
    case 'int8':
      return randomInteger(random, 8)
    case 'int16':
      return randomInteger(random, 16)
    case 'int32':
      return randomInteger(random, 32)
    case 'int64':
      return randomInteger(random, 54)
    case 'uuid':
      return Buffer.from(random.bytes(16)).toString('base64url')
    case 'string':
      return randomText(random)
    case 'bytes':
    case 'records':
    case 'tagBytes':
      return Buffer.from(random.bytes(randomLength(random)))
    default:
      return unreachable(type)
  }
}

/** Of so many bits, with the sign; limits and small numbers are as frequent as others. */
function randomInteger(random: Random, bits: number): number {
  const limit = 2 ** (bits - 1)
  const chance = random.next()
  if (chance < 0.1) return limit - 1
  // -2^53 is not a safe integer.
  if (chance < 0.2) return bits === 54 ? 1 - limit : -limit
  if (chance < 0.5) return Math.floor(random.next() * 20) - 2
  return Math.floor((random.next() * 2 - 1) * (limit - 1))
}

const alphabet = ['a', 'Z', '0', '-', '.', '\0', 'é', '€', '😀', '\ufffd']

function randomText(random: Random): string {
  const length = randomLength(random)
  return Array.from({ length }, () => alphabet[Math.floor(random.next() * alphabet.length)]).join('')
}

/** Around the lengths at which a compact length takes another byte, and records are no longer copied. */
function randomLength(random: Random): number {
  const chance = random.next()
  if (chance < 0.03) return 1020 + Math.floor(random.next() * 8)
  if (chance < 0.1) return 124 + Math.floor(random.next() * 6)
  return Math.floor(random.next() * 12)
}
