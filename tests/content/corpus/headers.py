"""HD and the confusions of where a header ends and a body begins: what one side takes for header the other takes for
body. Only what the content tests see; which From counts is for the policy's other tests."""
from .mail import ANTIVIRUS, ATTACHMENTS, HEADER, MARKER, REFUSE, Case, b64, crlf

TYPE = b"Content-Type: multipart/mixed; boundary=b\r\n"
PARTS = crlf("--b\nContent-Type: text/plain\n\nx\n--b\nContent-Disposition: attachment; filename=evil.exe\n\nbody\n--b--\n")


def cases():
    field = b"Content-Disposition: attachment; filename=evil.exe\r\n"
    rows = [
        # The header goes on behind what some take for its end.
        ("blank-line", HEADER + b" \r\n" + TYPE + b"\r\n" + PARTS),
        ("tab-line", HEADER + b"\t\r\n" + TYPE + b"\r\n" + PARTS),
        ("no-colon", HEADER + b"no field\r\n" + TYPE + b"\r\n" + PARTS),
        ("mbox-line", b"From jan@s.test Mon Feb  3 10:00:00 2025\r\n" + HEADER + TYPE + b"\r\n" + PARTS),
        ("mbox-line-within", HEADER + b">From x\r\n" + TYPE + b"\r\n" + PARTS),
        ("vertical-tab-line", HEADER + b"\x0b\r\n" + TYPE + b"\r\n" + PARTS),
        ("nul-line", HEADER + b"\x00\r\n" + TYPE + b"\r\n" + PARTS),
        ("colon-only", HEADER + b": x\r\n" + TYPE + b"\r\n" + PARTS),
        ("folded-first-line", b" X: y\r\n" + HEADER + TYPE + b"\r\n" + PARTS),
        ("blank-before-colon", HEADER + b"Content-Type : multipart/mixed; boundary=b\r\n\r\n" + PARTS),
        ("fold-before-colon", HEADER + b"Content-Type\r\n : multipart/mixed; boundary=b\r\n\r\n" + PARTS),
        ("lf-only", (HEADER + TYPE + b"\r\n" + PARTS).replace(b"\r\n", b"\n")),
        ("cr-only", (HEADER + TYPE + b"\r\n" + PARTS).replace(b"\r\n", b"\r")),
        ("cr-cr-lf", (HEADER + TYPE + b"\r\n" + PARTS).replace(b"\r\n", b"\r\r\n")),
        ("cr-cr-lf-end", HEADER + TYPE[:-2] + b"\r\r\n" + PARTS),
        ("cr-cr-end", HEADER + TYPE[:-2] + b"\r\r" + PARTS),
        ("cr-in-field", HEADER + b"X: y\rContent-Type: multipart/mixed; boundary=b\r\n\r\n" + PARTS),
        ("lf-in-field", HEADER + b"X: y\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + PARTS),
        # The body begins before what others take for its beginning.
        ("body-at-boundary", HEADER + TYPE + PARTS),
        ("body-behind-blank", HEADER + TYPE + b" \r\n" + PARTS),
        ("body-behind-blank-and-field", HEADER + TYPE + b" \r\nX: y\r\n" + PARTS),
        ("body-behind-mbox-and-no-colon", HEADER + TYPE + b"From x y\r\ngarbage\r\n" + PARTS),
        ("early-parts-behind-mbox", HEADER + b"From x y\r\nContent-Type: application/octet-stream; name=evil.exe\r\nContent-Transfer-Encoding: base64\r\ngarbage\r\n" + b64(b"MZ")),
        # No header, or nothing else.
        ("body-only", b"\r\n" + b"begin 644 evil.exe\r\n#0V%T\r\n`\r\nend\r\n"),
        ("header-only", HEADER + field),
        ("header-without-end", HEADER + field.rstrip(b"\r\n")),
        ("part-header-only", HEADER + TYPE + b"\r\n--b\r\n" + field + b"--b--\r\n"),
        ("part-header-cut", HEADER + TYPE + b"\r\n--b\r\n" + field.rstrip(b"\r\n")),
        # Too long for somebody.
        ("field-of-50-KiB", HEADER + b"X: " + b"y" * 50_000 + b"\r\n" + TYPE + b"\r\n" + PARTS),
        ("fields-1000", HEADER + b"X: y\r\n" * 1000 + TYPE + b"\r\n" + PARTS),
        ("folds-1000", HEADER + b"X: y\r\n" + b" y\r\n" * 1000 + TYPE + b"\r\n" + PARTS),
    ]
    for name, octets in rows:
        yield Case("HD-body", name, octets, REFUSE, "evil.exe", ATTACHMENTS)
    for name, octets in (("from-twice", b"From: a@s.test\r\n" + HEADER), ("from-folded", b"From\r\n : a@s.test\r\n" + HEADER)):
        yield Case("HD-01", name, octets + TYPE + b"\r\n" + PARTS, REFUSE, "evil.exe", ATTACHMENTS)
    yield Case("HD-body", "field-of-1-MiB", HEADER + b"X: " + b"y" * (1 << 20) + b"\r\n" + TYPE + b"\r\n" + PARTS, REFUSE, "", ATTACHMENTS, "limit")
    parameters = b"".join(b";\r\n filename*%d*=x" % number for number in range(100_000))
    yield Case("DS-05", "parameters-100000", HEADER + b"Content-Disposition: attachment" + parameters + b"\r\n\r\nx", REFUSE, "", ATTACHMENTS, "limit")
    yield Case("DS-05", "comments-1-MiB", HEADER + b"Content-Type: text/plain; name=" + b"(" * (1 << 20) + b"\r\n\r\nx", REFUSE, "", ATTACHMENTS, "limit")
    yield Case("DS-05", "received-1-MiB", HEADER + b"Received: " + b"from a by b; " * 80_000 + b"\r\n\r\nx", REFUSE, "", ATTACHMENTS, "limit")
    yield Case("HD-body", "marker-behind-mbox-and-no-colon", HEADER + b"From x y\r\nContent-Transfer-Encoding: base64\r\njunk\r\n" + b64(MARKER), REFUSE, "", ANTIVIRUS)
    yield Case("HD-body", "marker-behind-blank", HEADER + b"Content-Transfer-Encoding: base64\r\n \r\n" + b64(MARKER), REFUSE, "", ANTIVIRUS)
