"""Servers of others that take mail: Postfix, Exim and OpenSMTPD, unpacked and never installed, each with one mailbox for every recipient. They
want users of their own, and paths below /var and /etc: they see them laid over this machine's."""
import os
import re
import shutil
import socket

from clients import EXIM_USER, LIBRARIES, unpacked
from deadline import until
from ports import free_port
from tls_tools import make_certificate
from unpacked_server import UnpackedServer

NOBODY = 65534
POSTFIX_USER, SMTPD_USER, SMTPQ_USER = 65501, 65502, 65503
SIZE_MAX = 50_000_000
USERS = f'''postfix:x:{POSTFIX_USER}:{POSTFIX_USER}::/:/bin/false
opensmtpd:x:{SMTPD_USER}:{SMTPD_USER}::/var/lib/opensmtpd/empty:/bin/false
opensmtpq:x:{SMTPQ_USER}:{SMTPQ_USER}::/var/lib/opensmtpd/empty:/bin/false
Debian-exim:x:{EXIM_USER}:{EXIM_USER}::/:/bin/false
'''
GROUPS = f'''postfix:x:{POSTFIX_USER}:
postdrop:x:{POSTFIX_USER + 10}:
opensmtpd:x:{SMTPD_USER}:
opensmtpq:x:{SMTPQ_USER}:
Debian-exim:x:{EXIM_USER}:
'''


class Receiver(UnpackedServer):
    """Takes mail for o.test at `port`; gives out what it has stored. Its notices go to port `back`."""

    def __init__(self, back=9, **options):
        super().__init__()
        self.port, self.back = free_port(), back
        self.options = options
        self.certificate = make_certificate(self.folder, 'cert', 'o.test')
        os.chmod(self.certificate['key'], 0o600)
        for path, more in (('/etc/passwd', USERS), ('/etc/group', GROUPS)):
            with open(path, encoding='utf-8') as file:
                self.write(os.path.basename(path), file.read() + more)
        self.mailbox = self.folder_of('mail', NOBODY)

    def write(self, name, text):
        with open(self.path(name), 'w', encoding='utf-8') as file:
            file.write(text)
        return self.path(name)

    def folder_of(self, name, user, group=None, mode=0o755):
        made = self.path(name)
        os.makedirs(made, exist_ok=True)
        os.chmod(made, mode)
        os.chown(made, user, user if group is None else group)
        return made

    def before(self):
        """Its users, for this process alone."""
        return [f'mount --bind {self.path(name)} /etc/{name}' for name in ('passwd', 'group')]

    def answers(self):
        try:
            with socket.create_connection(('127.0.0.1', self.port), timeout=5) as wire:
                return wire.recv(4) == b'220 '
        except OSError:
            return False

    def stored(self):
        """Each message as it lies there."""
        made = []
        for folder, _, files in os.walk(self.mailbox):
            if os.path.basename(folder) in ('new', 'cur'):
                for name in files:
                    with open(os.path.join(folder, name), 'rb') as file:
                        made.append(file.read().replace(b'\r\n', b'\n'))
        return made

    def wait_stored(self, count, within=60):
        until(f'{count} messages at {self.name}', lambda: len(self.stored()) >= count, within)
        return self.stored()


POSTFIX_MAIN = '''
compatibility_level = 3.6
config_directory = {folder}/conf
queue_directory = {folder}/spool
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
maillog_file_prefixes = /var, /tmp, /dev
maillog_file = {folder}/log
myhostname = postfix.o.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
local_recipient_maps =
alias_maps =
virtual_mailbox_domains = o.test
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
message_size_limit = {size}
virtual_mailbox_limit = 0
smtpd_recipient_limit = {recipients}
smtpd_tls_security_level = may
smtpd_tls_chain_files = {folder}/cert.key, {folder}/cert.crt
smtpd_tls_received_header = yes
smtpd_relay_restrictions = reject_unauth_destination
smtpd_discard_ehlo_keywords = {discard}
smtpd_forbid_bare_newline = yes
in_flow_delay = 0
relay_transport = smtp
default_transport = smtp
relayhost = [127.0.0.1]:{back}
smtp_tls_security_level = none
'''
POSTFIX_MASTER = '''
127.0.0.1:{port} inet n - n - - smtpd
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
proxymap  unix - - n - - proxymap
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
error     unix - - n - - error
smtp      unix - - n - - smtp
virtual   unix - n n - - virtual
anvil     unix - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
'''


class Postfix(Receiver):
    name = 'Postfix'

    def __enter__(self):
        unpacked('postconf')
        os.makedirs(self.path('conf'))
        wanted = {'folder': self.folder, 'port': self.port, 'size': SIZE_MAX, 'recipients': 1000, 'discard': '', 'back': self.back, **self.options}
        self.write('conf/main.cf', POSTFIX_MAIN.format(**wanted))
        self.write('conf/master.cf', POSTFIX_MASTER.format(**wanted))
        self.folder_of('data', POSTFIX_USER)
        self.folder_of('spool', 0)
        for name in ('active', 'bounce', 'corrupt', 'defer', 'deferred', 'flush', 'hold', 'incoming', 'private', 'saved', 'trace'):
            self.folder_of(f'spool/{name}', POSTFIX_USER, 0, 0o700)
        self.folder_of('spool/pid', 0)
        self.folder_of('spool/public', POSTFIX_USER, POSTFIX_USER + 10, 0o710)
        self.folder_of('spool/maildrop', POSTFIX_USER, POSTFIX_USER + 10, 0o730)
        self.launch(f'/usr/lib/postfix/sbin/master -c {self.folder}/conf -d', before=self.before())
        return self


EXIM = '''
primary_hostname = exim.o.test
exim_path = {exim}
exim_user = Debian-exim
exim_group = Debian-exim
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
domainlist ours = o.test
qualify_domain = o.test
keep_environment =
local_interfaces = 127.0.0.1.{port}
daemon_smtp_ports = {port}
message_size_limit = {size}
recipients_max = {recipients}
recipients_max_reject = false
accept_8bitmime = true
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
chunking_advertise_hosts = *
tls_advertise_hosts = *
tls_certificate = {folder}/cert.crt
tls_privatekey = {folder}/cert.key
smtp_accept_queue_per_connection = 0
smtp_accept_max_per_connection = {messages}
acl_smtp_rcpt = check
deliver_drop_privilege
begin acl
check:
  accept domains = +ours
  deny
begin routers
here:
  driver = accept
  domains = +ours
  transport = box
back:
  driver = manualroute
  route_list = * 127.0.0.1::{back}
  self = send
  transport = back
begin transports
box:
  driver = appendfile
  directory = {folder}/mail/box
  maildir_format
  delivery_date_add
  envelope_to_add
  return_path_add
  batch_max = 1
back:
  driver = smtp
  allow_localhost
  hosts_avoid_tls = *
begin retry
* * F,1h,1s
'''


class Exim(Receiver):
    name = 'Exim'

    def __enter__(self):
        self.program = shutil.copy(unpacked('exim4'), self.path('exim4'))
        os.chown(self.mailbox, EXIM_USER, EXIM_USER)
        os.chown(self.certificate['key'], EXIM_USER, EXIM_USER)
        for name in ('spool', 'logs'):
            self.folder_of(name, EXIM_USER)
        wanted = {'folder': self.folder, 'exim': self.program, 'port': self.port, 'size': SIZE_MAX, 'recipients': 0, 'messages': 1000, 'back': self.back, **self.options}
        config = self.write('exim.conf', EXIM.format(**wanted).replace('/%slog', '/logs/%slog'))
        self.launch(f'{self.program} -C {config} -bdf -q10m', before=self.before())
        return self

    def log(self):
        made = ''
        for name in ('mainlog', 'paniclog'):
            if os.path.exists(self.path(f'logs/{name}')):
                with open(self.path(f'logs/{name}'), encoding='utf-8', errors='replace') as file:
                    made += file.read()
        return made


SMTPD = '''
pki o.test cert "{folder}/cert.crt"
pki o.test key "{folder}/cert.key"
smtp max-message-size {size}
queue compression
listen on 127.0.0.1 port {port} tls pki o.test hostname opensmtpd.o.test
table users {{ "@" = "nobody" }}
action "box" maildir "{folder}/mail/box" virtual <users>
action "back" relay host "smtp://127.0.0.1:{back}"
match from any for domain "o.test" action "box"
match from local for domain "d.test" action "back"
'''


class OpenSmtpd(Receiver):
    name = 'OpenSMTPD'

    def before(self):
        below = [self.path(name) for name in ('upper', 'work')]
        for name in below:
            os.makedirs(name, exist_ok=True)
        unpacked_var = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(unpacked('smtpd')))), 'var')
        return [*super().before(), 'mount -t tmpfs tmpfs /run',
                f'mount -t overlay overlay -o lowerdir={unpacked_var}:/var,upperdir={below[0]},workdir={below[1]} /var',
                'mkdir -p /var/spool/smtpd', 'chmod 711 /var/spool/smtpd', 'chown -R root:root /var/lib/opensmtpd', 'chmod 755 /var/lib/opensmtpd/empty']

    def __enter__(self):
        config = self.write('smtpd.conf', SMTPD.format(folder=self.folder, port=self.port, size=SIZE_MAX, back=self.back))
        with open(self.path('log'), 'w', encoding='utf-8') as log:
            self.launch(f'smtpd -d -f {config}', output=log, errors=log, before=self.before())
        return self


def body_of(message):
    return message[message.index(b'\n\n') + 2:]


def field(message, name):
    found = re.findall(rb'(?mi)^' + name.encode() + rb': (.*(?:\n[ \t].*)*)$', message[:message.index(b'\n\n')])
    return found[0] if found else None
