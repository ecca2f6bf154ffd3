"""What takes long to make or to scan: only when asked for."""
import zlib

from .mail import ACCEPT, ANTIVIRUS, ATTACHMENTS, MARKER, REFUSE, Case, file_message, message
from .zips import Entry, zip_of

MIB = 1 << 20


def zeros_gzip(octets):
    """A gzip file of so many zeros, without holding them."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    some = bytes(16 * MIB)
    out = [squeeze.compress(some) for _ in range(octets // len(some))]
    return b"".join(out) + squeeze.flush()


def cases():
    line = b"0123456789 abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 01234567\r\n"
    many = 100 * MIB // len(line)
    yield Case("big", "flat-100-MiB", message("Content-Type: text/plain\n", line * many), ACCEPT)
    yield Case("big", "one-part-100-MiB", file_message("a.bin", line * (75 * MIB // len(line))), ACCEPT)
    yield Case("big", "one-part-and-marker", file_message("a.bin", line * (75 * MIB // len(line)) + MARKER), REFUSE, "a.bin", ANTIVIRUS)
    parts = b"".join(b"--b\r\nContent-Type: text/plain\r\n\r\n" + line * 140 for _ in range(10_000)) + b"--b--\r\n"
    yield Case("big", "parts-10000", message("Content-Type: multipart/mixed; boundary=b\n", parts), REFUSE, "", ATTACHMENTS, "limit")
    inner = zip_of(*(Entry(b"%d.txt" % n, line * 13_000) for n in range(76)))
    yield Case("big", "nested-archive-100-MiB", file_message("a.zip", zip_of(Entry(b"b.zip", inner), Entry(b"run.exe", b"MZ"))), REFUSE, "a.zip/run.exe", ATTACHMENTS)
    yield Case("big", "gzip-10-GiB", file_message("a.gz", zeros_gzip(10 * 1024 * MIB)), REFUSE, "", ATTACHMENTS, "limit")
    yield Case("big", "entries-1000000", file_message("a.zip", zip_of(*(Entry(b"%d" % n, b"") for n in range(1_000_000)))),
               REFUSE, "", ATTACHMENTS, "limit")
