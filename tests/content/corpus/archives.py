"""AR-01 to AR-12: archives that hide, contradict themselves, or cost too much."""
import bz2
import gzip
import io
import lzma
import pathlib
import shutil
import subprocess
import tarfile
import tempfile

from . import formats
from .mail import ACCEPT, ANTIVIRUS, ATTACHMENTS, MALFORMED, MARKER, REFUSE, Case, file_message
from .zips import Entry, aes_extra, bomb_of_overlaps, nested, unicode_path, zip_of

MZ = b"MZ not a program"


def sent(name, octets):
    return file_message(name, octets)


def tar_of(*entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, octets in entries:
            info = tarfile.TarInfo(name)
            info.size = len(octets)
            archive.addfile(info, io.BytesIO(octets))
    return out.getvalue()


def tar_links():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind, target in (("evil.exe", tarfile.SYMTYPE, "/etc/passwd"), ("b", tarfile.LNKTYPE, "a"), ("c", tarfile.CHRTYPE, "")):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)
    return out.getvalue()


def gz(octets, level=9):
    return gzip.compress(octets, level, mtime=0)


def seven_zip(*entries, options=()):
    """By the program 7z; None where there is none."""
    program = shutil.which("7z") or shutil.which("7zz")
    if not program:
        return None
    with tempfile.TemporaryDirectory() as folder:
        for name, octets in entries:
            (pathlib.Path(folder) / name).write_bytes(octets)
        run = subprocess.run([program, "a", "-t7z", "-mtc=off", "-mtm=off", "-mta=off", *options, "out.7z", *(name for name, _ in entries)],
                             cwd=folder, capture_output=True, check=False)
        return (pathlib.Path(folder) / "out.7z").read_bytes() if run.returncode == 0 else None


def every_format(name, octets):
    """Each container that is read, with one entry."""
    raw = name.encode()
    yield "zip", zip_of(Entry(raw, octets, method=8))
    yield "tar", tar_of((name, octets))
    yield "tar.gz", gz(tar_of((name, octets)))
    yield "tar.bz2", bz2.compress(tar_of((name, octets)))
    yield "tar.xz", lzma.compress(tar_of((name, octets)))
    yield "tar.lzma", lzma.compress(tar_of((name, octets)), lzma.FORMAT_ALONE)
    yield "tar.zst", formats.zstd(tar_of((name, octets)))
    yield "tar.lz4", formats.lz4(tar_of((name, octets)))
    for made in ("rar4", "rar5", "cab", "lha", "cpio", "ar", "xar", "iso"):
        yield made, getattr(formats, made)([(raw, octets)])
    yield "rpm", formats.rpm(gz(formats.cpio([(raw, octets)])))
    if packed := seven_zip((name, octets)):
        yield "7z", packed


def format_cases():
    for kind, octets in every_format("run.exe", MZ):
        shown = "RUN.EXE" if kind == "iso" else "run.exe"
        yield Case("AR-10", f"name-in-{kind}", sent(f"a.{kind}", octets), REFUSE, f"a.{kind}", ATTACHMENTS, reason=shown)
        yield Case("AR-10", f"name-in-disguised-{kind}", sent("photo.jpg", octets), REFUSE, "photo.jpg", ATTACHMENTS, reason="known by its octets")
    for kind, octets in every_format("a.bin", MARKER):
        yield Case("AR-10", f"marker-in-{kind}", sent(f"a.{kind}", octets), REFUSE, f"a.{kind}", ANTIVIRUS)
    for kind, octets in (("gz", gz(MARKER)), ("bz2", bz2.compress(MARKER)), ("xz", lzma.compress(MARKER))):
        yield Case("AR-10", f"marker-in-bare-{kind}", sent(f"a.txt.{kind}", octets), REFUSE, "", ANTIVIRUS)
        yield Case("AR-10", f"name-of-bare-{kind}", sent(f"run.exe.{kind}", octets[:0] + {"gz": gz, "bz2": bz2.compress, "xz": lzma.compress}[kind](MZ)),
                   REFUSE, "", ATTACHMENTS, reason="it unpacks to run.exe")
    short = formats.iso([(b"run.exe", MZ)])[:-8 * 2048]
    yield Case("AR-10", "short-iso", sent("a.iso", short), REFUSE, "a.iso", ATTACHMENTS, reason="too short for libarchive, not for others")
    for kind, octets in (("ace", b"\x31\x31\x31\x00\x00\x90\x00**ACE**" + bytes(60)), ("arj", b"\x60\xea\x22\x00\x1e\x0b\x01\x00\x10\x00\x02" + bytes(60))):
        yield Case("AR-10", f"no-reader-{kind}", sent(f"a.{kind}", octets), ACCEPT, finding="unreadable", reason="counts as configured")


def bomb_cases():
    zeros = bytes(300 * 1024 * 1024)
    yield Case("AR-01", "gzip-300-MiB", sent("a.gz", gz(zeros)), REFUSE, "", ATTACHMENTS, "limit")
    yield Case("AR-01", "zip-300-MiB", sent("a.zip", zip_of(Entry(b"a.txt", zeros, method=8))), REFUSE, "", ATTACHMENTS, "limit")
    yield Case("AR-01", "overlapping-entries", sent("a.zip", bomb_of_overlaps(500, bytes(10 * 1024 * 1024))), REFUSE, "", ATTACHMENTS)
    layer = zip_of(*(Entry(b"%d.txt" % n, bytes(20 * 1024 * 1024), method=8) for n in range(16)))
    for level in range(4):
        layer = zip_of(*(Entry(b"%d-%d.zip" % (level, n), layer, method=8) for n in range(16)))
    yield Case("AR-01", "zips-of-zips", sent("42.zip", layer), REFUSE, "", ATTACHMENTS, "limit")
    yield Case("AR-02", "zip-100-deep", sent("a.zip", nested(100, MZ)), REFUSE, "", ATTACHMENTS, "limit")
    yield Case("AR-02", "zip-3-deep", sent("invoice.zip", nested(2, zip_of(Entry(b"run.exe", MZ)))), REFUSE, "invoice.zip/a.zip/a.zip/run.exe", ATTACHMENTS)
    deep = tar_of(("a", b"x"))
    for _ in range(30):
        deep = gz(deep)
    yield Case("AR-02", "gzip-30-deep", sent("a.tar.gz", deep), REFUSE, "", ATTACHMENTS, "limit")
    if inner := seven_zip(("run.exe", MZ)):
        yield Case("AR-02", "7z-in-zip", sent("invoice.zip", zip_of(Entry(b"inner.7z", inner, method=8))), REFUSE, "invoice.zip/inner.7z/run.exe", ATTACHMENTS)
    yield Case("AR-02", "zip-in-eml-in-zip", sent("a.zip", zip_of(Entry(b"m.eml", sent("b.zip", zip_of(Entry(b"run.exe", MZ)))))), REFUSE,
               "a.zip/m.eml/b.zip/run.exe", ATTACHMENTS)
    yield Case("AR-03", "entries-100000", sent("a.zip", zip_of(*(Entry(b"%d" % n, b"") for n in range(100_000)))), REFUSE, "", ATTACHMENTS, "limit")
    yield Case("AR-03", "long-name", sent("a.zip", zip_of(Entry(b"x" * 60_000 + b"/run.exe", MZ))), REFUSE, "", ATTACHMENTS)
    yield Case("AR-03", "folders-50000", sent("a.tar", tar_of(*((f"{n}/", b"") for n in range(50_000)))), REFUSE, "", ATTACHMENTS, "limit")


def encrypted_cases():
    sealed = bytes(range(12)) + b"not to be read"
    plain = zip_of(Entry(b"secret.txt", sealed, flags=1))
    yield Case("AR-04", "zip", sent("a.zip", plain), ACCEPT, finding="encrypted", reason="accepted by default")
    yield Case("AR-04", "zip-aes", sent("a.zip", zip_of(Entry(b"secret.txt", sealed, flags=1, method=99, extra=aes_extra()))), ACCEPT, finding="encrypted")
    yield Case("AR-04", "zip-some-entries", sent("a.zip", zip_of(Entry(b"secret.txt", sealed, flags=1), Entry(b"run.exe", MZ))), REFUSE,
               "a.zip/run.exe", ATTACHMENTS)
    yield Case("AR-04", "zip-name", sent("a.zip", zip_of(Entry(b"run.exe", sealed, flags=1))), ACCEPT, finding="encrypted_name")
    yield Case("AR-04", "zip-local-flag", sent("a.zip", zip_of(Entry(b"run.txt", MZ, local_flags=1))), MALFORMED, reason="one header says it is encrypted")
    yield Case("AR-04", "rar4", sent("a.rar", formats.rar4([(b"secret.txt", sealed + bytes(6))], encrypted=True)), ACCEPT, finding="encrypted")
    yield Case("AR-04", "rar5", sent("a.rar", formats.rar5([(b"secret.txt", sealed + bytes(6))], encrypted=True)), ACCEPT, finding="encrypted")
    yield Case("AR-04", "rar4-header", sent("a.rar", formats.rar4([], sealed=True) + bytes(64)), ACCEPT, finding="encrypted")
    if octets := seven_zip(("secret.txt", b"text"), options=("-pX",)):
        yield Case("AR-04", "7z", sent("a.7z", octets), ACCEPT, finding="encrypted")
    if octets := seven_zip(("secret.txt", b"text"), options=("-pX", "-mhe=on")):
        yield Case("AR-04", "7z-header", sent("a.7z", octets), ACCEPT, finding="encrypted")


def contradiction_cases():
    evil = Entry(b"run.exe", MZ)
    note = Entry(b"note.txt", b"text")
    rows = [
        ("AR-05", "name-in-directory", zip_of(Entry(b"run.exe", MZ, local_name=b"note.txt")), "a.zip/run.exe"),
        ("AR-05", "name-in-local-header", zip_of(Entry(b"note.txt", MZ, local_name=b"run.exe")), "a.zip/run.exe"),
        ("AR-05", "unicode-path", zip_of(Entry(b"note.txt", MZ, extra=unicode_path(b"note.txt", b"run.exe"))), "a.zip/run.exe"),
        ("AR-05", "not-listed", zip_of(Entry(b"run.exe", MZ, listed=False), note), "a.zip/run.exe"),
        ("AR-07", "pdf-before", zip_of(evil, prefix=b"%PDF-1.4\n%%EOF\n"), "a.zip/run.exe"),
        ("AR-07", "program-before", zip_of(evil, prefix=b"MZ" + bytes(500)), "a.zip/run.exe"),
        ("AR-07", "junk-behind", zip_of(evil) + b"junk" * 20, "a.zip/run.exe"),
        ("AR-07", "no-directory", zip_of(evil, directory=False, end=False), "a.zip/run.exe"),
        ("AR-07", "cut", zip_of(evil)[:-10], "a.zip/run.exe"),
        ("AR-07", "end-in-comment", zip_of(evil, comment=zip_of(note)), "a.zip/run.exe"),
        ("AR-07", "end-in-comment-reversed", zip_of(note, comment=zip_of(evil)), "a.zip/run.exe"),
        ("AR-07", "two-zips", zip_of(evil) + zip_of(note), "a.zip/run.exe"),
        ("AR-07", "two-zips-reversed", zip_of(note) + zip_of(evil), "a.zip/run.exe"),
        ("AR-07", "zip64-count", zip_of(evil, zip64=7), "a.zip/run.exe"),
        ("AR-07", "count-0", zip_of(evil, count=0), "a.zip/run.exe"),
        ("AR-07", "count-too-high", zip_of(evil, count=9), "a.zip/run.exe"),
        ("AR-07", "offset-wrong", zip_of(evil, shift=13), "a.zip/run.exe"),
        ("AR-07", "gap", zip_of(evil, note, between=b"gap!" * 9), "a.zip/run.exe"),
        *(("AR-07", f"{kind}-behind-{name}", before + one([(b"run.exe", MZ)]), "a.zip/run.exe")
          for kind, one in (("rar5", formats.rar5), ("rar4", formats.rar4), ("cab", formats.cab))
          for name, before in (("zip", zip_of(note)), ("empty-zip", zip_of()), ("gzip", gz(b"text")), ("tar", tar_of(("a.txt", b"text"))))),
        ("AR-07", "rar5-between", zip_of(note, note, between=formats.rar5([(b"run.exe", MZ)])), "a.zip/run.exe"),
        ("AR-07", "methods-differ", zip_of(Entry(b"run.exe", MZ, local_method=8)), "a.zip/run.exe"),
        ("AR-08", "parents", zip_of(Entry(b"../../run.exe", MZ)), "a.zip/run.exe"),
        ("AR-08", "absolute", zip_of(Entry(b"/etc/run.exe", MZ)), "a.zip/run.exe"),
        ("AR-08", "drive", zip_of(Entry(b"C:\\run.exe", MZ)), "a.zip/run.exe"),
        ("AR-08", "backslash", zip_of(Entry(b"a\\run.exe", MZ)), "a.zip/run.exe"),
        ("AR-08", "dot-behind", zip_of(Entry(b"run.exe.", MZ)), "a.zip/run.exe"),
        ("AR-08", "blank-behind", zip_of(Entry(b"run.exe ", MZ)), "a.zip/run.exe"),
        ("AR-08", "nul", zip_of(Entry(b"run.exe\0.txt", MZ)), "a.zip/run.exe"),
        ("AR-08", "right-to-left", zip_of(Entry("run\u202etxt.exe".encode(), MZ, flags=0x800)), "a.zip/runtxt.exe"),
        ("AR-08", "no-utf-8", zip_of(Entry(b"\xff\xfe.exe", MZ)), "a.zip/"),
        ("AR-08", "upper-case", zip_of(Entry(b"RUN.EXE", MZ)), "a.zip/RUN.EXE"),
    ]
    for group, name, octets, named in rows:
        yield Case(group, name, sent("a.zip", octets), REFUSE, named, ATTACHMENTS)
    yield Case("AR-08", "tar-links", sent("a.tar", tar_links()), REFUSE, "a.tar/evil.exe", ATTACHMENTS)
    hidden = Entry(b"a.txt", MARKER)
    for name, octets in (("no-directory", zip_of(hidden, directory=False, end=False)), ("not-listed", zip_of(Entry(b"a.txt", MARKER, listed=False), note)),
                         ("prefix", zip_of(hidden, prefix=b"%PDF-1.4\n")), ("two-zips", zip_of(hidden) + zip_of(note))):
        yield Case("AR-07", f"marker-{name}", sent("a.zip", octets), REFUSE, "", ANTIVIRUS)


def volume_cases():
    for name, octets in (("a.part1.rar", formats.rar4([(b"a.txt", b"text")], volume=True)), ("a.7z.001", b"7z\xbc\xaf\x27\x1c" + bytes(40))):
        yield Case("AR-09", name, sent(name, octets), ACCEPT, finding="unreadable", reason="a piece of an archive: counts as configured")
    yield Case("AR-09", "f.zip.001", sent("f.zip.001", zip_of(Entry(b"a.txt"))[:40]), MALFORMED, finding="unreadable", reason="a ZIP without a directory")
    macro = zip_of(Entry(b"[Content_Types].xml", b"<Types/>"), Entry(b"word/vbaProject.bin", MARKER, method=8))
    yield Case("AR-12", "macro", sent("a.docm", macro), REFUSE, "a.docm/word/vbaProject.bin", ANTIVIRUS)
    strings = zip_of(Entry(b"[Content_Types].xml", b"<Types/>"), Entry(b"xl/sharedStrings.xml", b"<si>a</si>" * 30_000_000, method=8))
    yield Case("AR-12", "shared-strings-300-MB", sent("a.xlsx", strings), REFUSE, "", ATTACHMENTS, "limit")
    jar = zip_of(Entry(b"META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\r\n"), Entry(b"lib/run.exe", MZ))
    yield Case("AR-12", "program-in-jar", sent("a.zip", jar), REFUSE, "a.zip/run.exe", ATTACHMENTS)


def cases():
    for make in (format_cases, bomb_cases, encrypted_cases, contradiction_cases, volume_cases):
        yield from make()
