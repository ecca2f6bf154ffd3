"""What people and honest programs send: none of it may be refused."""
import base64
import struct
import zlib

from . import formats
from .archives import tar_of, gz
from .mail import ACCEPT, Case, b64, crlf, file_message, message, mixed, part, TEXT
from .zips import Entry, zip_of

PLAIN = "Content-Type: text/plain; charset=utf-8\n"


def png():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)) + \
        chunk(b"IDAT", zlib.compress(b"".join(b"\0" + bytes(range(24)) for _ in range(8)))) + chunk(b"IEND", b"")


def noise(size):
    """The same octets at each run, of no pattern."""
    out, state = bytearray(), 12345
    while len(out) < size:
        state = (state * 1103515245 + 12345) & 0x7fffffff
        out.append(state >> 16 & 0xff)
    return bytes(out)


JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + noise(20000) + b"\xff\xd9"
PDF = (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
       b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]>>endobj\nxref\n0 4\n0000000000 65535 f \ntrailer<</Size 4/Root 1 0 R>>\nstartxref\n9\n%%EOF\n")
ICS = crlf("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//y\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:1@s.test\nDTSTART:20250203T100000Z\n"
           "SUMMARY:Meeting\nEND:VEVENT\nEND:VCALENDAR\n")


def docx():
    return zip_of(Entry(b"[Content_Types].xml", b'<?xml version="1.0"?><Types/>', method=8), Entry(b"_rels/.rels", b"<Relationships/>", method=8),
                  Entry(b"word/document.xml", b"<w:document>" + b"<w:p>text</w:p>" * 2000 + b"</w:document>", method=8), Entry(b"word/media/image1.png", png()))


def xlsx():
    return zip_of(Entry(b"[Content_Types].xml", b"<Types/>", method=8), Entry(b"xl/workbook.xml", b"<workbook/>", method=8),
                  Entry(b"xl/worksheets/sheet1.xml", b"<row>1</row>" * 50_000, method=8))


def odt():
    return zip_of(Entry(b"mimetype", b"application/vnd.oasis.opendocument.text"), Entry(b"content.xml", b"<office:text>x</office:text>", method=8))


def programs():
    outlook = message('Content-Type: multipart/related;\n\tboundary="----=_NextPart_000_0001_01DB7600.12345678";\n\ttype="multipart/alternative"\n'
                      "X-Mailer: Microsoft Outlook 16.0\nThread-Index: AQHbdgAAAA==\nContent-Language: cs\n", crlf(
        "This is a multipart message in MIME format.\n\n------=_NextPart_000_0001_01DB7600.12345678\nContent-Type: multipart/alternative;\n"
        '\tboundary="----=_NextPart_001_0002_01DB7600.12345678"\n\n\n------=_NextPart_001_0002_01DB7600.12345678\nContent-Type: text/plain;\n'
        '\tcharset="utf-8"\nContent-Transfer-Encoding: quoted-printable\n\nDobr=C3=BD den,=20\n\n------=_NextPart_001_0002_01DB7600.12345678\n'
        'Content-Type: text/html;\n\tcharset="utf-8"\nContent-Transfer-Encoding: quoted-printable\n\n<html><body lang=3D"CS"><img src=3D"cid:image001.png@=\n'
        '01DB7600.0"></body></html>\n------=_NextPart_001_0002_01DB7600.12345678--\n\n------=_NextPart_000_0001_01DB7600.12345678\nContent-Type: image/png;\n'
        '\tname="image001.png"\nContent-Transfer-Encoding: base64\nContent-ID: <image001.png@01DB7600.0>\n\n').replace(b"\r\n\r\n\r\n------", b"\r\n\r\n------") +
        b64(png()) + b"\r\n------=_NextPart_000_0001_01DB7600.12345678--\r\n\r\n")
    apple = message('Content-Type: multipart/alternative;\n\tboundary="Apple-Mail=_0F1E2D3C-0000-4000-8000-000000000001"\n'
                    "Mime-Version: 1.0 (Mac OS X Mail 16.0 \\(3774.600.62\\))\nX-Mailer: Apple Mail (2.3774.600.62)\n", crlf(
        "\n--Apple-Mail=_0F1E2D3C-0000-4000-8000-000000000001\nContent-Transfer-Encoding: 7bit\nContent-Type: text/plain;\n\tcharset=us-ascii\n\nHi\n"
        "--Apple-Mail=_0F1E2D3C-0000-4000-8000-000000000001\nContent-Type: multipart/mixed;\n\tboundary=\"Apple-Mail=_0F1E2D3C-0000-4000-8000-000000000002\"\n\n\n"
        "--Apple-Mail=_0F1E2D3C-0000-4000-8000-000000000002\nContent-Disposition: inline;\n\tfilename*=utf-8''P%C5%99%C3%ADloha%20c.%201.pdf\n"
        'Content-Type: application/pdf;\n\tx-unix-mode=0644;\n\tname="=?utf-8?Q?P=C5=99=C3=ADloha_c=2E_1=2Epdf?="\nContent-Transfer-Encoding: base64\n\n') +
        b64(PDF) + crlf("\n--Apple-Mail=_0F1E2D3C-0000-4000-8000-000000000002--\n\n--Apple-Mail=_0F1E2D3C-0000-4000-8000-000000000001--\n"))
    gmail = message('Content-Type: multipart/mixed; boundary="000000000000aabbcc0612345678"\n', crlf(
        '--000000000000aabbcc0612345678\nContent-Type: multipart/alternative; boundary="000000000000aabbca0612345676"\n\n--000000000000aabbca0612345676\n'
        'Content-Type: text/plain; charset="UTF-8"\n\nHi\n\n--000000000000aabbca0612345676\nContent-Type: text/html; charset="UTF-8"\n\n<div dir="ltr">Hi</div>\n\n'
        '--000000000000aabbca0612345676--\n--000000000000aabbcc0612345678\nContent-Type: application/pdf; name="Report (final), v.2.pdf"\nContent-Disposition: '
        'attachment; filename="Report (final), v.2.pdf"\nContent-Transfer-Encoding: base64\nX-Attachment-Id: f_m6o1\n\n') + b64(PDF) +
        b"--000000000000aabbcc0612345678--\r\n")
    thunderbird = message('Content-Type: multipart/mixed; boundary="------------0Abc1Def2Ghi3Jkl4Mno5Pqr"\nUser-Agent: Mozilla Thunderbird\n', crlf(
        'This is a multi-part message in MIME format.\n--------------0Abc1Def2Ghi3Jkl4Mno5Pqr\nContent-Type: text/plain; charset=UTF-8; format=flowed\n'
        'Content-Transfer-Encoding: 7bit\n\nHi\n\n-- \nJan\n--------------0Abc1Def2Ghi3Jkl4Mno5Pqr\nContent-Type: image/jpeg; name="IMG_2025.JPG"\n'
        'Content-Disposition: attachment; filename="IMG_2025.JPG"\nContent-Transfer-Encoding: base64\n\n') + b64(JPEG, 72) +
        b"\r\n--------------0Abc1Def2Ghi3Jkl4Mno5Pqr--\r\n")
    return {"outlook": outlook, "apple-mail": apple, "gmail": gmail, "thunderbird": thunderbird}


def reports():
    inner = message(PLAIN, b"original\r\n")
    dsn = message('Content-Type: multipart/report; report-type=delivery-status;\n boundary="R.1/mx.s.test"\nAuto-Submitted: auto-replied\n', crlf(
        "This is a MIME-encapsulated message.\n\n--R.1/mx.s.test\nContent-Description: Notification\nContent-Type: text/plain; charset=us-ascii\n\nSorry.\n\n"
        "--R.1/mx.s.test\nContent-Description: Delivery report\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.s.test\n\nFinal-Recipient: rfc822; x@example.com\n"
        "Action: failed\nStatus: 5.1.1\n\n--R.1/mx.s.test\nContent-Description: Undelivered Message\nContent-Type: message/rfc822\n\n") + inner + b"\r\n--R.1/mx.s.test--\r\n")
    headers = dsn.replace(b"message/rfc822", b"text/rfc822-headers")
    cut = message('Content-Type: multipart/report; report-type=delivery-status; boundary="r"\n', crlf(
        '--r\nContent-Type: text/plain\n\nSorry.\n\n--r\nContent-Type: message/rfc822\n\n') + message('Content-Type: multipart/mixed; boundary="q"\n', crlf(
            '--q\nContent-Type: text/plain\n\nThe rest of the message was cut off\n')) + b"\r\n--r--\r\n")
    digest = message('Content-Type: multipart/mixed; boundary="===============1=="\n', crlf(
        "--===============1==\nContent-Type: text/plain; charset=us-ascii\nContent-Description: list Digest, Vol 1, Issue 2\n\nSend list submissions to\n\tlist@s.test\n\n"
        '--===============1==\nContent-Type: multipart/digest; boundary="===============2=="\n\n--===============2==\nContent-Type: message/rfc822\n\n') + inner +
        b"\r\n--===============2==\r\n\r\n" + inner + crlf("\n--===============2==--\n--===============1==\nContent-Type: text/plain\nContent-Description: Digest Footer\n\n"
                                                        "_____________\nlist mailing list\n--===============1==--\n"))
    forward = inner
    for level in range(5):
        forward = mixed(TEXT, part("Content-Type: message/rfc822\nContent-Disposition: attachment\n", forward), boundary=f"fwd{level}")
    described = mixed(TEXT, part("Content-Type: message/rfc822\nContent-Description: Welcome to example.com\n", inner))
    return {"described-message": described, "dsn": dsn, "dsn-headers": headers, "dsn-cut-original": cut, "list-digest": digest, "forwards": forward,
            "forwarded-eml": mixed(TEXT, part('Content-Type: message/rfc822; name="Re- question.eml"\nContent-Disposition: attachment; '
                                           'filename="Re- question.eml"\nContent-Transfer-Encoding: 7bit\n', inner)),
            "multipart-said-quoted": message('Content-Type: multipart/mixed; boundary="q"\nContent-Transfer-Encoding: quoted-printable\n', crlf(
                '--q\nContent-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\nOne=3D1\n--q\nContent-Type: text/html\n\n<p>1</p>\n--q--\n')),
            "forwarded-eml-base64": mixed(TEXT, part('Content-Type: message/rfc822; name="question.eml"\nContent-Disposition: attachment\n'
                                                  'Content-Transfer-Encoding: base64\n', b64(inner)))}


def signed():
    pgp = mixed(part("Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n", b"Signed=20\r\n"),
                part('Content-Type: application/pgp-signature; name="signature.asc"\nContent-Description: OpenPGP digital signature\n',
                     crlf("-----BEGIN PGP SIGNATURE-----\n\n") + b64(noise(90), 64) + b"=abcd\r\n-----END PGP SIGNATURE-----\r\n"),
                boundary="--b", subtype='signed; micalg="pgp-sha512"; protocol="application/pgp-signature"')
    pgp_sealed = mixed(part("Content-Type: application/pgp-encrypted\nContent-Description: PGP/MIME version identification\n", b"Version: 1\r\n"),
                       part('Content-Type: application/octet-stream; name="encrypted.asc"\n', crlf("-----BEGIN PGP MESSAGE-----\n\n") + b64(noise(900), 64) +
                            b"-----END PGP MESSAGE-----\r\n"), subtype='encrypted; protocol="application/pgp-encrypted"')
    smime = mixed(part("Content-Type: text/plain\n", b"Signed\r\n"),
                  part("Content-Type: application/pkcs7-signature; name=smime.p7s\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=smime.p7s\n"
                       "Content-Description: S/MIME Cryptographic Signature\n", b64(b"\x30\x82\x05\x00" + noise(1280))),
                  subtype='signed; protocol="application/pkcs7-signature"; micalg=sha-256')
    opaque = message("Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\nContent-Transfer-Encoding: base64\n"
                     "Content-Disposition: attachment; filename=smime.p7m\n", b64(b"\x30\x82\x05\x00" + noise(1280)))
    return {"pgp-signed": pgp, "pgp-encrypted": pgp_sealed, "smime-signed": smime, "smime-encrypted": opaque}


def texts():
    patch = crlf("diff --git a/x.c b/x.c\n--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-begin 644 x\n+begin 755 y\n")
    code = crlf("/* How it is written:\n * begin 644 name.exe\n */\nbegin\n  644\nend\nbegin the beginning\n\nbegin-base64 is a word\nend\n")
    return {
        "plain": message("", b"Hello.\r\n"), "no-mime": b"From: a@s.test\r\nSubject: x\r\n\r\nHello\r\n", "empty-body": message(PLAIN, b""),
        "patch": message(PLAIN, patch), "source-code": message(PLAIN, code), "dashes": message(PLAIN, b"--\r\n-- \r\n--b\r\n----------\r\nText\r\n"),
        "eight-bit": message("Content-Type: text/plain; charset=iso-8859-2\nContent-Transfer-Encoding: 8bit\n", "Příliš žluťoučký kůň\r\n".encode("iso-8859-2")),
        "utf-8-header": message("Content-Type: text/plain\n", b"x\r\n", subject="Žluťoučký kůň"),
        "long-line": message(PLAIN, b"x" * 20_000 + b"\r\n"), "domain-in-text": message(PLAIN, b"Visit example.com and www.test.com\r\n", subject="About example.com"),
        "big-html": message("Content-Type: text/html; charset=utf-8\n", b"<p>" + b"text " * 20_000 + b"</p>\r\n"),
        "text-about-yenc": message(PLAIN, b"A line that begins with ybegin, or =ybegin, starts a file.\r\n"),
        "blanks-line-end": message(PLAIN, b"flowed \r\ntext \r\n \r\n.\r\n"), "blank-folded-subject": message(PLAIN, b"x\r\n", subject="one\r\n two\r\n\tthree"),
        "lf-only": (message(PLAIN, b"x\r\ny\r\n")).replace(b"\r\n", b"\n"),
        "unquoted-name": file_message("a.pdf", PDF).replace(b'"a.pdf"', b"my report.pdf"),
        "no-last-boundary": mixed(TEXT, part("Content-Type: image/png; name=a.png\nContent-Transfer-Encoding: base64\n", b64(png())), end=False),
    }


def files():
    archive = zip_of(Entry(b"docs/", b""), Entry(b"docs/readme.txt", b"text" * 100, method=8), Entry("docs/přílohy.pdf".encode(), PDF, flags=0x800),
                     Entry(b"v1.2.exe.txt", b"text"), Entry(b"exe", b"text"), Entry(b"com.example.app/Main.java", b"class Main {}"))
    files_of = {"a.docx": docx(), "a.xlsx": xlsx(), "a.odt": odt(), "a.pdf": PDF, "a.jpg": JPEG, "a.png": png(), "invite.ics": ICS, "a.zip": archive,
                "v1.2.exe.txt": b"text", "example.com.pdf": PDF, "exe": b"text", "a.exe_": b"text", "setup-exe.txt": b"text",
                "a.tar.gz": gz(tar_of(("a/b.txt", b"text" * 999), ("a/c.html", b"<p>"))), "log.txt.gz": gz(b"line\n" * 5000), "data.csv": b"a;b\r\n1;2\r\n" * 1000,
                "a.xml": b"<a/>", "a.mp3": b"ID3\x03\0\0\0\0\0\0" + noise(30000), "a.mp4": b"\0\0\0\x18ftypmp42" + noise(30000), "a.rar": formats.rar5([(b"a.txt", b"text")]),
                "contact.vcf": crlf("BEGIN:VCARD\nVERSION:3.0\nFN:Jan\nEND:VCARD\n"), "random.bin": noise(200_000), "empty.txt": b"", "a.iso": formats.iso([(b"readme.txt", b"x")])}
    yield from ((slugged(name), file_message(name, octets)) for name, octets in files_of.items())
    yield "invitation", mixed(part("Content-Type: text/calendar; charset=utf-8; method=REQUEST\nContent-Transfer-Encoding: 8bit\n", ICS), subtype="alternative")
    yield "long-base64-line", mixed(TEXT, part("Content-Type: image/jpeg; name=a.jpg\nContent-Transfer-Encoding: base64\n", b64(JPEG, 1 << 20)))
    yield "two-names", mixed(TEXT, part("Content-Type: application/pdf; name=\"Prilohy.pdf\"\nContent-Disposition: attachment; filename=\"Prilohy.pdf\";\n"
                                        " filename*=UTF-8''P%C5%99%C3%ADlohy.pdf\nContent-Transfer-Encoding: base64\n", b64(PDF)))
    yield "name-in-name", mixed(TEXT, part('Content-Type: application/pdf; name="get?id=1&name=a.pdf"\nContent-Transfer-Encoding: base64\n', b64(PDF)))
    long = "".join(f"%{c:02X}" for c in ("\u0416" * 180 + ".pdf").encode())
    yield "long-name", mixed(TEXT, part(f"Content-Type: application/pdf\nContent-Disposition: attachment; filename*=UTF-8''{long}\nContent-Transfer-Encoding: base64\n", b64(PDF)))
    words = "\n ".join(f"=?utf-8?B?{base64.b64encode(('漢' * 15).encode()).decode()}?=" for _ in range(16))
    yield "long-words", mixed(TEXT, part(f'Content-Type: application/pdf; name="{words}.pdf"\nContent-Transfer-Encoding: base64\n', b64(PDF)))
    yield "page-by-host", mixed(part("Content-Type: text/html\nContent-Location: http://www.example.com\n", b"<p>x</p>\r\n"), subtype="related")
    yield "rar-stored-in-zip", file_message("a.zip", zip_of(Entry(b"b.rar", formats.rar5([(b"a.txt", b"text")])), Entry(b"c.cab", formats.cab([(b"a.txt", b"text")]))))
    yield "winmail", winmail()


def winmail():
    from .tnef import ATTACHMENT, BEGINS, BODY, FILE, TITLE, attribute, container, properties, variable
    octets = container(attribute(1, BODY, b"text\0"), attribute(2, BEGINS, bytes(14)), attribute(2, TITLE, b"REPORT~1.PDF\0"), attribute(2, FILE, PDF),
                       attribute(2, ATTACHMENT, properties(variable(0x1f, 0x3707, "Report.pdf\0".encode("utf-16le")))))
    return file_message("winmail.dat", octets, "application/ms-tnef")


def slugged(name):
    return "file-" + name.replace(".", "-").lower()


def cases():
    for made in (programs(), reports(), signed(), texts()):
        for name, octets in made.items():
            yield Case("benign", name, octets, ACCEPT)
    for name, octets in files():
        yield Case("benign", name, octets, ACCEPT)
