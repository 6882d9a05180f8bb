"""A second implementation of version 1: keys, Entries, membership and the judging of a log.

It does what docs/protocol/{keys,envelope,control}.md describe, and is small enough to start a third one
from; `veilfold_body.py` reads what is inside of Entries. `check.py` holds both against the golden vectors.
"""

import base64
import hashlib
import hmac

from nacl import bindings as na
from nacl.exceptions import CryptoError

ZERO = bytes(32)
WINDOW = 1024
READER, WRITER, ADMIN, OWNER = 1, 2, 3, 4


class Refused(Exception):
    """Bytes or a text that are not of version 1; the message is the kind of error."""


# Bytes


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise Refused("TooShort")
        self.at += count
        return self.data[self.at - count : self.at]

    def u8(self):
        return self.take(1)[0]

    def varint(self):
        number = 0
        for shift in range(0, 64, 7):
            byte = self.u8()
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                if number >= 1 << 64 or (byte == 0 and shift):
                    raise Refused("BadNumber")
                return number
        raise Refused("BadNumber")

    def prefixed(self, most):
        length = self.varint()
        if length > most:
            raise Refused("TooLarge")
        return self.take(length)

    def end(self):
        if self.at != len(self.data):
            raise Refused("Trailing")


def u64(number):
    return number.to_bytes(8, "big")


# Primitives


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def tagged_hash(name, *parts):
    return sha256(b"veilfold/v1/" + name + b"\0", *parts)


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def hkdf_expand(prk, info, length):
    out, block = b"", b""
    while len(out) < length:
        block = mac(prk, block + info + bytes([len(out) // 32 + 1]))
        out += block
    return out[:length]


def kdf(ikm, label, ctx=b""):
    label = label.encode()
    return hkdf_expand(mac(b"veilfold/v1", ikm), bytes([len(label)]) + label + ctx, 32)


def signed_message(name, digest):
    return b"veilfold/v1/" + name + b"-sig\0" + digest


def sign(seed, name, digest):
    return na.crypto_sign(signed_message(name, digest), na.crypto_sign_seed_keypair(seed)[1])[:64]


def verify(public, name, digest, signature):
    try:
        na.crypto_sign_open(signature + signed_message(name, digest), public)
        return True
    except (CryptoError, ValueError):
        return False


def member_keys(device_seed, context, generation=0):
    """Signing seed, signing key, KEM secret, KEM key."""
    ctx = context + generation.to_bytes(4, "big")
    seed, kem = kdf(device_seed, "member-sign", ctx), kdf(device_seed, "member-kem", ctx)
    return seed, na.crypto_sign_seed_keypair(seed)[0], kem, na.crypto_scalarmult_base(kem)


# HPKE, RFC 9180: base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305

KEM_SUITE = b"KEM" + (0x20).to_bytes(2, "big")
HPKE_SUITE = b"HPKE" + b"".join(number.to_bytes(2, "big") for number in (0x20, 1, 3))


def labeled_extract(suite, salt, label, ikm):
    return mac(salt or ZERO, b"HPKE-v1" + suite + label + ikm)


def labeled_expand(suite, prk, label, info, length):
    return hkdf_expand(prk, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)


def hpke_key_and_nonce(shared, enc, recipient, info):
    prk = labeled_extract(KEM_SUITE, b"", b"eae_prk", shared)
    secret = labeled_expand(KEM_SUITE, prk, b"shared_secret", enc + recipient, 32)
    context = b"\0" + labeled_extract(HPKE_SUITE, b"", b"psk_id_hash", b"")
    context += labeled_extract(HPKE_SUITE, b"", b"info_hash", info)
    prk = labeled_extract(HPKE_SUITE, secret, b"secret", b"")
    key = labeled_expand(HPKE_SUITE, prk, b"key", context, 32)
    return key, labeled_expand(HPKE_SUITE, prk, b"base_nonce", context, 12)


def hpke_seal(recipient, info, aad, text, random):
    prk = labeled_extract(KEM_SUITE, b"", b"dkp_prk", random)
    ephemeral = labeled_expand(KEM_SUITE, prk, b"sk", b"", 32)
    enc = na.crypto_scalarmult_base(ephemeral)
    key, nonce = hpke_key_and_nonce(na.crypto_scalarmult(ephemeral, recipient), enc, recipient, info)
    return enc, na.crypto_aead_chacha20poly1305_ietf_encrypt(text, aad, nonce, key)


def hpke_open(secret, info, aad, enc, sealed):
    recipient = na.crypto_scalarmult_base(secret)
    key, nonce = hpke_key_and_nonce(na.crypto_scalarmult(secret, enc), enc, recipient, info)
    return na.crypto_aead_chacha20poly1305_ietf_decrypt(sealed, aad, nonce, key)


def box_info(space, epoch, recipient, author):
    return b"veilfold/v1/epoch-box" + space + u64(epoch) + recipient + author


def epoch_commit(secret, space, epoch):
    return kdf(secret, "epoch-commit", (space if epoch else ZERO) + u64(epoch))


# Plaintext


def padded_len(body_len, floor):
    length = body_len + 4
    exponent = length.bit_length() - 1
    hidden = exponent - exponent.bit_length() if exponent else 0
    step = 1 << max(hidden, 0)
    return max(floor, (length + step - 1) // step * step)


def pad(body, floor):
    return (len(body).to_bytes(4, "big") + body).ljust(padded_len(len(body), floor), b"\0")


def unpad(padded, floor):
    length = int.from_bytes(padded[:4], "big")
    body = padded[4 : 4 + length]
    if len(padded) < 4 or len(body) != length or pad(body, floor) != padded:
        raise Refused("BadPadding")
    return body


# Entries


class Entry:
    """A parsed Entry."""

    def __init__(self, data):
        self.data, read = data, Reader(data)
        if read.u8() != 1:
            raise Refused("Unknown")
        self.kind = read.u8()
        if self.kind > 1 or read.u8() != self.kind:
            raise Refused("Unknown")
        self.member_no, self.author_seq = read.varint(), read.varint()
        self.seen_seq, self.epoch = read.varint(), read.varint()
        self.prev_tag, self.seen_tag = read.take(8), read.take(8)
        self.prev_hash = self.seen_chain = None
        if self.kind:
            self.prev_hash, self.seen_chain = read.take(32), read.take(32)
            if self.prev_hash[:8] != self.prev_tag or self.seen_chain[:8] != self.seen_tag:
                raise Refused("Inconsistent")
        self.nonce = read.take(24)
        self.public = read.prefixed(128 * 1024) if self.kind else b""
        sealed_len = read.varint()
        if sealed_len < 16:
            raise Refused("TooShort")
        self.header = data[: read.at]
        self.sealed = read.take(sealed_len)
        self.signature = read.take(64)
        read.end()

    def hash(self, space, author, prev_hash, seen_chain):
        return tagged_hash(b"entry", space, author, prev_hash, seen_chain, self.data[:-64])

    def odd_hash(self, space):
        return tagged_hash(b"entry-odd", space, self.data[:-64])

    def open(self, secret, space, floor):
        key = kdf(secret, ("entry-aead", "control-aead")[self.kind], space + u64(self.epoch))
        aad = b"veilfold/v1/entry-aad\0" + space + self.header
        try:
            padded = na.crypto_aead_xchacha20poly1305_ietf_decrypt(self.sealed, aad, self.nonce, key)
        except CryptoError:
            raise Refused("Undecryptable") from None
        return unpad(padded, floor)


def header(kind, member_no, author_seq, seen_seq, epoch, prev_hash, seen_chain, nonce, public, sealed_len):
    out = bytes([1, kind, kind]) + varint(member_no) + varint(author_seq) + varint(seen_seq) + varint(epoch)
    out += prev_hash[:8] + seen_chain[:8]
    if kind:
        out += prev_hash + seen_chain + nonce + varint(len(public)) + public
    else:
        out += nonce
    return out + varint(sealed_len)


def seal(sign_seed, key, hedge_key, random, space, fields, public, padded):
    """The Entry and its hash; `fields` are those of the header before the nonce."""
    _, _, _, _, _, prev_hash, seen_chain = fields
    aad = b"veilfold/v1/entry-aad\0" + space
    blank = header(*fields, bytes(24), public, len(padded) + 16)
    nonce = mac(hedge_key, random + sha256(aad, blank) + sha256(padded))[:24]
    head = header(*fields, nonce, public, len(padded) + 16)
    unsigned = head + na.crypto_aead_xchacha20poly1305_ietf_encrypt(padded, aad + head, nonce, key)
    author = na.crypto_sign_seed_keypair(sign_seed)[0]
    digest = tagged_hash(b"entry", space, author, prev_hash, seen_chain, unsigned)
    return unsigned + sign(sign_seed, b"entry", digest), digest


# Membership


class Control:
    """The public part of a control Entry."""

    def __init__(self, data):
        read = Reader(data)
        self.seq, self.prev, self.op = read.varint(), read.take(32), read.u8()
        if self.op == 0:
            self.sign, self.kem, self.user_tag = read.take(32), read.take(32), read.take(16)
            self.floor, self.commit = read.varint(), read.take(32)
            self.enc, self.ciphertext = read.take(32), read.take(48)
            bound = read.u8()
            if bound > 1 or self.floor > 4096:
                raise Refused("BadControl")
            self.relay = read.take(32) if bound else None
            self.random = read.take(32)
        elif self.op == 1:
            self.member_no = read.varint()
            self.sign, self.kem, self.user_tag = read.take(32), read.take(32), read.take(16)
            self.role = read.u8()
            self.enc, self.ciphertext = read.take(32), read.take(48)
            if not READER <= self.role <= OWNER:
                raise Refused("BadControl")
        elif self.op == 2:
            self.body_format = read.varint()
            if self.body_format > 255:
                raise Refused("BadControl")
        else:
            raise Refused("BadControl")
        read.end()


# Logs


class Log:
    """What a device knows of a Space: membership, authors' newest Entries, running hashes."""

    def __init__(self, space):
        self.space = space
        self.chain = [tagged_hash(b"chain0", space)]
        self.members, self.heads, self.written = {}, {}, {}
        self.control_seq, self.control_head, self.floor = 0, ZERO, 0

    def genesis(self, entry):
        try:
            control = Control(entry.public)
        except Refused:
            raise Refused("WrongGenesis") from None
        numbers = (entry.kind, entry.member_no, entry.author_seq, entry.seen_seq, entry.epoch)
        named = (control.op, control.seq, control.prev, entry.prev_hash, entry.seen_chain)
        if numbers != (1, 1, 1, 0, 0) or named != (0, 1, ZERO, ZERO, ZERO) or control.floor < 128:
            raise Refused("WrongGenesis")
        digest = entry.hash(ZERO, control.sign, ZERO, ZERO)
        if not verify(control.sign, b"entry", digest, entry.signature):
            raise Refused("BadSignature")
        if digest != self.space:
            raise Refused("WrongGenesis")
        self.members[1] = (control.sign, OWNER)
        self.control_seq, self.control_head, self.floor = 1, digest, control.floor
        return digest, False, None

    def judge(self, entry):
        """Hash, whether the author's head stays, and why it is skipped; raises transport faults."""
        seq, author = len(self.chain), entry.member_no
        if seq == 1:
            return self.genesis(entry)
        odd = lambda fault: (entry.odd_hash(self.space), True, fault)
        if author not in self.members:
            return odd("NotAMember")
        number, prev_hash = self.heads.get(author, (0, ZERO))
        if entry.author_seq <= number:
            same = self.written.get((author, entry.author_seq)) == entry.data
            return odd("DuplicateEntry" if same else "Equivocation")
        if entry.seen_seq >= seq:
            raise Refused("SeenAhead")
        if seq - entry.seen_seq > WINDOW:
            return odd("SeenTooOld")
        seen = self.chain[entry.seen_seq]
        if seen[:8] != entry.seen_tag or entry.seen_chain not in (None, seen):
            raise Refused("ForkDetected")
        follows = entry.prev_tag == prev_hash[:8] and entry.prev_hash in (None, prev_hash)
        if entry.author_seq != number + 1 or not follows:
            raise Refused("AuthorGap")
        public, role = self.members[author]
        digest = entry.hash(self.space, public, prev_hash, seen)
        return digest, False, self.authored_fault(entry, role)

    def authored_fault(self, entry, role):
        if entry.kind == 0 and role < WRITER:
            return "NotAllowed"
        if entry.epoch != 0:
            return "StaleEpoch"
        if entry.kind == 0:
            return None
        try:
            control = Control(entry.public)
        except Refused:
            return "BadControl"
        if control.op == 1 and not (role == OWNER or role == ADMIN and control.role <= WRITER):
            return "NotAllowed"
        if control.op == 2 and role < ADMIN:
            return "NotAllowed"
        if control.seq != self.control_seq + 1 or control.prev != self.control_head:
            return "ControlConflict"
        if control.op == 2:
            return None if control.body_format else "BadControl"
        known = control.op == 1 and any(control.sign == public for public, _ in self.members.values())
        if control.op == 0 or control.member_no != control.seq or known:
            return "BadControl"
        return None

    def take(self, entry, digest, odd, fault):
        if not odd:
            self.heads[entry.member_no] = (entry.author_seq, digest)
            self.written[entry.member_no, entry.author_seq] = entry.data
            if entry.kind and not fault and len(self.chain) > 1:
                control = Control(entry.public)
                if control.op == 1:
                    self.members[control.member_no] = (control.sign, control.role)
                self.control_seq, self.control_head = control.seq, digest
        self.chain.append(tagged_hash(b"chain", u64(len(self.chain)), self.chain[-1], digest))


def walk(space, entries):
    """All that holds if every signature does: log, judged Entries, and what ended it early."""
    log, judged = Log(space), []
    for data in entries:
        try:
            entry = Entry(data)
        except Refused:
            return log, judged, "Malformed"
        try:
            judgement = log.judge(entry)
        except Refused as fault:
            return log, judged, str(fault)
        log.take(entry, *judgement)
        judged.append((entry, *judgement))
    return log, judged, None


def uncovered(log, judged, heads_only):
    """Index of the first Entry that no signature covers."""
    first = len(judged)
    for author, (public, _) in log.members.items():
        own = [(at, it) for at, it in enumerate(judged) if it[0].member_no == author and not it[2]]
        while own and not verify(public, b"entry", own[-1][1][1], own[-1][1][0].signature):
            first = min(first, own.pop()[0])
        if not heads_only:
            broken = (at for at, it in own if not verify(public, b"entry", it[1], it[0].signature))
            first = min(first, next(broken, first))
    return first


def verify_log(space, entries, heads_only):
    """Log and judged Entries that hold, and the fault after them."""
    log, judged, fault = walk(space, entries)
    good = uncovered(log, judged, heads_only)
    if good < len(judged):
        log, judged, _ = walk(space, entries[:good])
        fault = "BadSignature"
    return log, judged, fault and {"seq": len(judged) + 1, "kind": fault}


# Contact cards


def read_card(text):
    if not text.startswith("veilfold-card:") or "." not in text:
        raise Refused("NotACard")
    version, body = text.removeprefix("veilfold-card:").split(".", 1)
    if version != "1":
        raise Refused("NewerVersion")
    if not set(body) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"):
        raise Refused("BadCharacter")
    data = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    read = Reader(data)
    try:
        read.u8()
        nonce, public, kem, name = read.take(32), read.take(32), read.take(32), read.prefixed(128)
        signature = read.take(64)
        read.end()
    except Refused:
        raise Refused("Malformed") from None
    if not verify(public, b"contact-card", tagged_hash(b"contact-card", data[:-64]), signature):
        raise Refused("BadSignature")
    return nonce, public, kem, name.decode()
