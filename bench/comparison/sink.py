"""Where relayed mail goes: a server that counts what it takes."""
import os
import re
import subprocess
import sys
import tempfile

from comparison.apart import BUILD, TOP
from comparison.servers import UNPACKED, free_port, make_certificate

sys.path.insert(0, os.path.join(TOP, 'tests/integration'))
# pylint: disable=wrong-import-position,wrong-import-order
from own_network import become_apart, lead_back
from signed_names import SignedNames, tlsa

MX_ADDRESS, RESOLVER_PORT, MX_PORT = '198.51.100.10', 53, 25


class Sink:
    """Postfix's smtp-sink, at a port of this machine."""

    is_proved = False

    def __init__(self):
        self.output = tempfile.TemporaryFile() # pylint: disable=consider-using-with
        self.process = None
        self.port = free_port()

    def __enter__(self):
        libraries = {'LD_LIBRARY_PATH': os.path.join(UNPACKED, 'usr/lib/postfix')}
        self.launch([os.path.join(UNPACKED, 'usr/sbin/smtp-sink'), '-c', '-u', 'nobody', f'127.0.0.1:{self.port}', '1000'], libraries)
        return self

    def launch(self, words, environment):
        self.process = subprocess.Popen(words, stdout=self.output, stderr=subprocess.DEVNULL, env={**os.environ, **environment})

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(60)

    def taken(self):
        """Messages so far."""
        size = os.fstat(self.output.fileno()).st_size
        tail = os.pread(self.output.fileno(), 400, max(0, size - 400)).decode(errors='replace')
        counts = re.findall(r'mesg=(\d+)', tail)
        return int(counts[-1]) if counts else 0


class ProvedSink(Sink):
    """The MX host of o.test: STARTTLS, a TLSA record, names that are signed, and a resolver that validates (127.0.0.1, port 53). Needs the
    network of enter_network()."""

    is_proved = True

    def __init__(self):
        super().__init__()
        self.port = MX_PORT
        self.folder = tempfile.TemporaryDirectory(prefix='postern-bench-sink-') # pylint: disable=consider-using-with
        make_certificate(self.folder.name)
        record = tlsa(os.path.join(self.folder.name, 'cert.pem'), 3, 1, 1)
        self.names = SignedNames(['o.test. 60 IN MX 10 mx.o.test.', f'mx.o.test. 60 IN A {MX_ADDRESS}',
                                  f'_25._tcp.mx.o.test. 60 IN TLSA {record}'], port=RESOLVER_PORT)

    def __enter__(self):
        self.names.__enter__()
        self.launch([os.path.join(BUILD, 'tls_sink'), MX_ADDRESS, str(self.port), *(os.path.join(self.folder.name, name) for name in
                                                                                    ('cert.pem', 'key.pem'))], {})
        return self

    def __exit__(self, *what):
        super().__exit__(*what)
        self.names.__exit__(*what)
        self.folder.cleanup()


def enter_network():
    """For this process and all that it starts: only loopback, and a public network that leads back here."""
    become_apart([])
    lead_back('198.51.100.0/24')
