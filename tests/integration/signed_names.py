"""A real unbound that validates: names of a test's own below a signed root, and a zone below it that isn't signed."""
import base64
import glob
import hashlib
import os
import re
import socket
import subprocess
import tempfile

from deadline import PATIENCE, until
from names import Names
from ports import free_port

SETTINGS = '''server:
  interface: 127.0.0.1
  port: {port}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  logfile: "{folder}/log"
  verbosity: 1
  do-ip6: no
  module-config: "validator iterator"
  trust-anchor-file: "{folder}/anchor"
  local-zone: "test." nodefault
remote-control:
  control-enable: no
'''
ZONE = '''auth-zone:
  name: "{name}"
  zonefile: "{file}"
  for-upstream: yes
  for-downstream: no
  fallback-enabled: no
'''
HEAD = '$TTL 60\n{name} 60 IN SOA ns.test. nobody.test. 1 3600 600 86400 60\n{name} 60 IN NS ns.test.\n'


def checked(*words, folder):
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, f'{" ".join(words)}: {done.stdout}{done.stderr}'
    return done.stdout


def tlsa(cert, usage, selector, matching):
    """The data of a TLSA record for a certificate's file, made by openssl(1), as every guide to DANE has it."""
    der = subprocess.run(['openssl', 'x509', '-in', cert, '-outform', 'DER'], capture_output=True, check=True, timeout=PATIENCE).stdout
    if selector:
        key = subprocess.run(['openssl', 'x509', '-in', cert, '-noout', '-pubkey'], capture_output=True, check=True, timeout=PATIENCE).stdout
        der = base64.b64decode(b''.join(key.splitlines()[1:-1]))
    data = (der, hashlib.sha256(der).digest(), hashlib.sha512(der).digest())[matching]
    return f'{usage} {selector} {matching} {data.hex()}'


class SignedNames(Names):
    """`records`: lines of the signed zone; `unsigned`: {zone: its lines}. The signatures of (name, type) in `broken` are wrong: SERVFAIL
    is what comes of it."""

    def __init__(self, records, unsigned=None, broken=(), port=None):
        unsigned = unsigned or {}
        self.folder = tempfile.mkdtemp(prefix='postern-signed-')
        self.port, self.process = port or free_port(), None
        self.zones = {'.': os.path.join(self.folder, 'root.signed')}
        delegations = [f'{zone} 60 IN NS ns.test.' for zone in unsigned]
        self.write('root', HEAD.format(name='.') + '\n'.join(['ns.test. 60 IN A 127.0.0.1', *delegations, *records]) + '\n')
        for zone, lines in unsigned.items():
            self.zones[zone] = self.write(zone + 'zone', HEAD.format(name=zone) + '\n'.join(lines) + '\n')
        self.sign()
        for name, kind in broken:
            self.spoil(name, kind)
        self.write('unbound.conf', SETTINGS.format(port=self.port, folder=self.folder)
                   + ''.join(ZONE.format(name=name, file=file) for name, file in self.zones.items()))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='ascii') as file:
            file.write(text)
        return path

    def sign(self):
        for kind in (['-f', 'KSK'], []):
            checked('dnssec-keygen', '-q', '-a', 'ECDSAP256SHA256', *kind, '.', folder=self.folder)
        checked('dnssec-signzone', '-q', '-S', '-P', '-O', 'full', '-o', '.', '-f', 'root.signed', 'root', folder=self.folder)
        for path in glob.glob(os.path.join(self.folder, 'K*.key')):
            with open(path, encoding='ascii') as file:
                key = file.read()
            if re.search(r'DNSKEY 257 ', key):
                self.write('anchor', key)

    def spoil(self, name, kind):
        """Another signature of the right length."""
        path = self.zones['.']
        with open(path, encoding='ascii') as file:
            lines = file.read().splitlines()
        for at, line in enumerate(lines):
            words = line.split()
            if words[:1] == [name] and words[3:5] == ['RRSIG', kind]:
                whole = base64.b64encode(b'\7' * 64).decode()
                lines[at] = ' '.join(words[:12] + [whole])
                break
        else:
            raise AssertionError(f'no signature of {name} {kind} in {path}')
        with open(path, 'w', encoding='ascii') as file:
            file.write('\n'.join(lines) + '\n')

    def __enter__(self):
        super().__enter__()
        until('a validated root', lambda: 'ad' in self.flags('ns.test'))
        return self

    def flags(self, name):
        """Flags of the answer for its address, as words."""
        wire = b''.join(bytes([len(label)]) + label.encode() for label in name.split('.')) + b'\0'
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(PATIENCE)
            asking.sendto(b'\x12\x35\x01\x20\x00\x01\0\0\0\0\0\0' + wire + b'\0\1\0\1', ('127.0.0.1', self.port))
            answer = asking.recv(512)
        return ['ad'] if answer[3] & 0x20 else []
