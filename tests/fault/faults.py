"""A server whose system calls fail, or kill it, on demand: faulty_calls.cpp, built once a run. And the ledger that says what must be there."""
import collections
import os
import re
import subprocess
import tempfile

from deadline import equal, until
from server import Server

HERE = os.path.dirname(os.path.abspath(__file__))
CALLS = ('openat', 'write', 'pwrite', 'writev', 'pwritev', 'fdatasync', 'fsync', 'ftruncate', 'mkdirat', 'renameat', 'renameat2', 'linkat',
         'unlinkat')
_built = tempfile.TemporaryDirectory(prefix='postern-faults-')


def library():
    path = os.path.join(_built.name, 'faulty_calls.so')
    if not os.path.exists(path):
        subprocess.run(['clang++-19', '-std=c++20', '-shared', '-fPIC', '-O1', '-o', path, os.path.join(HERE, 'faulty_calls.cpp')], check=True)
        os.chmod(_built.name, 0o755)
    return path


class Faulty(Server):
    under = None  # the folder whose calls count; its own by default

    """`with` makes accounts; start_faulty() starts it so that the fault happens once arm() was called."""

    def __enter__(self):
        self.accounts()
        return self

    def start_faulty(self, fault='', clock=False):
        for name in ('armed', 'done'):
            if os.path.exists(self.path(name)):
                os.remove(self.path(name))
        words = [f'LD_PRELOAD={library()}', f'FAULT_ARMED={self.path("armed")}', f'FAULT_DONE={self.path("done")}',
                 f'FAULT_UNDER={self.under or self.folder}/']
        if fault:
            words.append(f'FAULT={fault}')
        if clock:
            words.append(f'FAULT_CLOCK={self.path("clock")}')
        return self.start(['env', *words])

    def arm(self):
        self.write('armed', '')

    def disarm(self):
        os.remove(self.path('armed'))

    def is_dying(self):
        """Killed: it may take a moment until that can be seen."""
        if not self.happened:
            return False
        until('death', lambda: self.process.poll() is not None)
        return True

    @property
    def happened(self):
        return os.path.exists(self.path('done'))

    def set_clock(self, offset):
        self.write('clock.new', str(offset))
        os.rename(self.path('clock.new'), self.path('clock'))


def numbered(number, size):
    """A message of about `size` octets that knows its number and repeats nobody else's."""
    line = b'%06d %s\r\n' % (number, b'abcdefghijklmnopqrstuvwxyz .' * 2)
    return b'Subject: x\r\nX-Number: %d\r\n\r\n' % number + line * max(1, size // len(line))


class Ledger:
    """What was sent, and what of it was acknowledged: kept by the client."""

    def __init__(self):
        self.sent, self.acknowledged, self.refused = {}, set(), {}

    def send(self, server, sizes, recipients=('u@d.test',)):
        """One message of each size, over one connection as long as it lasts. Refusals must be 4xx."""
        try:
            with server.connect() as wire:
                wire.greet()
                for size in sizes:
                    number = len(self.sent) + 1
                    self.sent[number] = numbered(number, size)
                    self.one(wire, number, recipients)
        except (AssertionError, OSError):
            if not isinstance(server, Faulty) or not server.is_dying():
                raise

    def one(self, wire, number, recipients):
        for line in ['MAIL FROM:<a@s.test>', *(f'RCPT TO:<{recipient}>' for recipient in recipients), 'DATA']:
            wire.send(line.encode() + b'\r\n')
            reply = wire.reply()
            if reply.code[0] not in '23':
                return self.note_refusal(wire, number, reply)
        wire.send(self.sent[number] + b'.\r\n')
        reply = wire.reply()
        if reply.code != '250':
            return self.note_refusal(wire, number, reply)
        self.acknowledged.add(number)

    def note_refusal(self, wire, number, reply):
        assert reply.code[0] == '4', f'message {number}: {reply}'
        self.refused[number] = str(reply)
        wire.command('RSET', '250 ')

    def check(self, server, mailboxes=('u@d.test',)):
        """Whatever was acknowledged is there, unaltered; nothing is there that was not sent; what was refused is not there."""
        for mailbox in mailboxes:
            got = server.messages(mailbox)
            seen = collections.Counter()
            for message in got:
                number = int(re.search(rb'X-Number: (\d+)', message.content)[1])
                assert message.content == self.sent.get(number), f'message {number} is not as it was sent'
                seen[number] += 1
            equal(sorted(self.acknowledged - set(seen)), [], f'acknowledged, and not in {mailbox}')
