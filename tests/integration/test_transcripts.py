"""Every conversation of tests/scripts against the real server: over the network, with a real handshake where it says <tls>, and with
deliveries counted and compared in the Maildirs."""
from server import Server
from transcript import Transcript, check_messages, names

LIMITS = {'max_recipients': 100, 'max_header_size': '200KB', 'errors': 20, 'soft_errors': 10, 'error_delay': '0s', 'junk_commands': 100,
          'max_received': 100}


SERVER = []  # one for all, begun by the first; finish() ends it


def the_server():
    if not SERVER:
        server = Server({'max_message_size': '1MB'}, limits=LIMITS)
        SERVER.append(server.__enter__())
        server.run('mailbox', 'add', 'ü@d.test')
    return SERVER[0]


def finish():
    if SERVER:
        SERVER.pop().__exit__(None)


def play(name):
    server = the_server()
    server.empty_maildirs()
    transcript = Transcript(name)
    with server.connect() as wire:
        transcript.play(wire)
        if transcript.steps[-1][0] != 'close':
            wire.quit()
    check_messages(transcript, server)


def cases():
    for name in names():
        yield name, lambda name=name: play(name)


def test_there_are_transcripts():
    assert len(names()) >= 60, names()
