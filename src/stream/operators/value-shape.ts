/**
 * The shape of a value. Shapes of two versions of a program are compared before the later one reads the state
 * of the earlier one. They are stored as JSON with the app's plan.
 *
 * `'number'`, `'string'`, `'array'`, `'Map'`, and of an object its fields: `{ n: 'number' }`. A field that is
 * null at first may hold anything later: `'any'` fits every shape.
 */

/** A name, or the shapes of an object's fields. */
export type Shape = string | { readonly [field: string]: Shape }

/** Fields deeper than this are left out of the comparison. */
const depthMax = 4
/** An object with more fields than this is a dictionary: its fields are not compared. */
const fieldsMax = 100

/** The shape of an aggregate's initial value. */
export function shapeOf(value: unknown, depth = 0): Shape {
  if (value === null || value === undefined || depth > depthMax) return 'any'
  if (typeof value !== 'object') return typeof value
  if (Array.isArray(value)) return 'array'
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value.constructor.name
  const fields = Object.entries(value)
  if (fields.length > fieldsMax) return 'object'
  return Object.fromEntries(
    fields
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, field]) => [name, shapeOf(field, depth + 1)]),
  )
}

/** Whether a program that expects one shape can read state of the other. */
export function shapesFit(one: Shape | undefined, other: Shape | undefined): boolean {
  if (one === undefined || other === undefined || one === 'any' || other === 'any') return true
  if (typeof one === 'string' || typeof other === 'string') return one === other
  const names = Object.keys(one)
  return (
    names.length === Object.keys(other).length &&
    names.every(name => Object.hasOwn(other, name) && shapesFit(one[name], other[name]))
  )
}

/** The shape as messages show it: `{ n: number, sum: number }`. */
export function shapeInWords(shape: Shape | undefined): string {
  if (shape === undefined) return 'any'
  if (typeof shape === 'string') return shape
  const fields = Object.entries(shape).map(([name, field]) => `${name}: ${shapeInWords(field)}`)
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`
}
