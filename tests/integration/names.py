"""A real unbound with names of a test's own, which nobody else answers for."""
import os
import shutil
import socket
import subprocess
import tempfile

from deadline import PATIENCE, until
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
  do-ip6: no
  module-config: "iterator"
  local-zone: "." static
{lines}
remote-control:
  control-enable: no
'''


def reverse(client, zone):
    return '.'.join(reversed(client.split('.'))) + '.' + zone


class Names:
    """`records`: lines of a zone file ("s.test. 60 IN MX 10 mx.s.test."). All other names don't exist; those below `broken` get
    SERVFAIL."""

    def __init__(self, records, broken=()):
        self.folder = tempfile.mkdtemp(prefix='postern-names-')
        self.port = free_port()
        lines = ["  local-data: '" + record + "'" for record in records]
        for name in broken:  # to a server where nobody is
            lines.append(f'  local-zone: "{name}" transparent')
        forward = ''.join(f'forward-zone:\n  name: "{name}"\n  forward-addr: 127.0.0.1@9\n' for name in broken)
        with open(os.path.join(self.folder, 'unbound.conf'), 'w', encoding='utf-8') as file:
            file.write(SETTINGS.format(port=self.port, folder=self.folder, lines='\n'.join(lines)) + forward)
        self.process = None

    def address(self):
        return f'127.0.0.1:{self.port}'

    def __enter__(self):
        self.process = subprocess.Popen(['/usr/sbin/unbound', '-d', '-c', os.path.join(self.folder, 'unbound.conf')],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until('an answer of unbound', self.answers)
        return self

    def answers(self):
        assert self.process.poll() is None, open(os.path.join(self.folder, 'log'), encoding='utf-8').read()
        question = b'\x12\x34\x01\x00\x00\x01\0\0\0\0\0\0\x01a\x04test\0\0\x01\0\x01'
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(0.2)
            try:
                asking.sendto(question, ('127.0.0.1', self.port))
                return asking.recv(512)[:2] == b'\x12\x34'
            except OSError:
                return False

    def __exit__(self, *what):
        self.process.kill()
        self.process.wait(PATIENCE)
        shutil.rmtree(self.folder, ignore_errors=True)
