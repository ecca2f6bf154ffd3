"""postern learn with the real scanner: words are counted once for a message, whatever is put before it on its way, and moved when the user thinks again."""
import json

from deadline import equal
from server import Server

JUNK = 'From: a@s.test\r\nSubject: Cheap watches\r\n\r\nThe best replica watches, today only.\r\n'
TRACED = 'Received: from a by b; Sun, 1 Mar 2026 12:00:00 +0000\r\nX-Spam-Status: No, score=0.0 required=6.0 tests=none\r\n' + JUNK
ENCODED = ('From: a@s.test\r\nSubject: =?utf-8?q?Cheap_watches?=\r\nContent-Transfer-Encoding: base64\r\n\r\n'
           'VGhlIGJlc3QgcmVwbGljYSB3YXRjaGVzLCB0b2RheSBvbmx5Lg==\r\n')


def learned(server, kind, message, *words):
    done = server.call('learn', kind, '--json', *words, stdin=message)
    equal(done.returncode, 0, f'exit code: {done.stderr}')
    return json.loads(done.stdout)


def test_a_message_is_learned_once_whatever_is_put_before_it():
    with Server() as server:
        equal(learned(server, 'spam', JUNK), {'kind': 'spam', 'mailbox': '', 'result': 'learned', 'spam': 1, 'ham': 0}, 'first')
        equal(learned(server, 'spam', TRACED)['result'], 'known', 'with trace fields')
        equal(learned(server, 'spam', ENCODED)['result'], 'known', 'the same words, encoded')
        equal(learned(server, 'ham', JUNK), {'kind': 'ham', 'mailbox': '', 'result': 'moved', 'spam': 0, 'ham': 1}, 'moved')
        mine = learned(server, 'spam', JUNK, '--mailbox', 'u@d.test')
        equal(mine, {'kind': 'spam', 'mailbox': 'u@d.test', 'result': 'learned', 'spam': 1, 'ham': 0}, "a mailbox's own")
        equal(learned(server, 'ham', JUNK)['result'], 'known', 'the server still knows its own')
        equal(server.call('learn', 'spam', '--mailbox', 'nobody@d.test', stdin=JUNK).returncode, 67, 'no such mailbox')
        equal(server.call('learn', 'spam', stdin='').returncode, 65, 'no message')
