"""`postern serve --take-over`: the new server gets the listening sockets of the running one, which drains and ends. Nobody is refused
meanwhile, and what can be seen to be wrong beforehand changes nothing."""
import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import threading
import time

from clients import smtp_source
from deadline import PATIENCE, contains, equal, until
from ports import free_port
from server import BINARY, Server
from test_privileges import RootServer, start_as_the_user
from test_queue import numbered, numbers
from wire import Wire

MESSAGE = b'Subject: x\r\n\r\nx\r\n'


def fixed(**sections):
    """On a port that the next one finds again."""
    return Server({'address': f'127.0.0.1:{free_port()}'}, **sections)


def begin_take_over(server, binary=BINARY):
    """Starts the successor, which the server object means from now on; returns the elder's process."""
    elder = server.process
    server.log_start = server.log_end()
    with open(server.log_path, 'ab') as log:
        server.process = subprocess.Popen([binary, '--config', server.config, 'serve', '--take-over'], stdin=subprocess.DEVNULL, stdout=log,
                                          stderr=log, cwd=server.folder)
    return elder


def finish_take_over(server, elder, within=PATIENCE):
    equal(elder.wait(within), 0, "the elder's exit code")
    pid = server.process.pid
    server.wait_log(rf'postern\[{pid}\]: .*listening name=mx|\[{pid}\].*listening name=mx')


def take_over(server, **how):
    finish_take_over(server, begin_take_over(server, **how))


def test_sessions_end_politely_and_connections_wait():
    with fixed(server={'drain_timeout': '30s'}) as server, server.connect() as idle, server.connect() as busy:
        for wire in (idle, busy):
            wire.greet()
        busy.begin()
        busy.send(b'Subject: x\r\n\r\n')
        address = server.address()
        elder = begin_take_over(server)
        idle.expect('421 4.3.2')
        idle.expect_end()
        server.wait_log(rf'waiting for process {elder.pid} to end its sessions')  # until then another of its threads may accept
        waiting = [Wire(address) for _ in range(30)]
        time.sleep(0.2)
        assert all(wire.nothing_waits() for wire in waiting), 'the elder accepts although it has let go'
        busy.send(b'x\r\n.\r\n')
        busy.expect('250 2.0.0')
        busy.expect('421 4.3.2')
        busy.expect_end()
        finish_take_over(server, elder)
        for wire in waiting:
            wire.greet()
            wire.deliver(MESSAGE)
            wire.quit()
        equal({got.content for got in server.wait_messages(31)}, {MESSAGE}, 'messages')
        equal(server.call('status').returncode, 0, 'the control socket of the new one')


def test_who_does_not_end_in_time_is_told():
    with fixed(server={'drain_timeout': '1s'}) as server, server.connect() as busy:
        busy.greet()
        busy.begin()
        elder = begin_take_over(server)
        busy.expect('421 4.3.2')
        busy.expect_end()
        finish_take_over(server, elder)


class Load:
    """Connections without end, each with one message, and who was told 250 for which."""

    def __init__(self, server, threads=8):
        self.address = server.address()
        self.acknowledged, self.uncertain, self.trouble = [], [], []
        self.numbers = iter(range(10**9))
        self.guard = threading.Lock()
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def run(self):
        while not self.stopping.is_set():
            try:
                self.one()
            except Exception as trouble:
                self.trouble.append(repr(trouble))

    def one(self):
        with Wire(self.address) as wire:
            for line in (None, 'EHLO c.test', 'MAIL FROM:<a@s.test>', 'RCPT TO:<u@d.test>', 'DATA'):
                if line:
                    wire.send(line.encode() + b'\r\n')
                reply = wire.reply()
                if reply.code == '421':
                    return
                assert reply.code[0] in '23', reply
            with self.guard:
                number = next(self.numbers)
            wire.send(numbered(number, 100_000 if number % 7 == 0 else 300).replace(b'\r\n.', b'\r\n..') + b'.\r\n')
            reply = wire.reply()
            (self.acknowledged if reply.code == '250' else self.uncertain).append(number)


def test_nobody_is_refused_and_nothing_lost_under_load():
    """Four times, the last one back to the first program."""
    with fixed(server={'drain_timeout': '5s', 'threads': 2}, limits={'sessions_per_client': 1000}) as server:
        other = shutil.copy(BINARY, server.path('other'))
        with Load(server) as load:
            for count, binary in enumerate((other, BINARY, other, BINARY)):
                until('some mail', lambda: len(load.acknowledged) > 20 * (count + 1))
                server.settings['server']['threads'] = (1, 3, 4, 2)[count]
                server.configure()
                take_over(server, binary=binary)
            until('mail to the last one', lambda: len(load.acknowledged) > 120)
        equal(load.trouble, [], 'sessions that were refused, or ended without a word')
        server.wait_queue_empty(60)
        got = numbers(server.messages())
        equal(sorted(set(got)), got, 'each once')
        equal(set(load.acknowledged) - set(got), set(), 'acknowledged and lost')
        equal(set(got) - set(load.acknowledged) - set(load.uncertain), set(), 'delivered and never sent')


def test_smtp_source_with_50_sessions_sees_no_restart():
    """Those that are told 421 are its business (-A); a connection that is refused or lost would end it."""
    with fixed(server={'drain_timeout': '5s'}, limits={'sessions_per_client': 1000}) as server:
        since = server.log_end()
        done = []
        sending = threading.Thread(target=lambda: done.append(smtp_source(server, '-A', '-s', '50', '-m', '3000', '-f', 'a@s.test', '-t',
                                                                          'u@d.test', within=300)))
        sending.start()
        for count in range(3):
            until('some mail', lambda: server.log(since).count('(queue active)') > 300 * (count + 1))
            take_over(server)
        sending.join()
        assert done, 'smtp-source failed'
        server.wait_queue_empty(120)
        accepted = server.log(since).count('(queue active)')
        assert accepted > 2000, accepted
        equal(len(server.messages()), accepted, 'messages')


def test_what_is_wrong_beforehand_changes_nothing():
    with fixed() as server, server.connect() as session:
        session.greet()
        good = dict(server.settings['server'])
        for change, code, word in (({'hostname': ''}, 78, 'hostname'), ({'user': 'nobody-of-that-name'}, 78, 'there is no user')):
            if 'user' in change and os.geteuid() != 0:
                continue
            server.settings['server'] = {**good, **change}
            server.configure()
            done = server.call('serve', '--take-over')
            equal(done.returncode, code, f'exit code with {change}: {done.stderr}')
            contains(done.stderr, word, 'stderr')
        server.settings['server'] = good
        server.settings['tls.certificate'] = [{'cert': server.path('no.crt'), 'key': server.path('no.key')}]
        server.configure()
        done = server.call('serve', '--take-over')
        equal(done.returncode, 78, f'exit code without a certificate: {done.stderr}')
        del server.settings['tls.certificate']
        with socket.socket() as taken:  # a new listener on a port that is not free: seen after the sockets came, before the elder stops
            taken.bind(('127.0.0.1', 0))
            taken.listen()
            server.settings['listener'].append({'name': 'more', 'address': f'127.0.0.1:{taken.getsockname()[1]}'})
            server.configure()
            done = server.call('serve', '--take-over')
            equal(done.returncode, 69, f'exit code: {done.stderr}')
        server.settings['listener'].pop()
        server.configure()
        session.deliver(MESSAGE)
        for _ in range(10):
            with server.connect() as wire:
                wire.greet()
                wire.deliver(MESSAGE)
        server.wait_messages(11)
        assert 'takes over' not in server.log(), server.log()


def test_without_the_word_a_second_one_is_refused():
    with fixed() as server:
        done = server.call('serve')
        equal(done.returncode, 69, f'exit code on the same port: {done.stderr}')
        server.settings['listener'][0]['address'] = f'127.0.0.1:{free_port()}'
        server.configure()
        done = server.call('serve')
        equal(done.returncode, 75, f'exit code on the same folder: {done.stderr}')
        contains(done.stderr, 'another postern', 'stderr')


def test_without_a_running_server_it_is_an_ordinary_start():
    with fixed() as server:
        server.stop()
        server.start(words=['--take-over'])
        contains(server.log(), 'there is no server to take over from', 'the log')


def test_a_listener_that_went_is_closed_and_a_new_one_opened():
    with fixed() as server:
        old = server.address()
        server.settings['listener'][0]['address'] = f'127.0.0.1:{free_port()}'
        server.configure()
        take_over(server)
        contains(server.log(), f'no listener is configured on 127.0.0.1:{old[1]}: 2 sockets', 'the log')
        with contextlib.suppress(ConnectionRefusedError):
            Wire(old).close()
            raise AssertionError('somebody listens there')
        with server.connect() as wire:
            wire.greet()


def test_a_state_folder_with_a_long_name():
    server = fixed()
    state = server.path('/'.join(['long-' * 8] * 4) + '/state')
    os.makedirs(os.path.dirname(state))
    server.settings['server']['state_dir'] = state
    server.configure()
    with server:
        assert len(state) > 108
        equal(os.stat(state + '/handover.sock').st_mode & 0o777, 0o600, 'mode of the socket')
        take_over(server)
        take_over(server)
        server.stop()
        assert not os.path.exists(state + '/handover.sock'), 'the socket is left behind'
        server.start()


# Whoever else speaks to the socket

def handover_socket(server):
    made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    made.settimeout(PATIENCE)
    made.connect(server.path('state/handover.sock'))
    return made


def test_who_asks_and_goes_away_has_changed_nothing():
    with fixed() as server:
        with handover_socket(server) as newcomer:
            newcomer.send(b'postern take-over 1')
            text, fds, _, _ = socket.recv_fds(newcomer, 256, 64)
            equal(text, b'sockets 2', 'the answer')
            equal(len(fds), 2, 'descriptors')
            for fd in fds:
                os.close(fd)
        for word in (b'x', b'postern take-over 2', b'y' * 5000):
            with handover_socket(server) as newcomer:
                newcomer.send(word)
                assert newcomer.recv(256).startswith(b'refused '), word[:20]
        for _ in range(10):
            with server.connect() as wire:
                wire.greet()
                wire.quit()
        take_over(server)


def a_stranger_gets_nothing():
    """Even where the modes of folder and socket let him in."""
    with fixed() as server:
        os.chmod(server.path('state'), 0o755)
        os.chmod(server.path('state/handover.sock'), 0o777)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            answer = 'no connection'
            with contextlib.suppress(OSError):
                user = pwd.getpwnam('nobody')
                os.setgroups([])
                os.setgid(user.pw_gid)
                os.setuid(user.pw_uid)
                with handover_socket(server) as newcomer:
                    answer = 'connected'
                    newcomer.send(b'postern take-over 1')
                    answer = repr(socket.recv_fds(newcomer, 256, 64)[:2])
            os.write(writing, answer.encode())
            os._exit(0)
        os.waitpid(child, 0)
        answer = os.read(reading, 4096).decode()
        os.close(reading)
        os.close(writing)
        assert answer in ('connected', "(b'', [])"), answer


def with_the_rights_of_root_and_without():
    """The elder gave them up; the newcomer has them still, and then one that never had any, with more workers than there are sockets."""
    server = RootServer()
    server.settings['listener'][0]['address'] = f'127.0.0.1:{free_port()}'
    server.configure()
    with server:
        take_over(server)
        server.settings['server']['threads'] = 4
        server.configure()
        elder = server.process
        server.log_start = server.log_end()
        with open(server.log_path, 'ab') as log:
            server.process = start_as_the_user(server, words=['--take-over'], stdout=log, stderr=log)
        finish_take_over(server, elder)
        for _ in range(20):
            with server.connect() as wire:
                wire.greet()
                wire.deliver(MESSAGE)
        server.wait_messages(20)


# An older program and a newer queue

def set_queue_format(server, number):
    """In place, as a later version would have left it: the table `meta` holds it under `format`."""
    folder = server.path('state/queue')
    dump = subprocess.run(['mdb_dump', '-s', 'meta', folder], capture_output=True, text=True, check=True).stdout
    key = ' ' + b'format'.hex()
    lines = dump.splitlines()
    place = lines.index(key) + 1
    lines[place] = ' ' + f'{number:0{len(lines[place]) - 1}x}'
    subprocess.run(['mdb_load', '-s', 'meta', folder], input='\n'.join(lines) + '\n', text=True, check=True, capture_output=True)


def test_a_queue_of_a_later_version_is_refused():
    """At an ordinary start, and by a take-over while the other one goes on."""
    with fixed() as server:
        set_queue_format(server, 99)
        done = server.call('serve', '--take-over')
        equal(done.returncode, 73, f'exit code of the take-over: {done.stderr}')
        contains(done.stderr, 'written by a later version', 'stderr')
        with server.connect() as wire:
            wire.greet()
            wire.quit()
        server.stop()
        done = server.call('serve')
        equal(done.returncode, 73, f'exit code of the start: {done.stderr}')
        contains(done.stderr, 'written by a later version', 'stderr')
        set_queue_format(server, 1)
        server.start()


def cases():
    if os.geteuid() == 0:
        for test in (a_stranger_gets_nothing, with_the_rights_of_root_and_without):
            yield test.__name__, test
