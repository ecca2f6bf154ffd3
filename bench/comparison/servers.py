"""A Postern and a Postfix as the comparison wants them: both on one port of 127.0.0.1, with the same mailboxes and certificate, both
logging to a file, both flushing what they accept. What is set besides the defaults stands in POSTERN and in MAIN_CF, nowhere else."""
import json
import os
import re
import shutil
import socket
import subprocess
import time

from comparison.apart import BUILD, TOP, Apart

UNPACKED = os.path.join(TOP, 'build/unpacked')
POSTERN = os.path.abspath(os.environ.get('POSTERN') or os.path.join(BUILD, 'postern'))
MAILBOXES = [f'u{number}@d.test' for number in range(10)]
PROCESSES = 600 # of Postfix's of one kind: more than any case has sessions
MAIL_ID = 8 # user and group `mail` of Debian

# In Postfix's favour: no anvil, no look-up of client names, no throttling of input, as many processes as there are sessions.
MAIN_CF = '''compatibility_level = 3.7
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = mx.d.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
{onto}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/mailboxes
virtual_uid_maps = static:{mail}
virtual_gid_maps = static:{mail}
virtual_minimum_uid = 1
alias_maps =
message_size_limit = 104857600
mailbox_size_limit = 0
virtual_mailbox_limit = 0
default_process_limit = {processes}
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
in_flow_delay = 0
minimal_backoff_time = 4h
smtpd_tls_security_level = {tls}
smtpd_tls_cert_file = {folder}/cert.pem
smtpd_tls_key_file = {folder}/key.pem
smtpd_tls_loglevel = 0
{keep}
'''

MASTER_CF = '''127.0.0.1:{port} inet n - n - - smtpd
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp      unix - - n - - smtp
relay     unix - - n - - smtp
showq     unix n - n - - showq
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
local     unix - n n - - local
virtual   unix - n n - - virtual
lmtp      unix - - n - - lmtp
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
tlsproxy  unix - - n - 0 tlsproxy
postlog   unix-dgram n - n - 1 postlogd
'''

# How a Postfix keeps mail: by putting off the transport (the queue manager takes each message up once and puts it off, which is what
# Postern does with a Maildir that can't be written), or on hold (no queue manager at all: less work than Postern is given).
KEEPS = {'defer': 'defer_transports = virtual', 'hold': 'smtpd_recipient_restrictions = check_client_access static:hold', None: ''}


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def make_certificate(folder):
    """A self-signed one with a P-256 key."""
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj',
                    '/CN=mx.d.test', '-keyout', f'{folder}/key.pem', '-out', f'{folder}/cert.pem'], check=True, capture_output=True)


def wait_greeting(port, process, log, within=30):
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(('127.0.0.1', port), 5) as probe:
                if probe.recv(3) == b'220':
                    probe.sendall(b'QUIT\r\n')
                    return
        except OSError:
            pass
        if process.poll() is not None:
            break
        time.sleep(0.05)
    tail = open(log, encoding='utf-8', errors='replace').read()[-3000:] if os.path.exists(log) else ''
    raise AssertionError(f'no greeting on port {port}; the log ends: {tail}')


def beyond(mailbox):
    """The address that a mailbox's mail is forwarded to where it leaves under DANE."""
    return mailbox.replace('@d.test', '@o.test')


class Server:
    """`keep`: mail stays in the queue; else it goes into Maildirs below mail/, or to the Sink `onward`."""

    name = ''
    onward = None

    def __init__(self, parent, keep, usr=None):
        self.apart = Apart(self.name, parent, usr)
        self.keep = keep
        self.process = None
        self.port = 0

    def address(self):
        return f'127.0.0.1:{self.port}'

    def delivered(self):
        """Messages that lie in Maildirs, or that were relayed."""
        if self.onward:
            return self.onward.taken()
        count = 0
        for mailbox in MAILBOXES:
            try:
                count += len(os.listdir(self.maildir(mailbox.split('@')[0])))
            except FileNotFoundError:
                pass
        return count

    def is_forwarding(self):
        """All mail goes to mailboxes of o.test, which DNS leads to, and DANE."""
        return self.onward is not None and self.onward.is_proved

    def maildir(self, local):
        return self.apart.path('mail/d.test', local, 'new')

    def __enter__(self):
        try:
            make_certificate(self.apart.folder)
            self.start()
            return self
        except BaseException:
            self.__exit__(True)
            raise

    def __exit__(self, *_):
        try:
            if self.process:
                self.process.terminate()
                self.process.wait(60)
        finally:
            self.apart.remove()


class Postern(Server):
    name = 'postern'

    def start(self):
        apart = self.apart
        # A Maildir below a file can't be made: the delivery is put off, and the message stays in the queue.
        apart.write('mail-is-a-file', '')
        apart.write('postern.toml', self.settings(apart.path('mail-is-a-file') if self.keep else apart.path('mail')))
        os.mkdir(apart.path('mail'))
        self.call('domain', 'add', 'd.test')
        for mailbox in MAILBOXES:
            self.call(*(('alias', 'add', mailbox, beyond(mailbox)) if self.is_forwarding() else ('mailbox', 'add', mailbox)))
        log = apart.path('log')
        self.process = apart.launch(POSTERN, '--config', apart.path('postern.toml'), 'serve', output=log)
        deadline = time.monotonic() + 30
        while not (found := re.search(r'listening name=mx address=127\.0\.0\.1:(\d+)', open(log, encoding='utf-8').read())):
            assert self.process.poll() is None and time.monotonic() < deadline, open(log, encoding='utf-8').read()
            time.sleep(0.02)
        self.port = int(found[1])
        wait_greeting(self.port, self.process, log)

    def version(self):
        return subprocess.run([POSTERN, '--version'], capture_output=True, text=True, timeout=60).stdout.strip()

    content = ''.join(f'[{test}]\nmode = "off"\n' for test in ('attachments', 'antivirus', 'spam')) # Postfix looks into no message
    tests = '[sender_domain]\nmode = "off"\n[spf]\nmode = "off"' # and asks no DNS

    def settings(self, mail):
        apart = self.apart
        quoted = json.dumps
        return f'''[server]
hostname = "mx.d.test"
state_dir = {quoted(apart.path("state"))}
user = ""
[admin]
socket = {quoted(apart.path("admin.sock"))}
http = ""
[local]
maildir = {quoted(mail + "/{domain}/{local}")}
[queue]
retry = ["4h"]
{self.content}{self.tests}
[[tls.certificate]]
cert = {quoted(apart.path("cert.pem"))}
key = {quoted(apart.path("key.pem"))}
[[listener]]
name = "mx"
address = "127.0.0.1:0"
{self.route()}'''

    def route(self):
        if not self.onward:
            return ''
        if self.is_forwarding():
            return '[greylist]\nmode = "off"\n[dns]\nservers = ["127.0.0.1:53"]\n[relay]\nsrs = false\n'
        return f'role = "secondary"\n[greylist]\nmode = "off"\n[relay.route]\n"d.test" = "127.0.0.1:{self.onward.port}"\n'

    def call(self, *words):
        subprocess.run([POSTERN, '--config', self.apart.path('postern.toml'), *words], check=True, capture_output=True, timeout=60)


class Bare(Server):
    """The least that anybody must do (bench/bare_receiver.cpp)."""

    name = 'bare'

    def start(self):
        self.port = free_port()
        self.process = self.apart.launch(os.path.join(BUILD, 'bare_receiver'), str(self.port), self.apart.path('journal'),
                                         output=self.apart.path('log'))
        wait_greeting(self.port, self.process, self.apart.path('log'))

    def version(self):
        return 'bare_receiver'


class Postfix(Server):
    name = 'postfix'

    def __init__(self, parent, keep):
        super().__init__(parent, keep, os.path.join(UNPACKED, 'usr'))

    def start(self):
        apart = self.apart
        shutil.copytree(os.path.join(UNPACKED, 'etc/postfix'), apart.path('etc/postfix'), dirs_exist_ok=True)
        self.add_users()
        self.port = free_port()
        for name in ('spool', 'data', 'mail'):
            os.mkdir(apart.path(name))
        os.chown(apart.path('data'), self.user, self.user)
        os.chown(apart.path('mail'), MAIL_ID, MAIL_ID)
        apart.write('mailboxes', ''.join(f'{box} d.test/{box.split("@")[0]}/\n' for box in MAILBOXES))
        apart.write('forwarded', ''.join(f'{box} {beyond(box)}\n' for box in MAILBOXES))
        apart.write('etc/resolv.conf', 'nameserver 127.0.0.1\noptions trust-ad\n')
        apart.write('etc/postfix/main.cf', MAIN_CF.format(folder=apart.folder, mail=MAIL_ID, processes=PROCESSES, tls='may',
                                                          keep=KEEPS[self.keep], onto=self.onto()))
        apart.write('etc/postfix/master.cf', MASTER_CF.format(port=self.port))
        self.process = apart.launch('/usr/sbin/postfix', 'start-fg', output=apart.path('output'))
        wait_greeting(self.port, self.process, apart.path('log'))

    def onto(self):
        if not self.onward:
            return 'virtual_mailbox_domains = d.test'
        # As many conversations at a time as Postern has.
        if self.is_forwarding():
            return (f'virtual_alias_domains = d.test\nvirtual_alias_maps = texthash:{self.apart.path("forwarded")}\n'
                    'default_destination_concurrency_limit = 20\nsmtp_dns_support_level = dnssec\nsmtp_tls_security_level = dane\n'
                    'smtp_tls_connection_reuse = yes')
        return ('relay_domains = d.test\nrelay_recipient_maps = $virtual_mailbox_maps\ndefault_destination_concurrency_limit = 20\n'
                f'relay_transport = relay:[127.0.0.1]:{self.onward.port}\nsmtp_tls_security_level = none')

    def version(self):
        return self.apart.run('/usr/sbin/postconf', '-h', 'mail_version').strip()

    def add_users(self):
        """postfix and postdrop, whom Postfix asks for by name, in copies of the user files."""
        self.user = 64001
        lines = {'passwd': f'postfix:x:{self.user}:{self.user}::/:/bin/false\n', 'group': f'postfix:x:{self.user}:\npostdrop:x:64002:\n'}
        for name, more in lines.items():
            with open(f'/etc/{name}', encoding='utf-8') as file:
                kept = ''.join(line for line in file if not line.startswith(('postfix:', 'postdrop:')))
            self.apart.write(f'etc/{name}', kept + more)


def unpack():
    """Fetches Postfix when it isn't there yet."""
    subprocess.run([os.path.join(TOP, 'scripts/unpack'), 'unpacked', UNPACKED], check=True)
