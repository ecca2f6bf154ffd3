"""File descriptors: none is inherited by a program that the server might start, and none runs out unseen."""
import os
import resource
import socket
import time

from deadline import equal, until
from server import Server

CLOSE_ON_EXEC = 0o2000000


def inheritable(process):
    """What a program started by the server would get besides the three standard ones."""
    found = []
    for name in os.listdir(f'/proc/{process.pid}/fd'):
        try:
            with open(f'/proc/{process.pid}/fdinfo/{name}', encoding='ascii') as file:
                flags = next(int(line.split()[1], 8) for line in file if line.startswith('flags:'))
            what = os.readlink(f'/proc/{process.pid}/fd/{name}')
        except FileNotFoundError:
            continue  # closed meanwhile
        if int(name) > 2 and not flags & CLOSE_ON_EXEC:
            found.append(f'{name}: {what}')
    return found


def test_no_descriptor_is_inherited():
    with Server() as server, server.connect() as idle, server.connect() as writing:
        idle.greet()
        writing.greet()
        writing.begin()
        writing.send(b'Subject: x\r\n\r\n' + (b'y' * 70 + b'\r\n') * 6000)
        bodies = f'/proc/{server.process.pid}/fd'
        until('an open body file', lambda: any('/bodies/' in link for link in links(bodies)))
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(server.settings['admin']['socket'])
            control.sendall(b'{"command":')
            server.run('status')  # whoever came before is accepted by then
            equal(inheritable(server.process), [], 'descriptors without close-on-exec')
        writing.send(b'.\r\n')
        writing.expect('250 ')
        server.wait_messages(1)


def links(folder):
    found = []
    for name in os.listdir(folder):
        try:
            found.append(os.readlink(os.path.join(folder, name)))
        except FileNotFoundError:
            pass
    return found


TOO_FEW = r'limits\.sessions = 20000 needs (\d+) file descriptors, and the server may have (\d+): no more than (\d+) sessions.*LimitNOFILE'


def test_the_soft_limit_becomes_the_hard_one():
    with Server() as server:
        server.stop()
        server.start(prefix=('prlimit', '--nofile=64:4000'))
        with open(f'/proc/{server.process.pid}/limits', encoding='ascii') as file:
            row = next(line for line in file if line.startswith('Max open files'))
        equal(row.split()[3:5], ['4000', '4000'], 'soft and hard')


def test_no_more_sessions_than_descriptors():
    """The surplus hears 421 at once; mail, deliveries and the control socket go on."""
    with Server(limits={'sessions_per_client': 100000}) as server:
        server.stop()
        server.start(prefix=('prlimit', '--nofile=450'))
        _, limit, fitting = (int(number) for number in server.wait_log(TOO_FEW).groups())
        equal(limit, 450, 'the limit')
        assert 20 <= fitting <= 90, fitting
        equal(len(server.run('reload').splitlines()), 1, 'lines of reload')
        wires = [server.connect() for _ in range(fitting)]
        try:
            for wire in wires:
                wire.greet()
            for _ in range(150):
                with server.connect() as surplus:
                    surplus.expect('421 4.3.2', within=5)
                    surplus.expect_end()
            for wire in wires:  # each has a body file open
                wire.begin()
                wire.send(b'Subject: x\r\n\r\n' + (b'y' * 70 + b'\r\n') * 6000)
            server.run('status')
            for wire in wires:
                wire.send(b'.\r\n')
                wire.expect('250 2.0.0')
            server.wait_messages(fitting)
        finally:
            for wire in wires:
                wire.close()
        assert "can't be accepted" not in server.log(), server.log()


def test_too_few_for_one_session_is_said_at_the_start():
    server = Server()
    try:
        for limit in (16, 64, 256):
            server.launch(prefix=('prlimit', f'--nofile={limit}'))
            equal(server.wait_exit(), 78, f'exit code with {limit} descriptors: {server.log()}')
            assert 'LimitNOFILE' in server.log(), server.log()
    finally:
        server.__exit__(True)


def set_limit(process, count):
    hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (min(count, hard), hard))


def test_trouble_with_accepting_is_told_when_it_begins_and_when_it_is_over():
    with Server() as server, server.connect() as before:
        before.greet()
        set_limit(server.process, 3)
        with server.connect() as waiting, server.connect() as another:
            server.wait_log("error: connections can't be accepted: Too many open files")
            began = time.monotonic()
            until('some attempts', lambda: time.monotonic() - began > 2)
            set_limit(server.process, 100000)
            waiting.greet()
            another.greet()
        before.command('NOOP', '250 ')
        told = server.wait_log(r'connections are accepted again, after (\d+) attempts in vain')
        assert int(told[1]) >= 5, told[0]
        equal(server.log().count("can't be accepted"), 1, 'complaints')
