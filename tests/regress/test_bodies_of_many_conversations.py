"""More conversations with next hops read their bodies at a time than the pool had room for: with few `queue.deliveries` a primary that was
back had its conversations broken off in the middle, and the mail put off."""
from deadline import equal
from test_secondary import MINUTE, Secondary, primary, send

MUCH = 16
BODY = b'Subject: x\r\n\r\n' + (b'y' * 70 + b'\r\n') * 30000  # many blocks


def test_a_primary_that_is_back_gets_all_bodies_at_once():
    port, first = primary()
    with first, Secondary(port, knowing=True, queue={'deliveries': 1}) as second:
        first.stop()
        for _ in range(MUCH):
            send(second, 'u@d.test', content=BODY)
        first.start()
        try:
            second.wait_queue_empty(MINUTE)
        finally:
            replies = {to['last_reply'] for one in second.queue() for to in one['recipients']}
            equal(replies, set(), 'why mail waits')
        first.wait_messages(MUCH)
