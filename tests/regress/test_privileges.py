"""Started as root, the server becomes its user: what it needs belongs to that user then, and whatever the user could not read or write
later on is said at the start. All of it needs root."""
import os
import pwd
import shutil
import subprocess

from deadline import PATIENCE, contains, equal, until
from server import BINARY, Server
from test_tls import certificate_seen
from tls_tools import der_of, make_certificate
from wire import Wire

USER = 'nobody'
MESSAGE = b'Subject: x\r\n\r\nx\r\n'


def give(path):
    shutil.chown(path, USER)
    return path


def start_as_the_user(server, words=(), **how):
    """Without root from the first instruction on; from a copy, for the way to the built program may be closed to the user."""
    user = pwd.getpwnam(USER)
    command = [shutil.copy(BINARY, server.path('binary')), '--config', server.config, 'serve', *words]
    return subprocess.Popen(command, cwd=server.folder, user=user.pw_uid, group=user.pw_gid, extra_groups=[], **how)


def owner(path):
    return pwd.getpwuid(os.lstat(path).st_uid).pw_name


class RootServer(Server):
    """Has a folder `logs` of the user's and an empty `run` of root's, as /run is after each boot."""

    def __init__(self, **sections):
        super().__init__(**sections)
        self.settings['server']['user'] = USER
        self.settings['admin']['socket'] = self.path('run/postern/admin.sock')
        give(self.mail)
        os.mkdir(self.path('run'))
        os.mkdir(self.path('logs'))
        give(self.path('logs'))
        self.configure()

    def log_to(self, path):
        self.settings['log'] = {'file': path}
        self.configure()
        self.log_path = path

    def refused(self, code, *parts):
        """The server doesn't start, and says why."""
        done = self.call('serve')
        equal(done.returncode, code, f'exit code: {done.stderr}')
        for part in parts:
            contains(done.stderr, part, 'stderr')

    def launch_here(self):
        """Starts it without pointing its standard output at the log file, which is its own business here."""
        self.log_start = os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0
        self.process = subprocess.Popen([BINARY, '--config', self.config, 'serve'], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, cwd=self.folder)
        until('the log', lambda: os.path.exists(self.log_path))
        self.wait_log('listening name=mx')


def all_belongs_to_the_user():
    """Also what root had to make, so that the next start may be the user's own."""
    with RootServer() as server:
        for name in ('state', 'state/lock', 'run/postern', 'run/postern/admin.sock'):
            equal(owner(server.path(name)), USER, f'owner of {name}')
        equal(owner(server.path('run')), 'root', 'owner of run')
        server.run('status')
        server.stop()
        server.log_start = server.log_end()
        with open(server.log_path, 'ab') as log:
            server.process = start_as_the_user(server, stdout=log, stderr=log)
        server.wait_log('listening name=mx')


def a_lock_file_that_is_not_the_users_is_named():
    with RootServer() as server:
        server.stop()
        os.chown(server.path('state/lock'), 0, 0)
        started = start_as_the_user(server, stderr=subprocess.PIPE, text=True)
        _, told = started.communicate(timeout=PATIENCE)
        equal(started.returncode, 73, f'exit code: {told}')
        contains(told, server.path('state/lock') + ': permission denied', 'stderr')


def a_key_that_only_root_can_read_is_refused_at_the_start():
    server = RootServer()
    try:
        pair = make_certificate(server.folder, 'one', 'mx.d.test')
        os.chmod(pair['key'], 0o600)
        server.settings['tls.certificate'] = [pair]
        server.configure()
        server.refused(78, 'tls.certificate[0].key: cannot be read: Permission denied', pair['key'], 'chgrp')
        done = server.call('check')
        equal(done.returncode, 78, f'exit code of check: {done.stdout}{done.stderr}')
        give(pair['key'])
        with server:
            equal(certificate_seen(server), der_of(pair['cert']), 'the certificate')
            server.reload()
    finally:
        server.__exit__(True)


def a_log_is_never_written_through_a_link_with_the_rights_of_root():
    server = RootServer()
    try:
        os.mkdir(server.path('roots'))
        os.symlink(server.path('roots/file'), server.path('logs/log'))
        server.settings['log'] = {'file': server.path('logs/log')}
        server.configure()
        server.refused(73, f'log.file: {server.path("logs/log")}: Permission denied', 'install -o')
        assert not os.path.exists(server.path('roots/file')), 'the file behind the link was made'
    finally:
        server.__exit__(True)


def a_log_in_a_folder_of_the_user_follows_a_rotation():
    with RootServer() as server:
        server.stop()
        server.log_to(server.path('logs/log'))
        server.launch_here()
        equal(owner(server.log_path), USER, 'owner of the log')
        os.rename(server.log_path, server.path('logs/log.1'))
        server.signal(1)
        until('the new log', lambda: os.path.exists(server.log_path))
        equal(owner(server.log_path), USER, 'owner of the new log')
        server.wait_log('reload -- ', 0)


def a_log_in_a_folder_of_root_needs_its_file():
    """As in /var/log: logrotate makes the new file for the user (create), or empties the old one (copytruncate)."""
    with RootServer() as server:
        server.stop()
        os.mkdir(server.path('var'))
        path = server.path('var/log')
        server.settings['log'] = {'file': path}
        server.configure()
        server.refused(73, f'log.file: {path}: Permission denied', 'install -o')
        give(server.write('var/log', ''))
        server.log_to(path)
        server.launch_here()
        address = server.address()
        os.rename(path, path + '.1')
        give(server.write('var/log', ''))
        server.signal(1)
        server.wait_log('reload -- ', 0)
        os.truncate(path, 0)
        with Wire(address) as wire:
            wire.greet()
            wire.quit()
        server.wait_log('^[A-Z].*connect from', 0)


def cases():
    if os.geteuid() != 0:
        return
    for test in (all_belongs_to_the_user, a_lock_file_that_is_not_the_users_is_named, a_key_that_only_root_can_read_is_refused_at_the_start,
                 a_log_is_never_written_through_a_link_with_the_rights_of_root, a_log_in_a_folder_of_the_user_follows_a_rotation,
                 a_log_in_a_folder_of_root_needs_its_file):
        yield test.__name__, test
