// The data model for apps that do not declare their documents' types, and inside those that do.

package dev.veilfold

import kotlinx.serialization.KSerializer
import kotlinx.serialization.Serializable
import kotlinx.serialization.serializer

/**
 * A JSON value whose numbers keep type and bits: `1.0` is a [Decimal], `1` an [Integer].
 *
 * `null`, `Boolean`, `Int`, `Long`, `Float`, `Double`, `String`, lists, and maps with `String` keys become
 * one by [of]; serializable objects by [encode]. It may stand inside a serializable class.
 */
@Serializable(with = ValueSerializer::class)
public sealed interface Value {
    /** Nothing, which is not the same as an absent field. */
    public data object Null : Value

    /** True or false. */
    public data class Bool(val value: Boolean) : Value

    /** A whole number of 64 bits. */
    public data class Integer(val value: Long) : Value

    /** A floating-point number. NaN and infinities cannot be stored. */
    public data class Decimal(val value: Double) : Value

    /** A string; a collaborative text reads as one. */
    public data class Text(val value: String) : Value

    /** A list; a set reads as one. */
    public data class Array(val values: List<Value>) : Value {
        public constructor(vararg values: Any?) : this(values.map(::of))
    }

    /** Fields by name. A whole document is one. */
    public data class Object(val fields: Map<String, Value>) : Value {
        public constructor(vararg fields: Pair<String, Any?>) : this(fields.associate { (key, value) -> key to of(value) })
    }

    /** Makes values, and objects of values. */
    public companion object {
        /**
         * The value for a plain Kotlin one.
         *
         * @throws VeilfoldException.Invalid with `bad_json` for what is not JSON.
         */
        public fun of(value: Any?): Value =
            when (value) {
                null -> Null
                is Value -> value
                is Boolean -> Bool(value)
                is Byte -> Integer(value.toLong())
                is Short -> Integer(value.toLong())
                is Int -> Integer(value.toLong())
                is Long -> Integer(value)
                is Float -> Decimal(value.toDouble())
                is Double -> Decimal(value)
                is String -> Text(value)
                is Document -> value.fields
                is Map<*, *> -> Object(value.entries.associate { (key, field) -> keyOf(key) to of(field) })
                is Iterable<*> -> Array(value.map(::of))
                else -> throw invalid("bad_json", "only JSON can be stored, not a ${value.javaClass.simpleName}")
            }

        /** The value for a serializable object. */
        public inline fun <reified T> encode(value: T): Value = encode(value, serializer<T>())

        /** The same with a serializer at hand. */
        public fun <T> encode(value: T, serializer: KSerializer<T>): Value = valueOf(elementOf(value, serializer))

        /**
         * The value of a JSON text. A number with a point or an exponent is a [Decimal].
         *
         * @throws VeilfoldException.Invalid with `bad_json` for what is not JSON.
         */
        public fun fromJson(text: String): Value = valueOf(parsed(text))

        private fun keyOf(key: Any?): String = key as? String ?: throw invalid("bad_json", "keys are strings")
    }
}

/** Its JSON text: what [Value.fromJson] reads is written as it was, and a whole [Value.Decimal] as `1.0`. */
public fun Value.toJson(): String = elementOf(this).toString()

/** Reads it as a serializable object. Throws `Invalid` with `wrong_type` for what it is not. */
public inline fun <reified T> Value.decode(): T = decode(serializer<T>())

/** The same with a serializer at hand. */
public fun <T> Value.decode(serializer: KSerializer<T>): T = decoded(elementOf(this), serializer)

/** The whole number, `null` if it is something else. */
public val Value?.integer: Long?
    get() = (this as? Value.Integer)?.value

/** The floating-point number, `null` if it is something else. */
public val Value?.decimal: Double?
    get() = (this as? Value.Decimal)?.value

/** The string or collaborative text, `null` if it is something else. */
public val Value?.text: String?
    get() = (this as? Value.Text)?.value

/** The truth value, `null` if it is something else. */
public val Value?.bool: Boolean?
    get() = (this as? Value.Bool)?.value

/** The field of that name, `null` if there is none or this is no object. */
public operator fun Value?.get(field: String): Value? = (this as? Value.Object)?.fields?.get(field)

/** The element there, `null` if there is none or this is no list. */
public operator fun Value?.get(index: Int): Value? = (this as? Value.Array)?.values?.getOrNull(index)

/**
 * A document of a collection without declared types.
 *
 * @property id Its id, which is not one of its fields.
 * @property fields What is in it.
 */
public data class Document(val id: String, val fields: Value.Object) {
    public constructor(id: String, vararg fields: Pair<String, Any?>) : this(id, Value.Object(*fields))

    /** The field of that name, `null` if there is none. */
    public operator fun get(field: String): Value? = fields.fields[field]
}
