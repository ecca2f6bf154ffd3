"""Postfix's smtp-sink, which takes mail, or fails in a way that is asked for; and a Postern whose people write to such servers."""
import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile

from clients import UNPACKED, unpacked
from deadline import until
from ports import free_port
from test_submission import MESSAGE, People
from wire import queue_id, stuffed


class Sink:
    """At `port`; every message that it is given whole or in part is a file."""

    def __init__(self, *words, port=None):
        self.words, self.port = words, port or free_port()
        self.folder = tempfile.mkdtemp(prefix='sink-test-')
        os.chmod(self.folder, 0o777)
        self.process = None

    def __enter__(self):
        user = ['-u', pwd.getpwuid(65534)[0]] if os.geteuid() == 0 else []
        environment = {**os.environ, 'LD_LIBRARY_PATH': os.path.join(UNPACKED, 'usr/lib/postfix')}
        self.process = subprocess.Popen([unpacked('smtp-sink'), *user, *self.words, '-d', f'{self.folder}/m.', f'inet:127.0.0.1:{self.port}', '100'],
                                        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until('smtp-sink', self.answers)
        return self

    def answers(self):
        try:
            socket.create_connection(('127.0.0.1', self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def __exit__(self, *_):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def taken(self):
        """What it was given, as it writes it: lines that end with LF, an empty line behind the last."""
        made = []
        for name in sorted(glob.glob(f'{self.folder}/m.*')):
            with open(name, 'rb') as file:
                made.append(file.read())
        return made


class Sending(People):
    """Its people write to the domains of `routes`, {domain: port}, by way of the servers there."""

    def __init__(self, routes, **sections):
        sections = {'queue': {'retry': ['1s']}, **sections}
        super().__init__(**sections, **{'relay.route': {f'"{domain}"': f'127.0.0.1:{port}' for domain, port in routes.items()}})

    def send(self, *recipients, content=MESSAGE, parameters='', wire=None):
        """u@d.test writes to them; returns the queue id."""
        own = wire or self.login()
        own.command(f'MAIL FROM:<u@d.test>{parameters}', '250 2.1.0')
        for recipient in recipients:
            own.command('RCPT TO:' + (recipient if recipient.startswith('<') else f'<{recipient}>'), '250 2.1.5')
        own.command('DATA', '354 ')
        own.send(stuffed(content) + b'.\r\n')
        queued = queue_id(own.expect('250 2.0.0', 60))
        if not wire:
            own.quit()
        return queued
