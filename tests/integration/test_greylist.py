"""Greylisting on a real server whose wall clock is moved: to the second, over a day, and over a restart."""
from deadline import contains, until
from faults import Faulty

DAY = 86400
GREYLISTED, TAKEN = '451 4.7.1 ', '250 2.1.5 '


def ask(server, sender='a@s.test'):
    """The reply to RCPT."""
    with server.connect() as wire:
        wire.greet()
        wire.command(f'MAIL FROM:<{sender}>', '250 ')
        wire.send('RCPT TO:<u@d.test>\r\n')
        said = wire.reply(20).lines[-1]
        wire.quit()
        return said


def test_a_stranger_waits_five_minutes_and_is_known_for_a_day_from_each_pass():
    with Faulty({'role': 'secondary'}, greylist={'mode': 'enforce', 'exempt_senders': ['*.cz']}) as server:
        server.set_clock(0)
        server.start_faulty(clock=True)
        contains(ask(server, 'a@firma.cz'), TAKEN, 'an exempt sender')
        contains(ask(server), GREYLISTED, 'the first attempt')
        at = 0
        for later, reply, what in ((298, GREYLISTED, 'at 4:59'), (2, TAKEN, 'at 5:00'), (DAY - 2, TAKEN, 'a day after the pass, but for a second'),
                                   (DAY - 2, TAKEN, 'and so on from that pass'), (DAY + 1, GREYLISTED, 'a day after the last pass'),
                                   (301, TAKEN, 'five minutes after that')):
            at += later
            server.set_clock(at)
            contains(ask(server), reply, what)
        until('a row on the disk', lambda: 'a@s.test' in server.run('greylist', 'list'))
        server.stop()
        server.start_faulty(clock=True)
        contains(ask(server), TAKEN, 'after a restart')
        contains(ask(server, 'b@s.test'), GREYLISTED, 'another sender')
