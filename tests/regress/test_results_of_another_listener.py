"""A client of one listener could forge Authentication-Results in the name of another one of ours, or of server.hostname."""
from deadline import equal
from server import Server

OURS = ('mx.d.test', 'MX2.d.test', 'main.d.test')


def test_results_in_any_name_of_ours_are_left_out():
    listeners = [{'hostname': OURS[0]}, {'name': 'second', 'hostname': OURS[1]}]
    with Server(listeners, server={'hostname': OURS[2]}) as server, server.connect('second') as wire:
        wire.greet()
        forged = ''.join(f'Authentication-Results: (;) {name}; dmarc=pass\r\n' for name in OURS)
        other = 'Authentication-Results: other.test; dmarc=pass\r\n'
        wire.deliver((forged + other + '\r\nx\r\n').encode(), 'u@d.test')
        equal(server.wait_messages(1)[0].content.replace(b'\r\n', b'\n'), (other + '\r\nx\r\n').encode().replace(b'\r\n', b'\n'), 'the message')
