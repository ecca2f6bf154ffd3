"""Where relayed mail goes: Postfix's smtp-sink, which counts what it takes."""
import os
import re
import subprocess
import tempfile

from comparison.apart import TOP
from comparison.servers import free_port

UNPACKED = os.path.join(TOP, 'build/unpacked')


class Sink:
    def __init__(self):
        self.port = free_port()
        self.output = tempfile.TemporaryFile() # pylint: disable=consider-using-with
        self.process = None

    def __enter__(self):
        program = os.path.join(UNPACKED, 'usr/sbin/smtp-sink')
        libraries = {'LD_LIBRARY_PATH': os.path.join(UNPACKED, 'usr/lib/postfix')}
        self.process = subprocess.Popen([program, '-c', '-u', 'nobody', f'127.0.0.1:{self.port}', '1000'], stdout=self.output,
                                        stderr=subprocess.DEVNULL, env={**os.environ, **libraries})
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(60)

    def taken(self):
        """Messages so far."""
        size = os.fstat(self.output.fileno()).st_size
        tail = os.pread(self.output.fileno(), 400, max(0, size - 400)).decode(errors='replace')
        counts = re.findall(r'mesg=(\d+)', tail)
        return int(counts[-1]) if counts else 0
