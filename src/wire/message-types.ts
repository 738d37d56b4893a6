/**
 * The TypeScript types of messages, derived from their definitions. There are two views: what was decoded
 * has every field of every version; what should be encoded may leave out a field that has a default, or that
 * not every version has.
 */
import type { Definition, Field, ScalarType } from './definition.ts'

/** A request, decoded. Bytes are views of the frame. */
export type Request<D extends Definition> = Decoded<D['request']>
/** A response, decoded. Bytes are views of the frame. */
export type Response<D extends Definition> = Decoded<D['response']>
/** A request to encode. */
export type RequestInput<D extends Definition> = Encodable<D['request']>
/** A response to encode. */
export type ResponseInput<D extends Definition> = Encodable<D['response']>

/** `Bytes` is the type of bytes. An int64 is a safe integer; a uuid has the form of base/uuid.ts. */
interface Scalars<Bytes> {
  readonly bool: boolean
  readonly int8: number
  readonly int16: number
  readonly int32: number
  readonly int64: number
  readonly string: string
  readonly uuid: string
  readonly bytes: Bytes
  readonly records: Bytes
  readonly tagBytes: Bytes
}

type OrNull<F> = F extends { readonly nullable: string } ? null : never

/** The values of fields, each at its default where the version lacks it. */
export type Decoded<Fields extends readonly Field[]> = {
  readonly [F in Fields[number] as F['name']]: DecodedField<F> | OrNull<F>
}

type DecodedField<F> = F extends { readonly type: infer T extends ScalarType }
  ? Scalars<Buffer>[T]
  : F extends { readonly array: infer T extends ScalarType }
    ? readonly Scalars<Buffer>[T][]
    : F extends { readonly array: infer Fields extends readonly Field[] }
      ? readonly Decoded<Fields>[]
      : F extends { readonly struct: infer Fields extends readonly Field[] }
        ? Decoded<Fields>
        : never

/** A field that need not be given. */
type MayLack = { readonly default: unknown } | { readonly versions: string } | { readonly tag: number }

/** The values of fields, of which some may be left out. */
export type Encodable<Fields extends readonly Field[]> = {
  readonly [F in Exclude<Fields[number], MayLack> as F['name']]: EncodableField<F> | OrNull<F>
} & {
  readonly [F in Extract<Fields[number], MayLack> as F['name']]?: EncodableField<F> | OrNull<F> | undefined
}

type EncodableField<F> = F extends { readonly type: infer T extends ScalarType }
  ? Scalars<Uint8Array>[T]
  : F extends { readonly array: infer T extends ScalarType }
    ? readonly Scalars<Uint8Array>[T][]
    : F extends { readonly array: infer Fields extends readonly Field[] }
      ? readonly Encodable<Fields>[]
      : F extends { readonly struct: infer Fields extends readonly Field[] }
        ? Encodable<Fields>
        : never
