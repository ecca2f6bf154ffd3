"""What the server can't have at its start ends the start, with the name of it and the cure; nothing of it is a line in the log of a
server that runs on without."""
import os
import socket

from deadline import contains, equal
from server import Server


def refused(server, *parts):
    done = server.call('serve')
    equal(done.returncode, 73, f'exit code: {done.stderr}')
    for part in parts:
        contains(done.stderr, part, 'stderr')


def test_a_control_socket_that_cannot_be_opened():
    server = Server()
    try:
        for path, why in ((server.path('no/such/admin.sock'), 'its folder must be there'), (server.write('file', 'x'), 'no socket: remove it')):
            server.settings['admin']['socket'] = path
            server.configure()
            refused(server, f'admin.socket: {path}: ', why)
        with open(server.path('file'), encoding='ascii') as file:
            equal(file.read(), 'x', 'the file')
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(server.path('other.sock'))
            other.listen()
            server.settings['admin']['socket'] = server.path('other.sock')
            server.configure()
            refused(server, f'admin.socket: {server.path("other.sock")}: ', 'a server answers there')
    finally:
        server.__exit__(True)


def test_the_reason_is_in_the_log_too():
    server = Server(admin={'socket': '/no/such/folder/admin.sock'})
    try:
        server.settings['log'] = {'file': server.path('own.log')}
        server.configure()
        refused(server, '/no/such/folder/admin.sock')
        with open(server.path('own.log'), encoding='utf-8') as file:
            contains(file.read(), 'error: cannot start: admin.socket: /no/such/folder/admin.sock', 'the log')
    finally:
        server.__exit__(True)


def test_a_lock_file_of_two_names_is_left_alone():
    with Server() as server:
        server.stop()
        precious = server.write('precious', 'precious')
        os.unlink(server.path('state/lock'))
        os.link(precious, server.path('state/lock'))
        refused(server, server.path('state/lock') + ': is no plain file')
        with open(precious, encoding='ascii') as file:
            equal(file.read(), 'precious', 'the file')
