"""Makes v1-vectors.json: what Python itself writes and hashes. Tests read the file and need no Python.

    python3 verifier/test/v1-vectors.py > verifier/test/v1-vectors.json && npm run format
"""
import hashlib
import json
import random
import struct
import sys

random.seed(999)
sha = lambda text: hashlib.sha256(text.encode()).hexdigest()
canonical = lambda value: json.dumps(value, sort_keys=True, separators=(",", ":"))

NUMBERS = """0 -0 1 -1 0.0 -0.0 1.0 -1.0 1.50 1e0 1E+2 1e15 1e16 1e-4 1e-5 123456789012345680.0 9007199254740993 1e22 1e23 5e-324
  -9007199254740993 123456789012345678901234567890 0.1 0.30000000000000004 2.5e-8 1.7976931348623157e308 2.2250738585072014e-308
  9999999999999998.0 9999999999999999.0 12345.678e-9 100000000000000000000 1.0e21 4.35 0.000123 0.00001234 333333333.33333329""".split()
STRINGS = ["", "a", "é", "ü\u007f\u0080", "\"\\/\b\f\n\r\t", "\u0000\u001f", "\u2028\ufeff\uffff", "😀", "\ud800", "\udc00x", "\ud83dz",
           "\ufb33", "__proto__", "n1", "s", "1.0", "-1e5", "\U0010ffff", "\ud83d\uffff", "a\"1,2\":3"]


def text_of(depth):
    """Some JSON, written as nobody's serializer would."""
    kind = random.randrange(8 if depth < 4 else 4)
    if kind == 0:
        return random.choice(NUMBERS)
    if kind == 1:
        bits = struct.unpack("<d", random.randbytes(8))[0]
        return repr(bits) if bits == bits and abs(bits) != float("inf") else "0.5"
    if kind == 2:
        return json.dumps(random.choice(STRINGS), ensure_ascii=True)
    if kind == 3:
        return random.choice(["true", "false", "null", str(random.randrange(-(10**18), 10**18))])
    items = [text_of(depth + 1) for _ in range(random.randrange(5))]
    if kind < 6:
        return "[ " + " ,\n".join(items) + "]"
    return "{" + ", ".join(json.dumps(random.choice(STRINGS)) + " : " + item for item in items) + "}"


def root(level):
    if not level:
        return sha("EMPTY_LEDGER")
    while len(level) > 1:
        if len(level) % 2:
            level = level + level[-1:]
        level = [sha(level[i] + level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


texts = NUMBERS + [json.dumps(text) for text in STRINGS]
texts += ['{"a":1,"a":2.0}', json.dumps({text: i for i, text in enumerate(STRINGS)})]
texts += [text_of(0) for _ in range(300)]
leaves = [sha(str(i)) for i in range(70)]
json.dump(
    {
        "canonical": [[text, canonical(json.loads(text))] for text in texts],
        "floats": [[bits.hex(), repr(struct.unpack(">d", bits)[0])] for bits in
                   (random.randbytes(8) for _ in range(400)) if (bits[0] & 0x7F) != 0x7F],
        "roots": [root(leaves[:n]) for n in range(len(leaves) + 1)],
    },
    sys.stdout, indent=0)
print()
