//! Questions and answers of Veilfold for resolvers in AssemblyScript.
//!
//! A value that the resolver does not look into stays the bytes it came as. Nothing is ever freed: every
//! call gets a fresh instance. docs/protocol/wasm.md describes the bytes.

/** An Action of the app's own, and the document before it. */
export class Call {
  /** The document, or null when there is none. */
  state: Fields | null;
  /** What to do, in the app's words. */
  name: string;
  /** With what. */
  args: Value;
  /** The document's id. */
  document: string;
  /** The resolver version that its writer wrote it for. */
  version: u64;
  /** Number of the Member who wrote it. */
  author: u64;
  /** True while it is only pending on this device and has no place in the order. */
  pending: bool;
  /** Its place: the Entry, and the Transaction inside it. */
  seq: u64 = 0;
  index: u64 = 0;
  /** The writer's clock in milliseconds since 1970, as claimed. */
  time_ms: u64;

  constructor(at: usize, len: usize) {
    const input = new Reader(at, len);
    input.array(8);
    this.state = input.nil() ? null : input.fields();
    this.name = input.text();
    this.args = input.value();
    this.document = input.text();
    this.version = input.uint();
    this.author = input.uint();
    this.pending = input.nil();
    if (!this.pending) {
      input.array(2);
      this.seq = input.uint();
      this.index = input.uint();
    }
    this.time_ms = input.uint();
  }
}

/** A document of an older version, to be made one of this version. */
export class Older {
  /** Its version; 0 is what Veilfold's own operations wrote. */
  from: u64;
  state: Fields;

  constructor(at: usize, len: usize) {
    const input = new Reader(at, len);
    input.array(2);
    this.from = input.uint();
    this.state = input.fields();
  }
}

/** Any value as MessagePack. */
export class Value {
  constructor(readonly at: usize, readonly len: usize) {}

  static int(number: i64): Value {
    const out = new Writer();
    out.int(number);
    return out.value();
  }

  static text(text: string): Value {
    const out = new Writer();
    out.text(text);
    return out.value();
  }

  /** The whole number, or 0 for anything else. */
  toInt(): i64 {
    const input = new Reader(this.at, this.len);
    return input.isInt() ? input.int() : 0;
  }

  /** Reads what is inside. */
  read(): Reader {
    return new Reader(this.at, this.len);
  }
}

/** A document. */
export class Fields {
  values: Map<string, Value> = new Map();

  /** The whole number of that name, or 0. */
  int(name: string): i64 {
    return this.values.has(name) ? this.values.get(name).toInt() : 0;
  }

  set(name: string, value: Value): void {
    this.values.set(name, value);
  }

  /** Accepts: the document is this one from now on. */
  accept(): u64 {
    const out = new Writer();
    out.byte(0x92);
    out.byte(0);
    const names = this.values.keys();
    out.size(names.length, 0x80, 15, 0, 0xde);
    for (let at = 0; at < names.length; at++) {
      const value = this.values.get(names[at]);
      out.text(names[at]);
      out.copy(value.at, value.len);
    }
    return out.answer();
  }
}

/** Accepts: the document is gone. */
export function deleted(): u64 {
  const out = new Writer();
  out.byte(0x92);
  out.byte(0);
  out.byte(0xc0);
  return out.answer();
}

/** Rejects, with a text for whoever wrote the Action. */
export function refused(text: string): u64 {
  const out = new Writer();
  out.byte(0x92);
  out.byte(1);
  out.text(text);
  return out.answer();
}

/** Room for a question. */
export function veilfold_alloc(len: usize): usize {
  return heap.alloc(len);
}

/** Reads MessagePack. What is not as expected stops the module. */
export class Reader {
  end: usize;

  constructor(public at: usize, len: usize) {
    this.end = at + len;
  }

  take(len: usize): usize {
    assert(len <= this.end - this.at);
    const at = this.at;
    this.at += len;
    return at;
  }

  peek(): u8 {
    assert(this.at < this.end);
    return load<u8>(this.at);
  }

  /** A number of that many bytes, most significant first. */
  number(size: usize): u64 {
    let number: u64 = 0;
    for (const end = this.take(size) + size; size > 0; size--) number = (number << 8) | load<u8>(end - size);
    return number;
  }

  /** Reads a null if there is one. */
  nil(): bool {
    if (this.peek() != 0xc0) return false;
    this.at++;
    return true;
  }

  isInt(): bool {
    const marker = this.peek();
    return marker <= 0x7f || marker >= 0xe0 || (marker >= 0xcc && marker <= 0xd3);
  }

  int(): i64 {
    const marker = load<u8>(this.take(1));
    if (marker <= 0x7f || marker >= 0xe0) return <i64>(<i8>marker);
    assert(marker >= 0xcc && marker <= 0xd3);
    const size = <usize>1 << (marker & 3);
    const number = this.number(size);
    const unused = 64 - 8 * <i64>size;
    return marker < 0xd0 ? <i64>number : (<i64>(number << unused)) >> unused;
  }

  uint(): u64 {
    return <u64>this.int();
  }

  /** The length that follows a marker: in the marker itself, or as a number after it. */
  size(few: u8, most: u8, one: u8, two: u8): usize {
    const marker = load<u8>(this.take(1));
    if (marker >= few && marker <= few + most) return marker - few;
    if (one != 0 && marker == one) return <usize>this.number(1);
    assert(marker == two || marker == two + 1);
    return <usize>this.number(marker == two ? 2 : 4);
  }

  array(len: usize): void {
    assert(this.size(0x90, 15, 0, 0xdc) == len);
  }

  text(): string {
    const len = this.size(0xa0, 31, 0xd9, 0xda);
    return String.UTF8.decodeUnsafe(this.take(len), len);
  }

  fields(): Fields {
    const fields = new Fields();
    for (let left = this.size(0x80, 15, 0, 0xde); left > 0; left--) {
      const name = this.text();
      fields.set(name, this.value());
    }
    return fields;
  }

  value(): Value {
    const at = this.at;
    this.skip();
    return new Value(at, this.at - at);
  }

  skip(): void {
    const marker = this.peek();
    if (this.isInt()) this.int();
    else if (marker <= 0x8f || marker == 0xde || marker == 0xdf) {
      for (let left = <usize>2 * this.size(0x80, 15, 0, 0xde); left > 0; left--) this.skip();
    } else if (marker <= 0x9f || marker == 0xdc || marker == 0xdd) {
      for (let left = this.size(0x90, 15, 0, 0xdc); left > 0; left--) this.skip();
    } else if (marker == 0xc0 || marker == 0xc2 || marker == 0xc3) this.at++;
    else if (marker == 0xcb) this.take(9);
    else this.take(this.size(0xa0, 31, 0xd9, 0xda));
  }
}

/** Writes MessagePack in its shortest form. */
export class Writer {
  at: usize = heap.alloc(256);
  room: usize = 256;
  len: usize = 0;

  value(): Value {
    return new Value(this.at, this.len);
  }

  answer(): u64 {
    return (<u64>this.at << 32) | this.len;
  }

  /** Where the next bytes go. */
  more(len: usize): usize {
    if (this.len + len > this.room) {
      this.room = 2 * (this.len + len);
      this.at = heap.realloc(this.at, this.room);
    }
    this.len += len;
    return this.at + this.len - len;
  }

  byte(byte: u8): void {
    store<u8>(this.more(1), byte);
  }

  copy(at: usize, len: usize): void {
    memory.copy(this.more(len), at, len);
  }

  /** A marker and the last bytes of a number. */
  marked(marker: u8, number: u64, size: usize): void {
    this.byte(marker);
    for (let at = this.more(size); size > 0; size--, at++) store<u8>(at, <u8>(number >> (8 * (size - 1))));
  }

  int(number: i64): void {
    if (number >= -0x20 && number <= 0x7f) this.byte(<u8>number);
    else if (number >= 0) {
      const power: u8 = number <= 0xff ? 0 : number <= 0xffff ? 1 : number <= 0xffffffff ? 2 : 3;
      this.marked(0xcc + power, number, <usize>1 << power);
    } else {
      const power: u8 = number >= -0x80 ? 0 : number >= -0x8000 ? 1 : number >= -0x80000000 ? 2 : 3;
      this.marked(0xd0 + power, number, <usize>1 << power);
    }
  }

  size(len: usize, few: u8, most: usize, one: u8, two: u8): void {
    if (len <= most) this.byte(few | <u8>len);
    else if (one != 0 && len <= 0xff) this.marked(one, len, 1);
    else if (len <= 0xffff) this.marked(two, len, 2);
    else this.marked(two + 1, len, 4);
  }

  text(text: string): void {
    const len = String.UTF8.byteLength(text);
    this.size(len, 0xa0, 31, 0xd9, 0xda);
    String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, this.more(len));
  }
}
