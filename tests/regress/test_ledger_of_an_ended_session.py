"""A message whose refusal was the last error that a session may make stood twice in the ledger, the second time with the 421 that ended
the session, and was counted twice."""
from deadline import equal
from server import Server
from test_http import metrics, value
from test_ledger import LOOP, wait_rows


def test_the_refusal_that_ends_a_session_is_one_row_and_one_message():
    with Server(limits={'errors': 1, 'soft_errors': 1}, admin={'http': '127.0.0.1:0'}) as server, server.connect() as wire:
        wire.greet()
        for line in ('MAIL FROM:<a@s.test>', 'RCPT TO:<u@d.test>'):
            wire.command(line, '250 ')
        wire.command('DATA', '354')
        wire.send(LOOP + '.\r\n')
        wire.expect('554 5.4.6 ')
        wire.expect('421 ')
        equal([(row['test'], row['reply'][:9]) for row in wait_rows(server, 'a@s.test', 1)], [('loop', '554 5.4.6')], 'rows')
        equal(value(metrics(server), 'postern_messages_refused_total'), 1, 'messages refused')
        server.wait_log(r'too many errors')
        equal(server.log().count('test=loop'), 1, 'lines of the test')
