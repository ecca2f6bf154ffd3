"""A route to a host whose only address in DNS was for a while this server's own failed its mail for good: DNS may say something else soon."""
from deadline import contains, equal, until
from names import Names
from test_secondary import Secondary, free_port, send


def test_mail_waits_while_dns_points_a_next_hop_at_ourselves():
    with Names(['mx1.p.test. 60 IN A 127.0.0.1']) as names, Secondary(free_port(), knowing=True) as second:
        second.settings['dns'] = {'servers': [names.address()], 'timeout': '2s'}
        second.settings['relay.route']['"d.test"'] = f'mx1.p.test:{second.address()[1]}'
        second.configure()
        second.reload()
        send(second, 'u@d.test')
        until('a try', lambda: not second.queue() or second.queue()[0]['recipients'][0]['tries'] > 0)
        (to,) = [to for one in second.queue() for to in one['recipients']]
        equal((to['address'], to['state']), ('u@d.test', 'waiting'), 'who waits: no notice')
        contains(to['last_reply'], 'loop guard', 'why it waits')
