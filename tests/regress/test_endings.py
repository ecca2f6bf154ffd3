"""Ends and hand-overs that something stands in the way of: each had left nobody serving, or sent a message twice."""
import contextlib
import fcntl
import os
import signal
import socket
import threading
import time

from deadline import PATIENCE, contains, equal
from server import Server
from test_steering import SLOW, Stuck
from test_take_over import Load, fixed, handover_socket

MESSAGE = b'Subject: x\r\n\r\nx\r\n'


def ask(newcomer):
    newcomer.send(b'postern take-over 1')
    _, fds, _, _ = socket.recv_fds(newcomer, 256, 64)
    for fd in fds:
        os.close(fd)


def test_a_newcomer_that_goes_with_its_word_has_changed_nothing():
    with fixed() as server:
        with handover_socket(server) as newcomer:
            ask(newcomer)
            os.kill(server.process.pid, signal.SIGSTOP)  # so that word and end come together
            newcomer.send(b'go on')
            newcomer.close()
            os.kill(server.process.pid, signal.SIGCONT)
        with server.connect() as wire:
            wire.greet()
            wire.deliver(MESSAGE)
        server.wait_messages(1)
        assert 'takes over' not in server.log(), server.log()


@contextlib.contextmanager
def silent_elder(server):
    """Holds the lock, hands over its one socket, and on `go` says nothing more and ends two seconds later."""
    with contextlib.ExitStack() as held:
        listening = held.enter_context(socket.create_server(server.address(), backlog=64, reuse_port=True))
        lock = os.open(server.path('state/lock'), os.O_RDWR)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        entrance = held.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        entrance.bind(server.path('state/handover.sock'))
        entrance.listen(1)

        def serve():
            newcomer, _ = entrance.accept()
            with newcomer:
                newcomer.recv(256)
                socket.send_fds(newcomer, [b'sockets 1'], [listening.fileno()])
                equal(newcomer.recv(256), b'go on', 'the second word')
            listening.close()
            time.sleep(2)
            os.unlink(server.path('state/handover.sock'))
            os.close(lock)

        elder = threading.Thread(target=serve)
        elder.start()
        yield
        elder.join()


def test_an_elder_that_ends_without_an_answer_is_followed():
    with fixed() as server:
        address = server.address()
        server.stop()
        server.settings['listener'][0]['address'] = '%s:%d' % address
        with silent_elder(server):
            server.start(words=['--take-over'])
        with server.connect() as wire:
            wire.greet()
            wire.deliver(MESSAGE)
        server.wait_messages(1)


def test_a_take_over_during_a_drain_shortens_nothing():
    with fixed(server={'drain_timeout': '20s'}) as server, handover_socket(server) as newcomer, server.connect() as busy:
        ask(newcomer)
        busy.greet()
        busy.begin()
        server.signal(signal.SIGTERM)
        server.wait_log('no new connections')
        newcomer.send(b'go on')
        contains(newcomer.recv(256), b'draining ', 'the answer')
        time.sleep(0.5)
        busy.send(MESSAGE + b'.\r\n')
        busy.expect('250 2.0.0')
        busy.expect('421 4.3.2')
        equal(server.wait_exit(), 0, 'exit code')


def test_a_newcomer_with_more_threads_that_gives_up_has_taken_no_connection():
    with fixed(limits={'sessions_per_client': 1000}) as server, socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        server.settings['listener'].append({'name': 'more', 'address': f'127.0.0.1:{taken.getsockname()[1]}'})
        server.settings['server']['threads'] = 16
        server.configure()
        with Load(server) as load:
            for _ in range(15):
                equal(server.call('serve', '--take-over').returncode, 69, 'exit code')
        equal(load.trouble, [], 'sessions that were refused, or ended without a word')
        server.settings['listener'].pop()


def test_a_delivery_that_takes_its_time_is_not_sent_twice():
    stuck = Stuck(final=b'250 2.0.0 thank you')
    with Server(queue=SLOW, local=stuck.transport, server={'drain_timeout': '0s'}) as server:
        with server.connect() as wire:
            wire.greet()
            wire.deliver(MESSAGE)
        assert stuck.has_message.wait(PATIENCE)
        server.signal(signal.SIGTERM)
        time.sleep(8)  # longer than the sessions have
        assert server.process.poll() is None, 'the end did not wait for the delivery'
        stuck.answer.set()
        equal(server.wait_exit(), 0, 'exit code')
        server.start()
        equal(server.queue(), [], 'the queue after the delivery')


def test_a_pipe_without_a_reader_holds_up_nobody():
    with Server() as server:
        os.mkfifo(server.path('pipe'))
        server.settings['log'] = {'file': server.path('pipe')}
        server.configure()
        server.signal(signal.SIGHUP)
        server.wait_log('nobody reads from this pipe')
        with server.connect() as wire:
            wire.greet()
            wire.deliver(MESSAGE)
        server.wait_messages(1)
        server.run('status')
        server.stop()
        done = server.call('serve')
        assert done.returncode == 73 and 'nobody reads from this pipe' in done.stderr, done
        del server.settings['log']
        server.configure()
        server.start()
