"""The service manager's protocol, with a manager played here: ready, reload, stop, signs of life, and the sockets that it keeps over a
restart; and the unit file."""
import os
import re
import signal
import socket
import subprocess
import time

from deadline import contains, equal, until
from manager import Manager
from ports import free_port
from server import BINARY, TOP, Server
from wire import Wire

UNIT = os.path.join(TOP, 'packaging/postern.service')
EXPOSURE_MAX = 2.0
MESSAGE = b'Subject: x\r\n\r\nx\r\n'


def fixed(**sections):
    """A server on a port that it finds again, made and stopped; the first start is the manager's."""
    server = Server({'address': f'127.0.0.1:{free_port()}'}, **sections)
    server.accounts()
    return server


class Managed:
    """A server with its manager."""

    def __init__(self, server, **how):
        self.server = server
        self.manager = Manager(server.folder, **how)

    def __enter__(self):
        return self.server, self.manager

    def __exit__(self, failed, *rest):
        self.manager.__exit__()
        self.server.__exit__(failed, *rest)


def monotonic():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def test_the_manager_hears_of_the_whole_life():
    with Managed(fixed(server={'drain_timeout': '7s'})) as (server, manager):
        manager.start(server, wait=False)
        manager.wait('READY')
        contains(server.log(), 'listening name=mx', 'the log at READY=1')
        assert any('FDSTORE' in message for message in manager.messages), 'READY=1 came before the sockets'
        equal([message['STATUS'] for message in manager.messages if 'STATUS' in message], ['0 sessions, 0 messages in the queue'], 'status')
        with server.connect() as wire:
            wire.greet()
            manager.wait('STATUS', '1 sessions, .*')
            before = monotonic()
            server.signal(signal.SIGHUP)
            reloading = manager.wait('RELOADING', '1')
            assert before <= int(reloading['MONOTONIC_USEC']) <= monotonic(), reloading
            manager.wait('READY', '1')
            wire.deliver(MESSAGE)
            wire.quit()
        server.signal(signal.SIGTERM)
        stopping = manager.wait('STOPPING', '1')
        assert int(stopping['EXTEND_TIMEOUT_USEC']) > 7_000_000, stopping
        equal(server.wait_exit(), 0, 'exit code')


def test_a_refused_reload_is_ready_again():
    with Managed(fixed()) as (server, manager):
        manager.start(server)
        manager.wait('READY')
        server.write('postern.toml', '[limits]\nerrors = "20"\n')
        server.reload('reload refused')
        manager.wait('RELOADING')
        manager.wait('READY')
        server.configure()


def test_signs_of_life_come_twice_in_each_interval():
    with Managed(fixed(), watchdog=1) as (server, manager):
        manager.start(server)
        manager.wait('READY')
        times = []
        for _ in range(6):
            manager.wait('WATCHDOG', '1')
            times.append(time.monotonic())
        assert times[-1] - times[0] < 5 * 1.0, times
        server.signal(signal.SIGSTOP)
        manager.drain()
        manager.hears_none('WATCHDOG', 2.5)
        server.signal(signal.SIGCONT)
        manager.wait('WATCHDOG', '1')
        assert 'no sign of life' not in server.log(), server.log()


def test_a_writer_that_hangs_in_a_flush_ends_the_signs_of_life():
    """strace holds up each flush for 4 s; the interval is one."""
    with Managed(fixed(), watchdog=1) as (server, manager):
        manager.start(server)
        manager.wait('READY')
        with server.connect() as wire:
            wire.greet()
            wire.begin()
            held = subprocess.Popen(['strace', '-f', '-p', str(server.process.pid), '-o', server.path('strace'), '-e', 'trace=fdatasync,msync',
                                     '-e', 'inject=fdatasync,msync:delay_enter=4000000'], stderr=subprocess.PIPE)
            try:
                until('strace', lambda: traced(server.process))
                wire.send(MESSAGE + b'.\r\n')
                server.wait_log("the queue's writer shows no sign of life")
                manager.drain()
                manager.hears_none('WATCHDOG', 1.2)
                wire.expect('250 ')
                manager.wait('WATCHDOG', '1')
            finally:
                held.send_signal(signal.SIGINT)
                held.communicate()


def test_no_sign_of_life_while_it_drains():
    """It would arm the manager's watchdog again, which nobody feeds at the end."""
    with Managed(fixed(server={'drain_timeout': '4s'}), watchdog=1) as (server, manager):
        manager.start(server)
        manager.wait('READY')
        with server.connect() as busy:
            busy.greet()
            busy.begin()
            server.signal(signal.SIGTERM)
            manager.wait('STOPPING')
            manager.drain()
            manager.hears_none('WATCHDOG', 2.5)
            busy.send(MESSAGE + b'.\r\n')
            busy.expect('250 2.0.0')
            equal(server.wait_exit(), 0, 'exit code')


def traced(process):
    for task in os.listdir(f'/proc/{process.pid}/task'):
        with open(f'/proc/{process.pid}/task/{task}/status', encoding='ascii') as file:
            if 'TracerPid:\t0\n' in file.read():
                return False
    return True


def test_a_manager_that_cannot_be_told_costs_one_line():
    with Managed(fixed()) as (server, manager):
        manager.path = server.path('nobody')
        manager.start(server)
        for _ in range(3):
            server.reload()
        equal(server.log().count("the service manager can't be told anything"), 1, 'complaints')
        with server.connect() as wire:
            wire.greet()
            wire.deliver(MESSAGE)
        server.wait_messages(1)


# The sockets

def all_are_served(address, count=60):
    """So many connections that every socket of the address gets some."""
    for _ in range(count):
        with Wire(address) as wire:
            wire.greet()
            wire.quit()


def test_a_restart_refuses_nobody():
    """Also with more workers, and with fewer, than there are sockets."""
    with Managed(fixed(server={'threads': 3})) as (server, manager):
        manager.start(server)
        address = server.address()
        for threads in (3, 1, 5):
            manager.wait('READY')
            all_are_served(address)
            server.signal(signal.SIGTERM)
            equal(server.wait_exit(), 0, 'exit code')
            manager.drain()
            server.settings['server']['threads'] = threads
            server.configure()
            waiting = [Wire(address) for _ in range(30)]
            manager.start(server)
            for wire in waiting:
                wire.greet()
                wire.deliver(MESSAGE)
                wire.quit()
            contains(server.log(), 'were handed over', 'the log')
        server.wait_messages(90)


def test_a_socket_of_a_socket_unit_is_used():
    """It has no SO_REUSEPORT: all workers attend the one."""
    with Managed(fixed(server={'threads': 4})) as (server, manager):
        address = server.settings['listener'][0]['address'].rsplit(':', 1)
        with socket.socket() as one:
            one.bind((address[0], int(address[1])))
            one.listen(100)
            waiting = Wire((address[0], int(address[1])))
            manager.start(server, [one])
            manager.wait('READY')
        waiting.greet()
        waiting.quit()
        wires = [server.connect() for _ in range(40)]
        for wire in wires:
            wire.greet()
        for wire in wires:
            wire.quit()


def test_what_is_no_listening_socket_is_left_alone():
    with Managed(fixed()) as (server, manager):
        one, other = socket.socketpair()
        with one, other, socket.socket() as idle, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.bind(('127.0.0.1', 0))
            manager.start(server, [one, idle, datagrams])
            manager.wait('READY')
        all_are_served(server.address(), 4)


def test_sockets_of_a_listener_that_went_are_closed():
    with Managed(fixed()) as (server, manager):
        manager.start(server)
        manager.wait('READY')
        old = server.address()
        server.signal(signal.SIGTERM)
        equal(server.wait_exit(), 0, 'exit code')
        manager.drain()
        server.settings['listener'][0]['address'] = f'127.0.0.1:{free_port()}'
        server.configure()
        manager.start(server)
        removed = manager.wait('FDSTOREREMOVE', '1')
        equal(removed['FDNAME'], f'127.0.0.1_{old[1]}', 'FDNAME')
        contains(server.log(), f'no listener is configured on 127.0.0.1:{old[1]}: 2 sockets', 'the log')
        manager.wait('READY')
        try:
            Wire(old).close()
            raise AssertionError('somebody listens there')
        except ConnectionRefusedError:
            pass
        all_are_served(server.address(), 4)


# The unit file

def unit_for_here(folder):
    with open(UNIT, encoding='utf-8') as file:
        text = file.read()
    path = os.path.join(folder, 'postern.service')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text.replace('/usr/local/bin/postern', BINARY).replace('User=postern', 'User=mail').replace('Group=postern', 'Group=mail'))
    return path


def analyze(*words):
    done = subprocess.run(['systemd-analyze', '--no-pager', *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    equal(done.returncode, 0, f'systemd-analyze {words}: {done.stdout}')
    return done.stdout


def test_the_unit_is_right_and_tight():
    server = Server()
    try:
        path = unit_for_here(server.folder)
        equal(analyze('verify', path), '', 'systemd-analyze verify')
        found = re.search(r'exposure level for postern\.service: ([0-9.]+)', analyze('security', '--offline=true', path))
        assert float(found[1]) <= EXPOSURE_MAX, found[0]
    finally:
        server.__exit__(True)


def test_the_scanner_s_units_are_right_and_tight():
    server = Server()
    try:
        packaging = os.path.dirname(UNIT)
        for name in ('postern-scanner.socket', 'postern-scanner@.service'):
            with open(os.path.join(packaging, name), encoding='utf-8') as file:
                text = file.read().replace('/usr/local/bin/postern-scanner', BINARY).replace('=postern-scanner\n', '=mail\n').replace('=postern\n', '=mail\n')
            server.write(name, text)
        equal(analyze('verify', server.path('postern-scanner.socket')), '', 'systemd-analyze verify')
        found = re.search(r'exposure level for .*: ([0-9.]+)', analyze('security', '--offline=true', server.path('postern-scanner@.service')))
        assert float(found[1]) <= EXPOSURE_MAX, found[0]
    finally:
        server.__exit__(True)


def calls_in(name, seen=None):
    """The system calls of a set (@system-service), those of the sets in it included."""
    made = set()
    for line in analyze('syscall-filter', name).splitlines()[1:]:
        word = line.strip()
        if word.startswith('@'):
            made |= calls_in(word)
        elif word and not word.startswith('#'):
            made.add(word)
    return made


def only_child(process):
    with open(f'/proc/{process.pid}/task/{process.pid}/children', encoding='ascii') as file:
        return int(file.read())


def test_the_unit_allows_what_the_server_calls():
    with open(UNIT, encoding='utf-8') as file:
        rows = re.findall(r'^SystemCallFilter=(.*)$', file.read(), re.M)
    allowed = set()
    for row in rows:
        named = set().union(*(calls_in(name) for name in row.lstrip('~').split()))
        allowed = allowed - named if row.startswith('~') else allowed | named
    with Server() as server:
        server.stop()
        server.start(prefix=('strace', '-f', '-c', '-U', 'name', '-o', server.path('calls')))
        with server.connect() as wire:
            wire.greet()
            wire.secure()
            wire.deliver(MESSAGE)
            wire.deliver(b'Subject: x\r\n\r\n' + (b'y' * 70 + b'\r\n') * 2000)
            wire.quit()
        server.wait_messages(2)
        server.run('status')
        traced_server = only_child(server.process)
        os.kill(traced_server, signal.SIGHUP)
        server.wait_log('reload -- ')
        os.kill(traced_server, signal.SIGTERM)
        equal(server.wait_exit(), 0, 'exit code')
        with open(server.path('calls'), encoding='utf-8') as file:
            called = {line.strip() for line in file if re.fullmatch(r'[a-z_0-9]+', line.strip())} - {'syscall', 'total'}
    assert 'accept' in called and 'fdatasync' in called, called
    equal(called - allowed, set(), 'calls that the unit forbids')
