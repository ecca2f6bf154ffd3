"""Archive formats that Python has no writer for, written octet by octet, stored (not compressed)."""
import struct
import zlib


def crc16(data):
    """CRC-16/ARC, of LHA."""
    value = 0
    for octet in data:
        value ^= octet
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


def rar4(entries, encrypted=False, volume=False, sealed=False):
    """entries: (name, octets). RAR 2.9/4 with stored entries."""
    def block(kind, flags, body, data=b""):
        rest = struct.pack("<BHH", kind, flags, 7 + len(body)) + body
        return struct.pack("<H", zlib.crc32(rest) & 0xffff) + rest + data
    out = b"Rar!\x1a\x07\x00" + block(0x73, (0x1 if volume else 0) | (0x80 if sealed else 0), bytes(6))
    for name, octets in entries:
        flags = 0x8000 | (0x4 if encrypted else 0)
        body = struct.pack("<IIBIIBBHI", len(octets), len(octets), 2, zlib.crc32(octets), 0x5A43505A, 29, 0x30, len(name), 0x20) + name
        out += block(0x74, flags, body, octets)
    return out + block(0x7B, 0x4000, b"")


def vint(value):
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def rar5(entries, encrypted=False):
    def block(kind, flags, body, data=b"", extra=b""):
        flags |= (0x2 if data else 0) | (0x1 if extra else 0)
        rest = vint(kind) + vint(flags) + (vint(len(extra)) if extra else b"") + (vint(len(data)) if data else b"") + body + extra
        size = vint(len(rest))
        return struct.pack("<I", zlib.crc32(size + rest)) + size + rest + data
    out = b"Rar!\x1a\x07\x01\x00" + block(1, 0, vint(0))
    for name, octets in entries:
        extra = b""
        if encrypted:
            record = vint(1) + vint(0) + vint(0) + b"\x0f" + bytes(16) + bytes(16)
            extra = vint(len(record)) + record
        body = vint(4) + vint(len(octets)) + vint(0x20) + struct.pack("<I", zlib.crc32(octets)) + vint(0) + vint(0) + vint(len(name)) + name
        out += block(2, 0, body, octets, extra)
    return out + block(5, 0, vint(0))


def cab(entries):
    files, data = b"", b""
    for name, octets in entries:
        files += struct.pack("<IIHHHH", len(octets), len(data), 0, 0x5A43, 0x505A, 0x20) + name + b"\0"
        data += octets
    blocks = [data[at:at + 0x8000] for at in range(0, len(data), 0x8000)]
    files_at, data_at = 36 + 8, 36 + 8 + len(files)
    body = b"".join(struct.pack("<IHH", 0, len(one), len(one)) + one for one in blocks)
    return struct.pack("<4sIIIIIBBHHHHH", b"MSCF", 0, data_at + len(body), 0, files_at, 0, 3, 1, 1, len(entries), 0, 1, 0) + \
        struct.pack("<IHH", data_at, len(blocks), 0) + files + body


def lha(entries):
    """Level 0, -lh0-."""
    out = b""
    for name, octets in entries:
        body = struct.pack("<5sIIIBB", b"-lh0-", len(octets), len(octets), 0x5A43505A, 0x20, 0) + bytes([len(name)]) + name + \
            struct.pack("<H", crc16(octets))
        out += bytes([len(body), sum(body) & 0xff]) + body + octets
    return out + b"\0"


def cpio(entries):
    """The "new" form, in hexadecimal."""
    out = b""
    for number, (name, octets) in enumerate([*entries, (b"TRAILER!!!", b"")], 1):
        fields = [number, 0o100644, 0, 0, 1, 0, len(octets), 0, 0, 0, 0, len(name) + 1, 0]
        head = b"070701" + b"".join(b"%08X" % one for one in fields) + name + b"\0"
        out += head + bytes(-len(head) % 4) + octets + bytes(-len(octets) % 4)
    return out


def ar(entries):
    out = b"!<arch>\n"
    for name, octets in entries:
        out += b"%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (name + b"/", 0, 0, 0, b"100644", len(octets)) + octets + b"\n" * (len(octets) % 2)
    return out


def xar(entries):
    heap, files = b"", ""
    for number, (name, octets) in enumerate(entries, 1):
        files += (f'<file id="{number}"><data><length>{len(octets)}</length><offset>{len(heap) + 20}</offset><size>{len(octets)}</size>'
                  f'<encoding style="application/octet-stream"/></data><type>file</type><mode>0644</mode><name>{name.decode()}</name></file>')
        heap += octets
    toc = f'<?xml version="1.0" encoding="UTF-8"?><xar><toc>{files}</toc></xar>'.encode()
    packed = zlib.compress(toc)
    return struct.pack(">4sHHQQI", b"xar!", 28, 1, len(packed), len(toc), 0) + packed + bytes(20) + heap


def both(value, size):
    form = {2: "H", 4: "I"}[size]
    return struct.pack("<" + form, value) + struct.pack(">" + form, value)


def iso(entries):
    """ISO 9660 with one directory, and no Joliet."""
    sector, table_at, directory_at, first = 2048, 19, 20, 21 # libarchive wants no table before sector 19

    def record(name, at, size, flags=0):
        length = 33 + len(name) + (1 - len(name) % 2)
        body = bytes([length, 0]) + both(at, 4) + both(size, 4) + bytes(7) + bytes([flags, 0, 0]) + both(1, 2) + bytes([len(name)]) + name
        return body + bytes(length - len(body))
    directory = record(b"\0", directory_at, sector, 2) + record(b"\1", directory_at, sector, 2)
    content = b""
    for name, octets in entries:
        directory += record(name.upper() + b";1", first + len(content) // sector, len(octets))
        content += octets + bytes(-len(octets) % sector)
    tables = b"\1\0" + struct.pack("<I", directory_at) + b"\1\0\0\0"
    volume = b"\1CD001\1\0" + b" " * 32 + b"%-32s" % b"DISC" + bytes(8) + both(first + len(content) // sector, 4) + bytes(32) + \
        both(1, 2) + both(1, 2) + both(sector, 2) + both(len(tables), 4) + struct.pack("<II", table_at, 0) + struct.pack(">II", table_at, 0) + \
        record(b"\0", directory_at, sector, 2)
    volume = volume.ljust(881, b" ") + b"\1"
    end = b"\xffCD001\1"
    return bytes(16 * sector) + volume.ljust(sector, b"\0") + end.ljust(2 * sector, b"\0") + tables.ljust(sector, b"\0") + \
        directory.ljust(sector, b"\0") + content + bytes(8 * sector) # libarchive wants 24 sectors


def zstd(octets):
    """One raw block."""
    assert len(octets) < 1 << 17
    return b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", len(octets)) + struct.pack("<I", len(octets) << 3 | 1)[:3] + octets


def xxh32(data):
    assert len(data) < 16
    rotl = lambda value, by: (value << by | value >> 32 - by) & 0xffffffff
    h = 374761393 + len(data) & 0xffffffff
    at = 0
    while at + 4 <= len(data):
        h = rotl(h + int.from_bytes(data[at:at + 4], "little") * 3266489917 & 0xffffffff, 17) * 668265263 & 0xffffffff
        at += 4
    for octet in data[at:]:
        h = rotl(h + octet * 374761393 & 0xffffffff, 11) * 2654435761 & 0xffffffff
    for shift, factor in ((15, 2246822519), (13, 3266489917)):
        h = (h ^ h >> shift) * factor & 0xffffffff
    return h ^ h >> 16


def lz4(octets):
    descriptor = b"\x60\x40"
    return b"\x04\x22\x4d\x18" + descriptor + bytes([xxh32(descriptor) >> 8 & 0xff]) + struct.pack("<I", len(octets) | 1 << 31) + octets + bytes(4)


def rpm(octets):
    """`octets` is the packed payload."""
    header = b"\x8e\xad\xe8\x01" + bytes(4) + struct.pack(">II", 0, 0)
    return b"\xed\xab\xee\xdb\x03\x00" + struct.pack(">HH66sHH16s", 0, 1, b"a", 1, 5, b"") + header + header + octets
