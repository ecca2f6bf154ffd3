"""The same message in whatever pieces: one octet a segment, one octet a TLS record, one chunk of one octet."""
from deadline import equal
from server import Server
from wire import stuffed

MESSAGE = b'Subject: x\r\n\r\nA line\r\n.\r\n..\r\nThe end\r\n'


def in_single_octets(secure):
    with Server() as server, server.connect() as wire:
        wire.greet()
        if secure:
            wire.secure()
        for octet in b'MAIL FROM:<a@s.test>\r\nRCPT TO:<u@d.test>\r\nDATA\r\n':
            wire.send(bytes([octet]))
        for start in ('250 2.1.0', '250 2.1.5', '354 '):
            wire.expect(start)
        for octet in stuffed(MESSAGE) + b'.\r\n':
            wire.send(bytes([octet]))
        wire.expect('250 2.0.0')
        wire.quit()
        equal([got.content for got in server.wait_messages(1)], [MESSAGE], 'messages')


def test_an_octet_a_segment():
    in_single_octets(secure=False)


def test_an_octet_a_tls_record():
    in_single_octets(secure=True)


def test_chunks_of_one_octet():
    with Server() as server, server.connect() as wire:
        wire.greet()
        wire.command('MAIL FROM:<a@s.test>', '250 ')
        wire.command('RCPT TO:<u@d.test>', '250 ')
        for octet in MESSAGE:
            wire.send(b'BDAT 1\r\n' + bytes([octet]))
            wire.expect('250 2.0.0')
        wire.command('BDAT 0 LAST', '250 2.0.0 Ok: queued as')
        equal([got.content for got in server.wait_messages(1)], [MESSAGE], 'messages')


def test_two_messages_in_one_segment():
    with Server() as server, server.connect() as wire:
        wire.greet()
        wire.begin()
        wire.send(stuffed(MESSAGE) + b'.\r\nMAIL FROM:<b@s.test>\r\nRCPT TO:<u@d.test>\r\nDATA\r\n')
        for start in ('250 2.0.0', '250 2.1.0', '250 2.1.5', '354 '):
            wire.expect(start)
        wire.send(b'Subject: second\r\n\r\nx\r\n.\r\nQUIT\r\n')
        wire.expect('250 2.0.0')
        wire.expect('221 2.0.0')
        wire.expect_end()
        got = server.wait_messages(2)
        equal([message.return_path for message in got], ['a@s.test', 'b@s.test'], 'senders')
        equal(got[0].content, MESSAGE, 'the first')


def test_every_octet_of_a_binary_message_arrives():
    content = bytes(range(256)).replace(b'\r', b'').replace(b'\n', b'').replace(b'\0', b'') * 400 + b'\r\n'
    message = b'Subject: x\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: binary\r\n\r\n' + content
    with Server() as server, server.connect() as wire:
        wire.greet()
        wire.command('MAIL FROM:<a@s.test> BODY=BINARYMIME', '250 ')
        wire.command('RCPT TO:<u@d.test>', '250 ')
        wire.send(b'BDAT %d LAST\r\n' % len(message) + message)
        wire.expect('250 2.0.0')
        equal(server.wait_messages(1)[0].content == message, True, 'equal')


def test_a_message_that_ends_with_its_connection_is_none():
    with Server() as server:
        for end in (b'', b'.', b'.\r'):
            with server.connect() as wire:
                wire.greet()
                wire.begin()
                wire.send(stuffed(MESSAGE) + end)
        server.wait_log('lost connection')
        server.wait_messages(0)
