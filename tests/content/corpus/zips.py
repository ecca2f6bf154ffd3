"""ZIP files whose records say what a test wants, true or not (PKWARE APPNOTE 6.3)."""
import dataclasses
import functools
import struct
import zlib


@dataclasses.dataclass
class Entry:
    name: bytes
    octets: bytes = b"text"
    local_name: bytes = None     # None: the same
    flags: int = 0
    local_flags: int = None
    method: int = 0
    local_method: int = None
    extra: bytes = b""
    claimed: int = None          # unpacked size as the headers say
    listed: bool = True          # in the directory
    stored: bool = True          # has a local header of its own; else the one before is named
    local_size: int = None


@functools.lru_cache(maxsize=8)
def packed(octets, method):
    """The octets as they are stored, and their CRC."""
    crc = zlib.crc32(octets)
    if method != 8:
        return octets, crc
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    return squeeze.compress(octets) + squeeze.flush(), crc


def first(*values):
    return next(one for one in values if one is not None)


def zip_of(*entries, prefix=b"", comment=b"", shift=0, count=None, end=True, between=b"", directory=True, zip64=None):
    """shift: how far the directory's offset is wrong; zip64: the number of entries that a ZIP64 record claims."""
    out, central, at = bytearray(prefix), bytearray(), 0
    listed = 0
    for entry in entries:
        data, crc = packed(entry.octets, entry.method)
        size = first(entry.claimed, len(entry.octets))
        if entry.stored:
            at = len(out)
            local = first(entry.local_name, entry.name)
            out += struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, first(entry.local_flags, entry.flags), first(entry.local_method, entry.method),
                               0, 0x5A43, crc, len(data), first(entry.local_size, size), len(local), 0) + local + data + between
        if entry.listed:
            listed += 1
            central += struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, entry.flags, entry.method, 0, 0x5A43, crc, len(data), size,
                                   len(entry.name), len(entry.extra), 0, 0, 0, 0, at - len(prefix)) + entry.name + entry.extra
    start = len(out) - len(prefix)
    if directory:
        out += central
    if listed > 0xffff:
        zip64, count = first(zip64, listed), first(count, 0xffff)
    if zip64 is not None:
        record = len(out) - len(prefix)
        out += struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, zip64, zip64, len(central), start)
        out += struct.pack("<IIQI", 0x07064B50, 0, record, 1)
    if end:
        count = first(count, listed)
        out += struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, len(central), start + shift, len(comment)) + comment
    return bytes(out)


def unicode_path(name, real):
    return struct.pack("<HHBI", 0x7075, 5 + len(real), 1, zlib.crc32(name)) + real


def aes_extra(method=0):
    return struct.pack("<HHH2sBH", 0x9901, 7, 2, b"AE", 3, method)


def bomb_of_overlaps(entries, octets):
    """Many entries of the directory, one local header."""
    return zip_of(Entry(b"a0", octets, method=8), *(Entry(b"a%d" % number, octets, method=8, stored=False) for number in range(1, entries)))


# The smallest known kind: a ZIP file that holds itself needs hand-made deflate; here each level holds the next one.
def nested(levels, inner, name=b"a.zip"):
    for _ in range(levels):
        inner = zip_of(Entry(name, inner))
    return inner
