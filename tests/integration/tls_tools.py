"""Certificates made with the openssl command, and ClientHellos made by hand, for what Python's own client would never send."""
import os
import ssl
import struct
import subprocess

from deadline import PATIENCE

WEAK_CIPHERS = {
    'NULL': [0x0001, 0x0002, 0x003B, 0xC006, 0xC010],
    'anonymous': [0x0018, 0x001B, 0x0034, 0x003A, 0x006C, 0xC018, 0xC019],
    'RC4': [0x0004, 0x0005, 0xC007, 0xC011],
    '3DES': [0x000A, 0x0016, 0xC008, 0xC012],
    'export': [0x0003, 0x0006, 0x0008, 0x0014, 0x0062, 0x0064],
    'DES': [0x0009, 0x0015],
}
GOOD_CIPHERS = [0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9]
OLD_CIPHERS = [0xC009, 0xC00A, 0xC013, 0xC014, 0x002F, 0x0035]  # what TLS 1.0 and 1.1 have
ALERT, HANDSHAKE = 21, 22
PROTOCOL_VERSION, HANDSHAKE_FAILURE, NO_APPLICATION_PROTOCOL = 70, 40, 120


def openssl(*words, folder):
    done = subprocess.run(['openssl', *words], cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, f'openssl {" ".join(words)}: {done.stderr}'


def make_certificate(folder, stem, *names, key='ec', expired=False):
    """stem.crt and stem.key in the folder; returns their paths as [[tls.certificate]] has them."""
    pair = {'cert': os.path.join(folder, stem + '.crt'), 'key': os.path.join(folder, stem + '.key')}
    kind = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] if key == 'ec' else ['rsa:2048']
    words = ['req', '-newkey', *kind, '-nodes', '-keyout', pair['key'], '-subj', f'/CN={names[0]}', '-addext',
             'subjectAltName=' + ','.join('DNS:' + name for name in names)]
    if not expired:
        openssl(*words, '-x509', '-days', '30', '-out', pair['cert'], folder=folder)
        return pair
    openssl(*words, '-out', stem + '.csr', folder=folder)
    with open(os.path.join(folder, 'ca.conf'), 'w', encoding='ascii') as file:
        file.write('[ca]\ndefault_ca=c\n[c]\ndatabase=ca.index\nserial=ca.serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n'
                   'copy_extensions=copy\nrand_serial=yes\n[p]\ncommonName=supplied\n')
    open(os.path.join(folder, 'ca.index'), 'w', encoding='ascii').close()
    openssl('ca', '-batch', '-config', 'ca.conf', '-selfsign', '-keyfile', pair['key'], '-in', stem + '.csr', '-startdate',
            '20200101000000Z', '-enddate', '20200201000000Z', '-notext', '-out', pair['cert'], folder=folder)
    return pair


def der_of(path):
    with open(path, encoding='ascii') as file:
        text = file.read()
    return ssl.PEM_cert_to_DER_cert(text[:text.index('-----END CERTIFICATE-----')] + '-----END CERTIFICATE-----\n')


def extension(number, content):
    return struct.pack('>HH', number, len(content)) + content


def client_hello(ciphers, version=0x0303, name=None, protocols=None):
    """A ClientHello in its record. `name` and `protocols` are octets, right or wrong."""
    extensions = extension(10, b'\0\4\0\x1d\0\x17') + extension(11, b'\1\0')
    extensions += extension(13, b'\0\x0a\4\3\4\1\5\1\2\1\2\3')
    if name is not None:
        extensions += extension(0, struct.pack('>HBH', len(name) + 3, 0, len(name)) + name)
    if protocols is not None:
        listed = b''.join(bytes([len(one)]) + one for one in protocols)
        extensions += extension(16, struct.pack('>H', len(listed)) + listed)
    suites = b''.join(struct.pack('>H', one) for one in ciphers)
    body = struct.pack('>H', version) + os.urandom(32) + b'\0' + struct.pack('>H', len(suites)) + suites + b'\1\0'
    body += struct.pack('>H', len(extensions)) + extensions
    message = b'\1' + struct.pack('>I', len(body))[1:] + body
    return b'\x16\3\1' + struct.pack('>H', len(message)) + message


def answer_to(wire, hello):
    """('hello', version) or ('alert', its number) or ('end', None)."""
    wire.send(hello)
    while len(wire.buffer) < 11 and not (wire.buffer[:1] == bytes([ALERT]) and len(wire.buffer) >= 7):
        if not wire.receive(PATIENCE):
            break
    answer = wire.buffer
    if not answer:
        return 'end', None
    if answer[0] == ALERT:
        return 'alert', answer[6]
    assert answer[0] == HANDSHAKE and answer[5] == 2, f'neither alert nor ServerHello: {answer[:64]!r}'
    return 'hello', struct.unpack('>H', answer[9:11])[0]
