"""MI-01 to MI-05: a forbidden name in every form of its header. Each must be refused by that name."""
from .mail import ATTACHMENTS, REFUSE, Case, attached, file_message

DISPOSITION = "Content-Disposition: attachment; "
TYPE = "Content-Type: application/x; "

# group, header lines, the name that must be told ("evil.exe" if none is given)
ROWS = [
    ("MI-01", DISPOSITION + 'filename*0="ev"; filename*1="il.exe"'),
    ("MI-01", DISPOSITION + 'filename*1="il.exe"; filename*0="ev"'),
    ("MI-01", DISPOSITION + 'filename*0="ev"; filename*2="il.exe"'),
    ("MI-01", DISPOSITION + "filename*0*=utf-8''ev%69; filename*1*=l.exe"),
    ("MI-01", DISPOSITION + "filename*0*=utf-8''ev%69; filename*1=l.exe"),
    ("MI-01", DISPOSITION + "filename*=utf-8''ev%69l%2eexe"),
    ("MI-01", DISPOSITION + "filename*=ev%69l.exe"),
    ("MI-01", DISPOSITION + "filename*=iso-8859-1'en'evil%2eexe"),
    ("MI-01", DISPOSITION + "filename*=utf-16le''e%00v%00i%00l%00.%00e%00x%00e%00"),
    ("MI-01", DISPOSITION + "filename*=utf-7''evil+AC4-exe"),
    ("MI-01", DISPOSITION + "filename*=x-unknown''evil.exe"),
    ("MI-01", DISPOSITION + "filename*0=good.txt; filename*0=evil.exe"),
    ("MI-01", DISPOSITION + "filename*0=a; filename*0=ev; filename*1=il.exe"),
    ("MI-01", DISPOSITION + "filename*0*=utf-8''ev;\n filename*1*=il;\n filename*2*=%2e;\n filename*3*=exe"),
    ("MI-01", DISPOSITION + "filename*00=ev; filename*01=il.exe"),
    ("MI-02", DISPOSITION + 'filename="=?utf-8?B?ZXZpbC5leGU=?="'),
    ("MI-02", DISPOSITION + "filename==?utf-8?B?ZXZpbC5leGU=?="),
    ("MI-02", DISPOSITION + 'filename="=?utf-8?Q?evil=2Eexe?="'),
    ("MI-02", DISPOSITION + 'filename="=?utf-8?Q?ev?= =?utf-8?Q?il.exe?="'),
    ("MI-02", DISPOSITION + 'filename="=?utf-8?Q?ev?=\n =?utf-8?B?aWwuZXhl?="'),
    ("MI-02", DISPOSITION + 'filename="=?x-odd?q?evil.exe?="'),
    ("MI-02", DISPOSITION + 'filename="=?utf-16be?B?AGUAdgBpAGwALgBlAHgAZQ==?="'),
    ("MI-02", DISPOSITION + 'filename="=?utf-7?Q?evil+AC4-exe?="'),
    ("MI-02", DISPOSITION + 'filename="=?iso-2022-jp?B?ZXZpbC4bKEJleGU=?="'),
    ("MI-02", "Content-Disposition: =?utf-8?Q?attachment;_filename=3D=22evil.exe=22?="),
    ("MI-02", DISPOSITION + 'filename="=?utf-8*en?Q?evil.exe?="'),
    ("MI-03", TYPE + 'name="evil.exe"\nContent-Disposition: attachment; filename="a.txt"'),
    ("MI-03", TYPE + 'name="a.txt"\nContent-Disposition: attachment; filename="evil.exe"'),
    ("MI-03", "Content-Description: evil.exe"),
    ("MI-03", "Content-Location: http://h.test/a/evil.exe"),
    ("MI-03", "Content-Name: evil.exe"),
    ("MI-03", "X-Sun-Data-Name: evil.exe"),
    ("MI-04", DISPOSITION + "filename=a.txt; filename=evil.exe"),
    ("MI-04", DISPOSITION + "filename=evil.exe; filename=a.txt"),
    ("MI-04", DISPOSITION + "filename=a.txt\n" + DISPOSITION + "filename=evil.exe"),
    ("MI-04", DISPOSITION + "filename=evil.exe\n" + DISPOSITION + "filename=a.txt"),
    ("MI-04", TYPE + "name=a.txt\n" + TYPE + "name=evil.exe"),
    ("MI-04", DISPOSITION + "filename=a.txt; filename*=utf-8''evil.exe"),
    ("MI-04", DISPOSITION + "filename*=utf-8''a.txt; filename=evil.exe"),
    ("MI-05", DISPOSITION + 'filename="evil.exe."'),
    ("MI-05", DISPOSITION + 'filename="evil.exe "'),
    ("MI-05", DISPOSITION + 'filename="evil.exe . ."'),
    ("MI-05", DISPOSITION + 'filename="evil.exe\x00.txt"'),
    ("MI-05", DISPOSITION + 'filename="evil.exe%00.txt"'),
    ("MI-05", DISPOSITION + 'filename="evil.e\u200bxe"'),
    ("MI-05", DISPOSITION + 'filename="evil\u202etxt.exe"', "eviltxt.exe"),
    ("MI-05", DISPOSITION + 'filename="evil\uff0eexe"'),
    ("MI-05", DISPOSITION + 'filename="evil.\uff45\uff58\uff45"'),
    ("MI-05", DISPOSITION + 'filename="evil\u3002exe"'),
    ("MI-05", DISPOSITION + 'filename="report.pdf.exe"', "report.pdf.exe"),
    ("MI-05", DISPOSITION + 'filename="EVIL.EXE"', "EVIL.EXE"),
    ("MI-05", DISPOSITION + 'filename="CON.exe"', "CON.exe"),
    ("MI-05", DISPOSITION + 'filename=".exe"', ".exe"),
    ("MI-05", DISPOSITION + 'filename="evil.exe:ads"'),
    ("MI-05", DISPOSITION + 'filename="a.txt:evil.exe"'),
    ("MI-05", DISPOSITION + 'filename="C:\\temp\\evil.exe"'),
    ("MI-05", DISPOSITION + 'filename="../../evil.exe"'),
    ("MI-05", TYPE + "name=bad boy.exe", "bad boy.exe"),
    ("MI-05", DISPOSITION + "filename='evil.exe'"),
    ("MI-05", DISPOSITION + 'filename= "evil.exe"'),
    ("MI-05", DISPOSITION + 'filename="evil.\n exe"'),
    ("MI-05", DISPOSITION + 'filename="evil.exe'),
    ("MI-05", DISPOSITION + 'filename="evil".exe'),
    ("MI-05", DISPOSITION + 'filename="evi\\l.exe"'),
    ("MI-05", DISPOSITION + "filename=(comment)evil.exe"),
    ("MI-05", DISPOSITION + "filename(comment)=evil.exe"),
    ("MI-05", DISPOSITION + "filename=evil.exe(comment)"),
    ("MI-05", DISPOSITION + 'filename="a.txt" filename="evil.exe"'),
    ("MI-05", DISPOSITION + 'foo="bar; filename=evil.exe'),
    ("MI-05", "Content-Disposition : attachment; filename=evil.exe"),
    ("MI-05", "Content-Disposition: attachment\n ; filename\n =evil.exe"),
    ("MI-05", "Content-Disposition: filename=evil.exe"),
    ("MI-05", "Content-Disposition: inline\rContent-Disposition: attachment; filename=evil.exe"),
    ("MI-05", "Content-Type: text/plain\x0bname; x=y\n" + DISPOSITION + "filename=evil.exe"),
]

EXTENSIONS = "bat chm cmd com cpl dll exe hlp hta jar js pif reg scr shs vbe vbs vxd wsf wsh".split()


def cases():
    for number, (group, header, *named) in enumerate(ROWS, 1):
        yield Case(group, f"{number:03}", attached(header + "\n"), REFUSE, (named or ["evil.exe"])[0], ATTACHMENTS,
                   reason=header)
    for extension in EXTENSIONS:
        yield Case("MI-13", f"extension-{extension}", file_message(f"a.{extension}", b"content"), REFUSE, f"a.{extension}",
                   ATTACHMENTS, reason="each of the default list")
