"""A second implementation of version 1: what is inside of Entries.

It reads bodies and the sealed parts of `Settings` as docs/protocol/{body,control}.md describe them, in
their one form. What Actions do to documents is not here; `tests/src/reference` is a second program for that.
"""

import math
import struct

from veilfold_v1 import Refused, tagged_hash, u64

DEEPEST = 31  # Maps and arrays in each other, in a literal.
NUMBER_MAX = 1 << 48
EVERY_OP = (
    "create", "set", "unset", "merge", "increment", "list insert", "list move", "list remove", "set add",
    "set remove", "delete", "expect", "text create", "text edit", "call",
)  # fmt: skip
CONDITIONS = ("exists", "missing", "equals", "at least", "at most")


# MessagePack


def head(short, short_max, short_first, sizes, length):
    """The shortest of the heads that a type has for a length or a number."""
    if short and length <= short_max:
        return bytes([short_first | length])
    for first, width in sizes:
        if length < 1 << 8 * width:
            return bytes([first]) + length.to_bytes(width, "big")
    raise Refused("TooLarge")


def pack_uint(number):
    return head(True, 0x7F, 0, ((0xCC, 1), (0xCD, 2), (0xCE, 4), (0xCF, 8)), number)


def pack_int(number):
    if number >= 0:
        return pack_uint(number)
    if number >= -32:
        return struct.pack("b", number)
    for first, width in ((0xD0, 1), (0xD1, 2), (0xD2, 4), (0xD3, 8)):
        if number >= -(1 << 8 * width - 1):
            return bytes([first]) + number.to_bytes(width, "big", signed=True)
    raise Refused("TooLarge")


def str_head(length):
    return head(True, 31, 0xA0, ((0xD9, 1), (0xDA, 2), (0xDB, 4)), length)


def pack_str(text):
    data = text.encode()
    return str_head(len(data)) + data


def bin_head(length):
    return head(False, 0, 0, ((0xC4, 1), (0xC5, 2), (0xC6, 4)), length)


def pack_bin(data):
    return bin_head(len(data)) + data


def pack_array(length):
    return head(True, 15, 0x90, ((0xDC, 2), (0xDD, 4)), length)


def pack_map(length):
    return head(True, 15, 0x80, ((0xDE, 2), (0xDF, 4)), length)


def pack(value):
    """The one form of a literal."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return pack_int(value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        return pack_str(value)
    if isinstance(value, list):
        return pack_array(len(value)) + b"".join(map(pack, value))
    pairs = sorted(value.items(), key=lambda pair: pair[0].encode())
    return pack_map(len(pairs)) + b"".join(pack_str(key) + pack(inner) for key, inner in pairs)


class Unpacker:
    """Reads values; whatever is not in its one form is refused at once."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise Refused("BadBody")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, width):
        return int.from_bytes(self.take(width), "big")

    def sized(self, first, fixed, widths, pack_head):
        """A length whose head is one of these, and the shortest."""
        start = self.at - 1
        if fixed is not None and first in fixed:
            length = first - fixed.start
        elif first in widths:
            length = self.number(widths[first])
        else:
            raise Refused("BadBody")
        if not self.data[start:].startswith(pack_head(length)):
            raise Refused("BadBody")
        return length

    def int(self, least=-(1 << 63), most=(1 << 63) - 1):
        start, first = self.at, self.number(1)
        if first < 0x80 or first >= 0xE0:
            value = first if first < 0x80 else first - 0x100
        elif first in (0xCC, 0xCD, 0xCE, 0xCF):
            value = self.number(1 << first - 0xCC)
        elif first in (0xD0, 0xD1, 0xD2, 0xD3):
            value = int.from_bytes(self.take(1 << first - 0xD0), "big", signed=True)
        else:
            raise Refused("BadBody")
        if pack_int(value) != self.data[start : self.at] or not least <= value <= most:
            raise Refused("BadBody")
        return value

    def uint(self, least=0, most=(1 << 64) - 1):
        return self.int(least, most)

    def str(self, most=1 << 32, least=0):
        widths = {0xD9: 1, 0xDA: 2, 0xDB: 4}
        length = self.sized(self.number(1), range(0xA0, 0xC0), widths, str_head)
        if not least <= length <= most:
            raise Refused("BadBody")
        try:
            return self.take(length).decode()
        except UnicodeDecodeError:
            raise Refused("BadBody") from None

    def bin(self, length):
        if self.take(2) != bytes([0xC4, length]):
            raise Refused("BadBody")
        return self.take(length).hex()

    def array(self, most=1 << 32, least=0):
        length = self.sized(self.number(1), range(0x90, 0xA0), {0xDC: 2, 0xDD: 4}, pack_array)
        if not least <= length <= most:
            raise Refused("BadBody")
        return length

    def peek(self):
        return self.data[self.at] if self.at < len(self.data) else None

    def nil(self):
        """True, and read, when nil is next."""
        there = self.peek() == 0xC0
        self.at += there
        return there

    def literal(self, depth=1):
        first = self.peek()
        if first is None:
            raise Refused("BadBody")
        if self.nil():
            return None
        if first in (0xC2, 0xC3):
            self.at += 1
            return first == 0xC3
        if first == 0xCB:
            self.at += 1
            value = struct.unpack(">d", self.take(8))[0]
            if not math.isfinite(value):
                raise Refused("BadBody")
            return value
        if 0xA0 <= first < 0xC0 or first in (0xD9, 0xDA, 0xDB):
            return self.str()
        array = 0x90 <= first < 0xA0 or first in (0xDC, 0xDD)
        map_ = 0x80 <= first < 0x90 or first in (0xDE, 0xDF)
        if (array or map_) and depth > DEEPEST:
            raise Refused("BadBody")
        if array:
            return [self.literal(depth + 1) for _ in range(self.array())]
        if map_:
            self.at += 1
            length = self.sized(first, range(0x80, 0x90), {0xDE: 2, 0xDF: 4}, pack_map)
            pairs = [(self.str(1024), self.literal(depth + 1)) for _ in range(length)]
            keys = [key.encode() for key, _ in pairs]
            if any(left >= right for left, right in zip(keys, keys[1:])):
                raise Refused("BadBody")
            return dict(pairs)
        return self.int()

    def end(self):
        if self.at != len(self.data):
            raise Refused("BadBody")


# Bodies


def read_body(data):
    """The Transactions of a data Entry's body, and the root that its writer had, if it says one."""
    read = Unpacker(data)
    read.uint(1, 1)
    transactions = [read_transaction(read) for _ in range(read.array(4096))]
    root = None if read.peek() is None else read_root(read)
    read.end()
    return transactions, root


def read_root(read):
    root = {"seq": read.uint(), "hash": read.bin(32), "detail": None}
    if read.nil():
        return root
    if read.array(2, 1) == 1:
        root["detail"] = read_hashes(read)
    else:
        bucket, hashes = read.uint(), read_hashes(read)
        if len(hashes) % 2:
            raise Refused("BadBody")
        documents = [list(pair) for pair in zip(hashes[::2], hashes[1::2])]
        root["detail"] = {"bucket": bucket, "documents": documents}
    return root


def read_hashes(read):
    length = read.sized(read.number(1), None, {0xC4: 1, 0xC5: 2, 0xC6: 4}, bin_head)
    if length % 8 or length > 4096 * 16:
        raise Refused("BadBody")
    return [read.take(8).hex() for _ in range(length // 8)]


def read_transaction(read):
    read.array(7, 7)
    return {
        "tx_no": read.uint(1, NUMBER_MAX),
        "tx_id": read.bin(8),
        "base_seq": read.uint(0, NUMBER_MAX),
        "time_ms": read.uint(),
        "reads": [read_read(read) for _ in range(read.array(1024))],
        "depends": read_numbers(read),
        "actions": [read_action(read) for _ in range(read.array(256, 1))],
    }


def read_read(read):
    """Collection, id (empty for the whole collection), position, numbers read with it, numbers left out."""
    key = [read.str(128, 1), read.str(512)]
    return key + [[read.uint(), read.uint()], read_numbers(read), read_numbers(read)]


def read_numbers(read):
    ranges, end = [], -1
    length = read.array(2048)
    if length % 2:
        raise Refused("BadBody")
    for _ in range(length // 2):
        first, count = read.uint(), read.uint(1)
        if first <= end or first + count > NUMBER_MAX:
            raise Refused("BadBody")
        end = first + count
        ranges.append([first, count])
    return ranges


def read_action(read):
    key = [read.str(128, 1), read.str(512, 1)]
    code = read.uint(0, len(EVERY_OP) - 1)
    name = EVERY_OP[code]
    told = key + [name]
    if name not in ("create", "delete", "call"):
        told.append(read_path(read, may_be_empty=name in ("set", "merge", "expect")))
    if name in ("create", "merge"):
        told.append(read_map(read))
    elif name == "set":
        told.append(read.literal() if told[-1] else read_map(read))
    elif name == "increment":
        told.append(read.int())
    elif name == "list insert":
        told += [read_place(read), read.literal()]
    elif name == "list move":
        told += [read_element(read), read_place(read)]
    elif name == "list remove":
        told.append(read_element(read))
    elif name in ("set add", "set remove"):
        member = read.literal()
        if not isinstance(member, (bool, int, str)):
            raise Refused("BadBody")
        told.append(member)
    elif name == "expect":
        condition = read.uint(0, len(CONDITIONS) - 1)
        told.append(CONDITIONS[condition])
        told += [read.literal()] if condition == 2 else [read.int()] if condition > 2 else []
    elif name == "text create":
        told.append(read.str())
    elif name == "text edit":
        told.append([[read.uint(), read.uint(), read.str()] for _ in range(read.array(1024, 1))])
    elif name == "call":
        told += [read.uint(1), read.str(128, 1), read.literal()]
    return told


def read_map(read):
    value = read.literal()
    if not isinstance(value, dict):
        raise Refused("BadBody")
    return value


def read_element(read):
    return {"element": read.bin(12)}


def read_place(read):
    return [None if read.nil() else read_element(read) for _ in range(2)]


def read_path(read, may_be_empty):
    length = read.array(32, 0 if may_be_empty else 1)
    return [read_element(read) if read.peek() == 0xC4 else read.str(1024) for _ in range(length)]


# Settings


def read_settings(part):
    """What a sealed part enables: collection, version, hash of the module."""
    read = Unpacker(part)
    try:
        if not (read.array() >= 1 and read.uint(1) == 1):
            raise Refused("Newer")
        enables = [[read.str(128, 1), read.uint(1), read_module(read)] for _ in range(read_count(read))]
        read.end()
    except Refused as error:
        raise Refused("Newer" if str(error) == "Newer" else "Malformed") from None
    if pack_array(2) + b"\1" + pack_enabled(enables) != part:
        raise Refused("Malformed")
    return enables


def read_count(read):
    length = read.array(3 * 1024)
    if length % 3:
        raise Refused("BadBody")
    return length // 3


def read_module(read):
    return None if read.nil() else read.bin(32)


def pack_enabled(enables):
    out = pack_array(3 * len(enables))
    for collection, version, module in enables:
        out += pack_str(collection) + pack_uint(version)
        out += b"\xc0" if module is None else pack_bin(bytes.fromhex(module))
    return out


def enable(enabled, enables):
    """Raises versions; `enabled` has the list of each collection."""
    for collection, version, module in enables:
        versions = enabled.get(collection, [])
        room = sum(map(len, enabled.values())) < 1024
        if room and (not versions or version > versions[-1][1]):
            enabled[collection] = versions + [[collection, version, module]]


def enabled_bytes(enabled):
    names = sorted(enabled, key=str.encode)
    return pack_enabled([one for name in names for one in enabled[name]])


def settings_hash(enabled):
    data = enabled_bytes(enabled)
    return tagged_hash(b"settings", u64(len(data)), data)
