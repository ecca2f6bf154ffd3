"""A real Dovecot in a folder of its own, unpacked and never installed: takes mail by LMTP, gives it out by IMAP and POP3."""
import imaplib
import os
import poplib
import pwd
import re
import socket

from clients import unpacked
from deadline import PATIENCE
from ports import free_port
from unpacked_server import UnpackedServer

CONFIG = '''
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap pop3 lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {login}
first_valid_uid = 1
default_vsz_limit = 0
mail_location = maildir:{folder}/mail/%d/%n
mail_uid = {user}
mail_gid = {group}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/users
}}
userdb {{
  driver = passwd-file
  args = {folder}/users
}}
auth_mechanisms = plain
postmaster_address = postmaster@d.test
hostname = dovecot.test
lmtp_save_to_detail_mailbox = no
recipient_delimiter = +
mail_plugins = {plugins}
plugin {{
  quota = maildir:User quota
  quota_rule = *:storage=100M
  quota_grace = 0
  quota_status_success = DUNNO
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
service stats {{
  chroot =
}}
'''


class Dovecot(UnpackedServer):
    """`users`: address -> extra fields of its passwd-file line ('userdb_quota_rule=*:storage=1k'). `more`: lines of its configuration.
    `passwords`: of those whose password isn't "secret"."""

    name = 'Dovecot'

    def __init__(self, users, more='', passwords=None):
        self.more = more
        self.passwords = passwords or {}
        super().__init__()
        self.users = users
        self.lmtp_port, self.imap_port, self.pop3_port = free_port(), free_port(), free_port()
        self.socket = os.path.join(self.folder, 'run/lmtp')

    def __enter__(self):
        unpacked('dovecot')
        mailer = pwd.getpwnam('mail')
        for name in ('mail', 'run', 'state'):
            os.mkdir(os.path.join(self.folder, name))
        os.chown(os.path.join(self.folder, 'mail'), mailer.pw_uid, mailer.pw_gid)
        self.write_users()
        config = os.path.join(self.folder, 'dovecot.conf')
        with open(config, 'w', encoding='utf-8') as file:
            file.write(CONFIG.format(folder=self.folder, user='mail', group='mail', login='nobody', plugins='quota',
                                     imap=self.imap_port, pop3=self.pop3_port, lmtp=self.lmtp_port) + self.more)
        self.start()
        return self

    def write_users(self):
        mailer = pwd.getpwnam('mail')
        with open(os.path.join(self.folder, 'users.new'), 'w', encoding='utf-8') as file:
            for address, extra in self.users.items():
                password = self.passwords.get(address, 'secret')
                file.write(f'{address}:{password}:{mailer.pw_uid}:{mailer.pw_gid}::::{extra}\n')
        os.rename(os.path.join(self.folder, 'users.new'), os.path.join(self.folder, 'users'))

    def set_user(self, address, extra):
        """From now on: Dovecot reads the file again."""
        self.users[address] = extra
        self.write_users()

    def start(self):
        config = os.path.join(self.folder, 'dovecot.conf')
        self.launch(f'/usr/sbin/dovecot -F -c {config}')

    def answers(self):
        assert self.process.poll() is None, self.log()
        try:
            socket.create_connection(('127.0.0.1', self.lmtp_port), 1).close()
            for name in (self.socket, self.path('run/auth-client')):  # files are left from an earlier run, and each listens in its turn
                with socket.socket(socket.AF_UNIX) as link:
                    link.connect(name)
            return True
        except OSError:
            return False

    def by_imap(self, address):
        """The messages of the INBOX, as IMAP gives them."""
        with imaplib.IMAP4('127.0.0.1', self.imap_port, timeout=PATIENCE) as imap:
            imap.login(address, 'secret')
            imap.select()
            _, found = imap.search(None, 'ALL')
            return [imap.fetch(number, '(RFC822)')[1][0][1] for number in found[0].split()]

    def by_pop3(self, address):
        pop3 = poplib.POP3('127.0.0.1', self.pop3_port, timeout=PATIENCE)
        pop3.user(address)
        pop3.pass_('secret')
        count = len(pop3.list()[1])
        made = [b'\r\n'.join(pop3.retr(number + 1)[1]) + b'\r\n' for number in range(count)]
        pop3.quit()
        return made


def without_dovecots_fields(raw):
    """A message as it was handed over: without what Dovecot put in front of it."""
    return re.sub(rb'\A(?:(?:Return-Path|Delivered-To|Received): (?:[^\r\n]*\r\n)(?:[ \t][^\r\n]*\r\n)*){2,3}', b'', raw)
