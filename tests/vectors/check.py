"""Holds `veilfold_v1.py` and `veilfold_body.py` against the golden vectors in v1/.

    pip install -r requirements.txt && python check.py
"""

import base64
import json
import pathlib
import sys

from nacl import bindings as na

from veilfold_body import enable, enabled_bytes, read_body, read_settings, settings_hash
from veilfold_v1 import (
    ZERO,
    Entry,
    Log,
    Reader,
    Refused,
    box_info,
    epoch_commit,
    header,
    hpke_open,
    hpke_seal,
    kdf,
    member_keys,
    pad,
    padded_len,
    read_card,
    seal,
    sign,
    tagged_hash,
    u64,
    unpad,
    varint,
    verify,
    verify_log,
)

HERE = pathlib.Path(__file__).parent / "v1"


def unhex(case, *names):
    return [bytes.fromhex(case[name]) for name in names]


def error_of(function, *arguments):
    try:
        function(*arguments)
    except Refused as error:
        return str(error)
    return None


def check_varint(case):
    if "refused" in case:
        assert error_of(Reader(bytes.fromhex(case["refused"])).varint) == case["error"]
    else:
        assert varint(int(case["value"])).hex() == case["bytes"]


def check_padme(case):
    if "refused" in case:
        assert error_of(unpad, bytes.fromhex(case["refused"]), case["floor"]) == case["error"]
    elif "body" in case:
        assert pad(bytes.fromhex(case["body"]), case["floor"]).hex() == case["padded"]
    else:
        assert padded_len(case["body_len"], case["floor"]) == case["padded_len"]


def check_header(case):
    if "refused" in case:
        assert error_of(Entry, bytes.fromhex(case["refused"])) == case["error"]
        return
    numbers = [case[name] for name in ("member_no", "author_seq", "seen_seq", "epoch")]
    prev, seen, nonce, public = unhex(case, "prev_author_hash", "seen_chain", "nonce", "public")
    kind = ("data", "control").index(case["kind"])
    assert header(kind, *numbers, prev, seen, nonce, public, case["sealed_len"]).hex() == case["bytes"]


def check_kdf(case):
    ikm, ctx = unhex(case, "ikm", "ctx")
    assert kdf(ikm, case["label"], ctx).hex() == case["out"]


def check_member_keys(case):
    (seed,) = unhex(case, "device_seed")
    if "authority" in case:
        connection = kdf(seed, "connection", case["authority"].encode())
        assert na.crypto_sign_seed_keypair(connection)[0].hex() == case["connection"]
    else:
        keys = member_keys(seed, bytes.fromhex(case["key_context"]), case["generation"])
        assert (keys[1].hex(), keys[3].hex()) == (case["sign"], case["kem"])


def check_contact_card(case):
    if "refused" in case:
        assert error_of(read_card, case["refused"]) == case["error"]
        return
    seed, nonce = unhex(case, "device_seed", "nonce")
    sign_seed, public, _, kem = member_keys(seed, nonce)
    name = case["name"].encode()
    data = b"\1" + nonce + public + kem + varint(len(name)) + name
    data += sign(sign_seed, b"contact-card", tagged_hash(b"contact-card", data))
    text = base64.urlsafe_b64encode(data).decode().rstrip("=")
    assert "veilfold-card:1." + text == case["text"]
    assert read_card(case["text"]) == (nonce, public, kem, case["name"])


def check_epoch_box(case):
    seed, context, author, space = unhex(case, "device_seed", "key_context", "author", "space")
    secret, commit, random = unhex(case, "epoch_secret", "epoch_commit", "random")
    _, public, kem_secret, kem = member_keys(seed, context)
    info = box_info(space, case["epoch"], public, author)
    enc, ciphertext = hpke_seal(kem, info, commit, secret, random)
    assert (enc.hex(), ciphertext.hex()) == (case["enc"], case["ciphertext"])
    opened = hpke_open(kem_secret, info, commit, enc, ciphertext)
    right = epoch_commit(opened, space, case["epoch"]) == commit
    assert case["opened"] == ("ok" if right else "EpochKeyMismatch")


def check_entry_seal(case):
    seed, context, hedge_key = unhex(case, "device_seed", "key_context", "hedge_key")
    secret, space, prev, seen = unhex(case, "epoch_secret", "space", "prev_author_hash", "seen_chain")
    body, public, random = unhex(case, "body", "public", "random")
    sign_seed, author, _, _ = member_keys(seed, context)
    kind = 1 if public else 0
    numbers = [case[name] for name in ("member_no", "author_seq", "seen_seq", "epoch")]
    key = kdf(secret, ("entry-aead", "control-aead")[kind], space + u64(case["epoch"]))
    padded = pad(body, case["padding_floor"])
    data, digest = seal(sign_seed, key, hedge_key, random, space, (kind, *numbers, prev, seen), public, padded)
    assert (data.hex(), digest.hex()) == (case["entry"], case["hash"])
    entry = Entry(data)
    assert entry.open(secret, space, case["padding_floor"]) == body
    assert verify(author, b"entry", entry.hash(space, author, prev, seen), entry.signature)


def check_genesis(case):
    seed, hedge_key, user_tag, body, random = unhex(case, "device_seed", "hedge_key", "user_tag", "body", "random")
    context, secret, box_random, nonce_random = (random[at : at + 32] for at in range(0, 128, 32))
    sign_seed, public, _, kem = member_keys(seed, context)
    commit = epoch_commit(secret, ZERO, 0)
    enc, ciphertext = hpke_seal(kem, box_info(ZERO, 0, public, public), commit, secret, box_random)
    control = varint(1) + ZERO + b"\0" + public + kem + user_tag + varint(case["padding_floor"]) + commit
    control += enc + ciphertext + (b"\1" + bytes.fromhex(case["relay"]) if case["relay"] else b"\0") + context
    key = kdf(secret, "control-aead", ZERO + u64(0))
    padded, fields = pad(body, case["padding_floor"]), (1, 1, 1, 0, 0, ZERO, ZERO)
    data, space = seal(sign_seed, key, hedge_key, nonce_random, ZERO, fields, control, padded)
    assert (data.hex(), space.hex(), commit.hex()) == (case["entry"], case["space"], case["epoch_commit"])
    Log(space).genesis(Entry(data))


def check_log(case):
    space, secret = unhex(case, "space", "epoch_secret")
    entries = [bytes.fromhex(entry) for entry in case["entries"]]
    assert verify_log(space, entries, heads_only=False)[2] == case["single_fault"]
    log, judged, fault = verify_log(space, entries, heads_only=True)
    assert fault == case["page_fault"] and len(judged) == len(case["expected"])
    for (entry, digest, odd, skip), chain, expected in zip(judged, log.chain[1:], case["expected"]):
        found = (digest.hex(), chain.hex(), odd, skip)
        assert found == (expected["hash"], expected["chain"], expected["odd"], expected["fault"])
        if skip:
            continue
        try:
            opened = entry.open(secret, ZERO if expected["seq"] == 1 else space, log.floor)
        except Refused as error:
            assert str(error) == expected["opening_fault"]
            continue
        fault = None if entry.kind else error_of(read_body, opened)
        assert fault == expected["opening_fault"]
        assert fault or opened.hex() == expected["opened"]


def exactly(value):
    """For a comparison in which 1, 1.0 and true are three values."""
    return json.dumps(value, sort_keys=True)


def check_body(case):
    (data,) = unhex(case, "body")
    if "error" in case:
        assert error_of(read_body, data) == case["error"]
    else:
        assert exactly(read_body(data)) == exactly([case["transactions"], case["root"]])


def check_settings(case):
    enabled = {}
    for part, expected in zip(case["parts"], case["read"], strict=True):
        try:
            enables = read_settings(bytes.fromhex(part))
        except Refused as error:
            assert str(error) == expected
        else:
            assert enables == expected
            enable(enabled, enables)
    assert enabled_bytes(enabled).hex() == case["enabled"]
    assert settings_hash(enabled).hex() == case["hash"]


CHECKS = {
    "varint": check_varint,
    "padme": check_padme,
    "header": check_header,
    "kdf": check_kdf,
    "member-keys": check_member_keys,
    "contact-card": check_contact_card,
    "epoch-box": check_epoch_box,
    "entry-seal": check_entry_seal,
    "genesis-space-id": check_genesis,
    "entry-hash-chain": check_log,
    "faults": check_log,
    "body": check_body,
    "settings": check_settings,
}


def main():
    failures = 0
    for file in sorted(HERE.glob("*.json")):
        cases = json.loads(file.read_text())["cases"]
        for case in cases:
            try:
                CHECKS[file.stem](case)
            except AssertionError:
                failures += 1
                print(f"{file.name}: differs: {case['why']}")
        print(f"{file.name}: {len(cases)} cases")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
