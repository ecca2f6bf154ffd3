"""How the messages of the corpus are put together, octet by octet, and the table of what is expected of each."""
import base64
import dataclasses

# In pieces, so that no scanner takes this file for what it describes.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD" + b"-ANTIVIRUS-TEST-FILE!" + b"$H+H*"
MARKER = b"POSTERN TEST MARKER " + b"8f1d2c77 no virus"
HASHED = b"Postern knows this file by " + b"its hash only.\n"

REFUSE, MALFORMED, NOT_SCANNED, ACCEPT = "refuse", "malformed", "not_scanned", "accept"
ATTACHMENTS, ANTIVIRUS = "attachments", "antivirus"


@dataclasses.dataclass
class Case:
    group: str        # "MI-05"
    name: str         # of the file, without ".eml"
    octets: bytes
    verdict: str
    named: str = ""   # what the report must name: the path of what is refused
    test: str = ""    # which test says it
    finding: str = "" # the kind of a finding that must be there, whatever the verdict
    reason: str = ""


def crlf(text):
    """LF becomes CRLF; text may be octets."""
    octets = text if isinstance(text, bytes) else text.encode("utf-8")
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


HEADER = crlf("From: Jan Novak <jan@s.test>\nTo: u@d.test\nDate: Mon, 03 Feb 2025 10:00:00 +0100\n"
              "Message-ID: <1@s.test>\nMIME-Version: 1.0\n")


def message(header, body=b"", subject="Invoice"):
    """A message with more header lines (LF becomes CRLF) and a body of exact octets."""
    return HEADER + crlf(f"Subject: {subject}\n") + crlf(header) + b"\r\n" + body


def b64(octets, width=76):
    text = base64.b64encode(octets)
    return b"".join(text[at:at + width] + b"\r\n" for at in range(0, len(text), width))


def part(header, body):
    return crlf(header) + b"\r\n" + body


def mixed(*parts, boundary="b1", subtype="mixed", end=True):
    octets = b"".join(b"--" + boundary.encode() + b"\r\n" + one + b"\r\n" for one in parts)
    octets += b"--" + boundary.encode() + b"--\r\n" if end else b""
    return message(f"Content-Type: multipart/{subtype}; boundary=\"{boundary}\"\n", octets)


TEXT = part("Content-Type: text/plain; charset=utf-8\n", b"See the attachment.\r\n")


def attached(header, octets=b"MZ not a program\r\n"):
    """A text and one part with these header lines, in base64."""
    return mixed(TEXT, part(header + "Content-Transfer-Encoding: base64\n", b64(octets)))


def file_message(name, octets, mime_type="application/octet-stream"):
    """An ordinary attachment."""
    return attached(f"Content-Type: {mime_type}; name=\"{name}\"\nContent-Disposition: attachment; filename=\"{name}\"\n", octets)


def slug(text, most=40):
    kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in text)
    while "--" in kept:
        kept = kept.replace("--", "-")
    return kept.strip("-").lower()[:most].strip("-") or "x"
