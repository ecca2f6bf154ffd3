"""MI-12: Outlook's container (MS-OXTNEF), with files in each of the places where its readers look."""
import struct

from .mail import ANTIVIRUS, ATTACHMENTS, MARKER, REFUSE, ACCEPT, Case, file_message

BEGINS, TITLE, FILE, ATTACHMENT, BODY = 0x00069002, 0x00018010, 0x0006800F, 0x00069005, 0x0002800C


def attribute(level, number, data):
    return struct.pack("<BII", level, number, len(data)) + data + struct.pack("<H", sum(data) & 0xffff)


def container(*attributes):
    return struct.pack("<IH", 0x223E9F78, 1) + b"".join(attributes)


def variable(kind, number, data):
    return struct.pack("<HHII", kind, number, 1, len(data)) + data + b"\0" * (-len(data) % 4)


def properties(*all_of_them):
    return struct.pack("<I", len(all_of_them)) + b"".join(all_of_them)


def holding(name, octets):
    return container(attribute(1, BODY, b"text\0"), attribute(2, BEGINS, bytes(14)), attribute(2, TITLE, name + b"\0"),
                     attribute(2, FILE, octets))


def tnef_cases():
    wide = "evil.exe\0".encode("utf-16le")
    in_properties = container(attribute(2, BEGINS, bytes(14)), attribute(2, TITLE, b"EVIL~1.TXT\0"), attribute(2, FILE, b"MZ"),
                              attribute(2, ATTACHMENT, properties(variable(0x1f, 0x3707, wide))))
    as_object = container(attribute(2, BEGINS, bytes(14)), attribute(2, ATTACHMENT, properties(
        variable(0x1e, 0x3707, b"a.msg\0"), variable(0x0d, 0x3701, bytes(16) + holding(b"evil.exe", b"MZ")))))
    as_binary = container(attribute(2, BEGINS, bytes(14)), attribute(2, ATTACHMENT, properties(
        variable(0x102, 0x3701, MARKER), variable(0x1e, 0x3704, b"a.bin\0"))))

    def sent(octets):
        return file_message("winmail.dat", octets, "application/ms-tnef")

    yield Case("MI-12", "tnef-title", sent(holding(b"evil.exe", b"MZ")), REFUSE, "winmail.dat/evil.exe", ATTACHMENTS)
    yield Case("MI-12", "tnef-long-name", sent(in_properties), REFUSE, "winmail.dat/evil.exe", ATTACHMENTS)
    yield Case("MI-12", "tnef-object", sent(as_object), REFUSE, "winmail.dat/a.msg/evil.exe", ATTACHMENTS)
    yield Case("MI-12", "tnef-marker", sent(holding(b"a.bin", MARKER)), REFUSE, "winmail.dat/a.bin", ANTIVIRUS)
    yield Case("MI-12", "tnef-marker-in-properties", sent(as_binary), REFUSE, "winmail.dat/a.bin", ANTIVIRUS)
    yield Case("MI-12", "tnef-other-name", file_message("a.dat", holding(b"evil.exe", b"MZ")), REFUSE, "a.dat/evil.exe", ATTACHMENTS)
    yield Case("MI-12", "tnef-cut", sent(holding(b"note.txt", b"text" * 50)[:-60]), ACCEPT, finding="unreadable",
               reason="can't be read to its end: counts as configured")
