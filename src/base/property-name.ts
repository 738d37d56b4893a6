/** A name as a property of an object literal, for code that is compiled for the names of some records. */
export function propertyName(name: string): string {
  // In brackets '__proto__' is a name like any other.
  return name === '__proto__' ? `['__proto__']` : JSON.stringify(name)
}
