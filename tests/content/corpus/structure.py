"""MI-07 to MI-12: the encodings, boundaries, types and containers behind which a file may hide."""
import base64
import binascii

from .mail import (ANTIVIRUS, ATTACHMENTS, EICAR, MALFORMED, MARKER, HASHED, REFUSE, Case, attached, b64, crlf,
                   file_message, message, mixed, part, TEXT)
from .tnef import tnef_cases

EVIL = crlf("Content-Type: application/x; name=evil.exe\n") + b"\r\nbody\r\n"
IN_B = b"--b\r\n" + EVIL


def encoded(encoding, body):
    return mixed(TEXT, part(f"Content-Type: application/octet-stream; name=a.bin\nContent-Transfer-Encoding: {encoding}\n", body))


def junked(text, junk):
    return b"".join(bytes([c]) + junk[at % len(junk):at % len(junk) + 1] for at, c in enumerate(text))


def base64_cases():
    text = base64.b64encode(MARKER)
    half = len(MARKER) // 2
    rows = {
        "plain": (text + b"\r\n", REFUSE),
        "junk": (junked(text, b"#.-_%:!") + b"\r\n", REFUSE),
        "padding-in-the-middle": (base64.b64encode(MARKER[:half - half % 3 + 1]) + base64.b64encode(MARKER[half - half % 3 + 1:]), REFUSE),
        "padding-at-once": (b"====" + text, REFUSE),
        "no-padding": (base64.b64encode(MARKER + b"xy").rstrip(b"="), REFUSE),
        "short-lines": (b"".join(text[at:at + 3] + b"\r\n" for at in range(0, len(text), 3)), REFUSE),
        "blanks": (b" \t".join(text[at:at + 5] for at in range(0, len(text), 5)), REFUSE),
        "vertical-tabs": (b"\x0b".join(text[at:at + 4] for at in range(0, len(text), 4)), REFUSE),
        "one-line": (text, REFUSE),
        "bare-cr": (b"\r".join(text[at:at + 8] for at in range(0, len(text), 8)), REFUSE),
        "high-octets": (junked(text, b"\xc3\xa9\xff"), REFUSE),
        "text-before": (b"This is base64, your mail program will know:\r\n\r\n" + text, MALFORMED),
    }
    for name, (body, verdict) in rows.items():
        yield Case("MI-07", f"base64-{name}", encoded("base64", body), verdict, "a.bin" if verdict == REFUSE else "",
                   ANTIVIRUS if verdict == REFUSE else "")
    for spelling in ("BASE64", "base64 (x)", " base64;", '"base64"', "x-base64", "base64\nContent-Transfer-Encoding: 7bit",
                     "7bit\nContent-Transfer-Encoding: base64", "\n base64", "b\n ase64"):
        yield Case("MI-07", f"spelt-{spelling.encode().hex()[:24]}", encoded(spelling, text + b"\r\n"), REFUSE, "a.bin", ANTIVIRUS, reason=spelling)
    yield Case("MI-07", "no-header", b"\r\n\x0b\r\n" + MARKER + b"\r\n", REFUSE, "", ANTIVIRUS, reason="the message has no header")
    yield Case("MI-07", "hash", file_message("a.bin", HASHED), REFUSE, "a.bin", ANTIVIRUS, reason="known by its hash: the octets must be exact")
    yield Case("MI-07", "eicar", file_message("eicar.txt", EICAR), REFUSE, "eicar.txt", ANTIVIRUS)


def quoted_cases():
    every = b"".join(b"=%02X" % c for c in MARKER)
    rows = {
        "all": every,
        "lower-case": b"".join(b"=%02x" % c for c in MARKER),
        "soft-breaks": b"=\r\n".join(every[at:at + 3] for at in range(0, len(every), 3)),
        "soft-breaks-and-blanks": b"= \t\r\n".join(every[at:at + 3] for at in range(0, len(every), 3)),
        "soft-breaks-lf": b"=\n".join(every[at:at + 3] for at in range(0, len(every), 3)),
        "bad-before": b"=XX =4 == " + every,
        "no-end": every + b"=",
        "long-line": b"x" * 70000 + every,
    }
    for name, body in rows.items():
        yield Case("MI-08", f"quoted-{name}", encoded("quoted-printable", body), REFUSE, "a.bin", ANTIVIRUS)


def multipart(kind, body):
    return message(f"Content-Type: {kind}\n", body)


def boundary_cases():
    long = "b" * 100
    rows = [
        ("plain", "multipart/mixed; boundary=b", IN_B + b"--b--\r\n"),
        ("no-end", "multipart/mixed; boundary=b", IN_B),
        ("single-quotes", "multipart/mixed; boundary='b'", IN_B + b"--b--\r\n"),
        ("comment", 'multipart/mixed; boundary="b"(x)', IN_B + b"--b--\r\n"),
        ("section", "multipart/mixed; boundary*0=b", IN_B + b"--b--\r\n"),
        ("sections", "multipart/mixed; boundary*0=a; boundary*1=b", IN_B.replace(b"--b", b"--ab")),
        ("extended", "multipart/mixed; boundary*=us-ascii''%62", IN_B + b"--b--\r\n"),
        ("first-of-two", "multipart/mixed; boundary=b; boundary=a", IN_B + b"--b--\r\n"),
        ("second-of-two", "multipart/mixed; boundary=a; boundary=b", IN_B + b"--b--\r\n"),
        ("none", "multipart/mixed", IN_B + b"--b--\r\n"),
        ("empty", 'multipart/mixed; boundary=""', IN_B + b"--b--\r\n"),
        ("blanks-behind", "multipart/mixed; boundary=b", b"--b \t\r\n" + EVIL),
        ("longer-line", "multipart/mixed; boundary=b", b"--bx\r\n" + EVIL),
        ("junk-behind-end", "multipart/mixed; boundary=b", b"--b--x\r\n" + EVIL),
        ("part-after-end", "multipart/mixed; boundary=b", b"--b\r\n\r\ntext\r\n--b--\r\n" + IN_B),
        ("same-inside", "multipart/mixed; boundary=b", b"--b\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n" + IN_B + b"--b--\r\n"),
        ("prefix-of-outer", "multipart/mixed; boundary=bb", b"--bb\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n" + IN_B + b"--b--\r\n--bb--\r\n"),
        ("long", f"multipart/mixed; boundary={long}", b"--" + long.encode() + b"\r\n" + EVIL),
        ("lf-only", "multipart/mixed; boundary=b", IN_B.replace(b"\r\n", b"\n")),
        ("cr-only", "multipart/mixed; boundary=b", IN_B.replace(b"\r\n", b"\r")),
        ("outer-ignored", "multipart/mixed; boundary=o", b"--o\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--o\r\n\r\ny\r\n" + IN_B + b"--b--\r\n--o--\r\n"),
        ("digest", "multipart/digest; boundary=d", b"--d\r\n\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + IN_B + b"--b--\r\n\r\n--d--\r\n"),
    ]
    for name, kind, body in rows:
        yield Case("MI-09", f"boundary-{name}", multipart(kind, body), REFUSE, "evil.exe", ATTACHMENTS, reason=kind)
    for name, body in (("preamble", IN_B + b"--b--\r\n"), ("epilogue", b"")):
        uu = b"begin 644 evil.exe\r\n#0V%T\r\n`\r\nend\r\n"
        octets = (uu if name == "preamble" else b"") + b"--b\r\n\r\nx\r\n--b--\r\n" + (uu if name == "epilogue" else b"")
        yield Case("MI-09", f"file-in-{name}", multipart("multipart/mixed; boundary=b", octets), REFUSE, "evil.exe", ATTACHMENTS)


def type_cases():
    inner = message("Content-Type: multipart/mixed; boundary=b\n", IN_B + b"--b--\r\n")
    rows = [
        ("comment", "multi(part)part/mixed; boundary=b", IN_B), ("backslash", "multipart\\mixed; boundary=b", IN_B),
        ("no-subtype", "multipart/; boundary=b", IN_B), ("empty", "; boundary=b", IN_B), ("cr", "\rmultipart/mixed; boundary=b", IN_B),
        ("text-first", "text/plain\nContent-Type: multipart/mixed; boundary=b", IN_B),
        ("text-last", "multipart/mixed; boundary=b\nContent-Type: text/plain", IN_B),
        ("encoded-word", "=?utf-8?q?multipart/mixed;_boundary=3Db?=", IN_B),
        ("odd-subtype", "multipart/whatever; boundary=b", IN_B), ("message", "message/rfc822", inner), ("global", "message/global", inner),
        ("base64-message", "message/rfc822\nContent-Transfer-Encoding: base64", b64(inner)),
        ("quoted-message", "message/rfc822\nContent-Transfer-Encoding: quoted-printable", inner.replace(b"=", b"=3D")),
        ("eml-file", "application/octet-stream; name=a.eml\nContent-Transfer-Encoding: base64", b64(inner)),
        ("sun", "X-sun-attachment", b"----------\r\nX-Sun-Data-Type: text\r\n\r\nx\r\n----------\r\nX-Sun-Data-Name: evil.exe\r\n\r\nbody\r\n"),
    ]
    for name, kind, body in rows:
        yield Case("MI-10", f"type-{name}", multipart(kind, body), REFUSE, "evil.exe", ATTACHMENTS, reason=kind)
    yield Case("MI-10", "partial", multipart("message/partial; id=x; number=1; total=2", b"text\r\n"), MALFORMED, reason="a piece of another message")
    yield Case("MI-10", "external-body", multipart('message/external-body; access-type=URL; URL="http://h.test/evil.exe"', b"\r\n"), MALFORMED,
               reason="the content is elsewhere")


def nested(levels, inner):
    octets = inner
    for level in range(levels):
        name = f"n{level}".encode()
        octets = b"Content-Type: multipart/mixed; boundary=" + name + b"\r\n\r\n--" + name + b"\r\n" + octets + b"\r\n--" + name + b"--\r\n"
    return octets


def deep_cases():
    yield Case("MI-11", "nested-10", message("X: y\n").rstrip(b"\r\n") + b"\r\n" + nested(10, EVIL), REFUSE, "evil.exe", ATTACHMENTS)
    yield Case("MI-11", "nested-1000", message("X: y\n").rstrip(b"\r\n") + b"\r\n" + nested(1000, EVIL), REFUSE, "", ATTACHMENTS, "limit")
    messages = b"Content-Type: message/rfc822\r\n\r\n" * 1000 + EVIL
    yield Case("MI-11", "messages-1000", message("X: y\n").rstrip(b"\r\n") + b"\r\n" + messages, REFUSE, "", ATTACHMENTS, "limit")
    yield Case("MI-11", "empty-parts", multipart("multipart/mixed; boundary=b", b"--b\r\n\r\n" * 100_000 + IN_B), REFUSE, "", ATTACHMENTS, "limit")
    yield Case("MI-11", "delimiters", multipart("multipart/mixed; boundary=b", b"--b\r\n" * 1_000_000), REFUSE, "", ATTACHMENTS, "limit")


def uuencoded(octets):
    lines = [octets[at:at + 45] for at in range(0, len(octets), 45)]
    return b"".join(binascii.b2a_uu(line).rstrip(b"\n") + b"\r\n" for line in lines) + b"`\r\n"


def yencoded(octets):
    out = b""
    for c in octets:
        value = (c + 42) & 0xff
        out += b"=" + bytes([(value + 64) & 0xff]) if value in (0, 10, 13, 61) else bytes([value])
    return out


def text_cases():
    plain = "Content-Type: text/plain\n"
    size = len(MARKER)
    bodies = {
        "uuencode": b"begin 644 evil.exe\r\n" + uuencoded(b"MZ") + b"end\r\n",
        "uuencode-no-end": b"begin 644 evil.exe\r\n" + uuencoded(b"MZ"),
        "uuencode-base64": b"begin-base64 644 evil.exe\r\nTVo=\r\n====\r\n",
        "uuencode-encoded-name": b"begin-base64-encoded 644 ZXZpbC5leGU=\r\nTVo=\r\n====\r\n",
        "yenc": b"=ybegin line=128 size=2 name=evil.exe\r\n" + yencoded(b"MZ") + b"\r\n=yend size=2\r\n",
    }
    for name, body in bodies.items():
        yield Case("MI-12", name, message(plain, b"Hello\r\n" + body), REFUSE, "evil.exe", ATTACHMENTS)
    marked = {
        "uuencode": b"begin 644 a.bin\r\n" + uuencoded(MARKER) + b"end\r\n",
        "base64": b"begin-base64 644 a.bin\r\n" + b64(MARKER) + b"====\r\n",
        "yenc": f"=ybegin line=128 size={size} name=a.bin\r\n".encode() + yencoded(MARKER) + b"\r\n=yend\r\n",
    }
    for name, body in marked.items():
        yield Case("MI-12", f"marker-in-{name}", message(plain, b"Hello\r\n" + body), REFUSE, "a.bin", ANTIVIRUS)
    yield Case("MI-12", "uuencode-by-header", attached("Content-Type: application/octet-stream; name=a.bin\n").replace(
        b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: x-uuencode").replace(
            b64(b"MZ not a program\r\n"), b"begin 644 evil.exe\r\n" + uuencoded(MARKER) + b"end\r\n"), REFUSE, "evil.exe", ATTACHMENTS)


def der(tag, *inner):
    body = b"".join(inner)
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (length if len(body) < 128 else bytes([128 + len(length)]) + length) + body


def signed_whole(content):
    """What S/MIME calls opaque (RFC 5652 §5.1), without signers."""
    data, signed = (bytes.fromhex("06092a864886f70d0107") + bytes([last]) for last in (1, 2))
    return der(0x30, signed, der(0xa0, der(0x30, der(2, b"\1"), der(0x31), der(0x30, data, der(0xa0, der(4, content))), der(0x31))))


def signed_cases():
    for name, inner, verdict in (
            ("evil", file_message("evil.exe", b"MZ"), ("evil.exe", ATTACHMENTS)), ("marker", file_message("a.bin", MARKER), ("a.bin", ANTIVIRUS))):
        header = 'Content-Type: application/pkcs7-mime; smime-type=signed-data; name="smime.p7m"\nContent-Transfer-Encoding: base64\n'
        yield Case("MI-12", f"signed-whole-{name}", message(header, b64(signed_whole(inner))), REFUSE, *verdict)


def cases():
    for make in (base64_cases, quoted_cases, boundary_cases, type_cases, deep_cases, text_cases, signed_cases, tnef_cases):
        yield from make()
