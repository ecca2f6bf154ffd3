"""File descriptors: none is inherited by a program that the server might start, and none runs out unseen."""
import os
import socket

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
        writing.send(b'Subject: x\r\n\r\n' + (b'y' * 70 + b'\r\n') * 2000)
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
