"""A Postern of one's own in a temporary folder: its configuration, its accounts, its log, its Maildirs. What it does is learned from
the log, the command line and the files, as an operator would."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile

from deadline import PATIENCE, equal, until
from wire import Wire

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.path.abspath(os.environ.get('POSTERN') or os.path.join(TOP, 'build/release/postern'))
TRACE = re.compile(rb'Return-Path: <([^\r\n]*)>\r?\nDelivered-To: ([^\r\n]*)\r?\n'
                   rb'((?:(?:Date|Message-ID|X-Spam-Flag|X-Spam-Status|X-Postern-Report|Authentication-Results|Received-SPF): [^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*)*)'
                   rb'(Received: [^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*)')
# What no log may ever hold: a defect that was caught.
DEFECTS = ('ended by an exception', 'accept loop ended', 'sweep ended', 'AddressSanitizer', 'runtime error:')


def toml(settings):
    """A configuration from {'server': {...}, 'listener': [{...}], ...}."""
    lines = []
    for section, content in settings.items():
        for table in content if isinstance(content, list) else [content]:
            lines.append(f'[[{section}]]' if isinstance(content, list) else f'[{section}]')
            lines += [f'{key} = {json.dumps(value, ensure_ascii=False)}' for key, value in table.items()]
    return '\n'.join(lines) + '\n'


class Delivered:
    """A message in a Maildir: the fields that delivery put before it, and the rest."""

    def __init__(self, raw):
        self.raw = raw
        trace = TRACE.match(raw)
        assert trace, f'no Return-Path, Delivered-To and Received in front: {raw[:300]!r}'
        self.return_path = trace[1].decode()
        self.delivered_to = trace[2].decode()
        self.tests = trace[3].decode()
        self.received = trace[4].decode()
        self.content = raw[trace.end():]


class Server:
    """Made stopped; `with` gives it accounts (d.test with u and v), starts it and ends it. `listener`: keys of the one, or a list of
    them; sections given by name go over the defaults."""

    within = None  # the folder that its own is made in; that of temporary files by default
    excused = ()  # of DEFECTS, in full: what its test provokes
    binary = BINARY

    def __init__(self, listener=None, **sections):
        self.folder = tempfile.mkdtemp(prefix='postern-test-', dir=self.within)
        os.chmod(self.folder, 0o755)
        self.mail = self.path('mail')
        self.config = self.path('postern.toml')
        self.log_path = self.path('log')
        self.process = None
        os.mkdir(self.mail)
        self.settings = {
            'server': {'hostname': 'mx.d.test', 'state_dir': self.path('state'), 'user': '', 'threads': 2},
            'admin': {'socket': self.path('admin.sock'), 'http': ''},
            'dns': {'servers': ['127.0.0.1:9']},  # nobody: no test asks a network
            'sender_domain': {'mode': 'off'}, 'spf': {'mode': 'off'},  # their tests turn them on
            'attachments': {'mode': 'off'}, 'antivirus': {'mode': 'off'}, 'spam': {'mode': 'off'},
            'local': {'maildir': self.mail + '/{domain}/{local}'},
            'queue': {'retry': ['1s']},
            'limits': {'error_delay': '0s'},
            'listener': [{'name': 'mx', 'address': '127.0.0.1:0', **row}
                         for row in (listener if isinstance(listener, list) else [listener or {}])],
        }
        for name, keys in sections.items():
            if isinstance(keys, list):
                self.settings[name] = keys
            else:
                self.settings.setdefault(name, {}).update(keys)
        self.configure()

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content, mode=0o644):
        with open(self.path(name), 'wb') as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        os.chmod(self.path(name), mode)
        return self.path(name)

    def configure(self):
        self.write('postern.toml', toml(self.settings))

    def accounts(self):
        """d.test with u and v."""
        self.run('domain', 'add', 'd.test')
        self.run('mailbox', 'add', 'u@d.test')
        self.run('mailbox', 'add', 'v@d.test')

    # The process

    def __enter__(self):
        try:
            self.accounts()
            return self.start()
        except BaseException:
            self.__exit__(True)
            raise

    def __exit__(self, failed, *rest):
        try:
            if self.process and not failed:
                self.stop()
            if not failed:
                self.assert_no_defects()
        finally:
            if self.process:
                self.kill()
            shutil.rmtree(self.folder, ignore_errors=True)

    def launch(self, prefix=(), words=(), **how):
        self.log_start = os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen([*prefix, self.binary, '--config', self.config, 'serve', *words], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, cwd=self.folder, **how)
        return self.process

    def start(self, prefix=(), words=(), **how):
        self.launch(prefix, words, **how)
        return self.wait_listening()

    def wait_listening(self):
        for row in self.settings['listener']:
            self.wait_log(rf'listening name={row["name"]} address=|"name":"{row["name"]}"')
        return self

    def address(self, name='mx'):
        found = re.findall(rf'listening name={name} address=(?:.*?):(\d+)$|"name":"{name}","address":"[^"]*:(\d+)"', self.log(), re.M)
        return ('127.0.0.1', int(found[-1][0] or found[-1][1]))

    def connect(self, name='mx', **how):
        return Wire(self.address(name), **how)

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, within=PATIENCE):
        """SIGTERM, and a good end."""
        self.signal(signal.SIGTERM)
        equal(self.wait_exit(within), 0, 'exit code after SIGTERM')

    def wait_exit(self, within=PATIENCE):
        code = self.process.wait(within)
        self.process = None
        return code

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)
        self.process = None

    # The command line

    def call(self, *words, stdin='', **how):
        """A sub-command; returns the finished process."""
        return subprocess.run([self.binary, '--config', self.config, *words], input=stdin, capture_output=True, text=True, timeout=PATIENCE,
                              cwd=self.folder, **how)

    def run(self, *words, code=0, **how):
        """A sub-command that must exit with `code`; returns its stdout."""
        done = self.call(*words, **how)
        assert done.returncode == code, f'postern {" ".join(words)}: exit {done.returncode}, not {code}: {done.stdout}{done.stderr}'
        return done.stdout

    def queue(self):
        return json.loads(self.run('queue', 'list', '--json'))['messages']

    def wait_queue_empty(self, within=PATIENCE):
        until('an empty queue', lambda: not self.queue(), within)

    # The log

    def log(self, since=None):
        """What was logged from the last start on, or from octet `since` on."""
        with open(self.log_path, 'rb') as file:
            file.seek(self.log_start if since is None else since)
            return file.read().decode()

    def log_end(self):
        return os.path.getsize(self.log_path)

    def wait_log(self, pattern, since=None, within=PATIENCE):
        """The first match of `pattern` in the log."""

        def look():
            found = re.search(pattern, self.log(since), re.M)
            if not found and self.process and self.process.poll() is not None:
                raise AssertionError(f'the server ended with {self.process.returncode} before it logged {pattern!r}: {self.log()[-800:]}')
            return found

        try:
            return until(f'{pattern!r} in the log', look, within)
        except AssertionError as trouble:
            raise AssertionError(f'{trouble}; the log ends: {self.log(since)[-1200:]}') from None

    def reload(self, wanted='reload -- '):
        """SIGHUP, and the line of the log that it leads to."""
        since = self.log_end()
        self.signal(signal.SIGHUP)
        return self.wait_log(wanted, since)

    def assert_no_defects(self):
        text = self.log(0) if os.path.exists(self.log_path) else ''
        for expected in self.excused:
            text = text.replace(expected, '')
        for defect in DEFECTS:
            assert defect not in text, f'the log holds a defect: {text[max(0, text.index(defect) - 200):][:500]}'

    # The Maildirs

    def maildir(self, mailbox='u@d.test'):
        local, domain = mailbox.split('@')
        return os.path.join(self.mail, domain, local)

    def messages(self, mailbox='u@d.test', folder='.'):
        """All of a mailbox's inbox or other folder, oldest first."""
        new = os.path.join(self.maildir(mailbox), folder, 'new')
        made = []
        for name in sorted(os.listdir(new), key=maildir_order) if os.path.isdir(new) else []:
            with open(os.path.join(new, name), 'rb') as file:
                made.append(Delivered(file.read()))
        return made

    def wait_messages(self, count, mailbox='u@d.test', within=PATIENCE):
        """Exactly so many, once nothing is left in the queue."""
        self.wait_queue_empty(within)
        got = self.messages(mailbox)
        equal(len(got), count, f'messages of {mailbox}')
        return got

    def messages_everywhere(self):
        """Each accepted message once, oldest first, whoever got it."""
        found = {}
        for folder, names, files in os.walk(self.mail):
            for name in files if os.path.basename(folder) == 'new' else []:
                found[message_id(name)] = os.path.join(folder, name)
        made = []
        for _, path in sorted(found.items()):
            with open(path, 'rb') as file:
                made.append(Delivered(file.read()))
        return made

    def empty_maildirs(self):
        for name in os.listdir(self.mail):
            shutil.rmtree(os.path.join(self.mail, name))


def message_id(name):
    """The queue id, which grows, of 1795505838.Q1K1033V4VF800R0.mx.d.test,S=431."""
    return re.fullmatch(r'\d+\.Q([0-9A-Z]+)R\d+\..*', name)[1]


def maildir_order(name):
    return message_id(name), name
