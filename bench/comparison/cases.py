"""What is compared, and what is wanted of it. The load of a case is the scenario of its name in bench/scenarios/."""
from dataclasses import dataclass

RATIO = 'ratio' # Postern's figure over Postfix's
OWN = 'own' # Postern's figure
VERSUS_MANY = 'versus many' # Postern's figure over its own in the case `many`

# metric: (what it is called, its unit, digits after the point)
METRICS = {
    'rate': ('a second', '/s', 0),
    'cpu_us': ('processor time each', 'us', 0),
    'p50_ms': ('p50', 'ms', 2),
    'p99_ms': ('p99', 'ms', 2),
    'first_reply_ms': ('last first reply', 'ms', 0),
    'own_mib': ('memory of its own', 'MiB', 1),
    'resident_mib': ('with mapped files', 'MiB', 1),
    'flushes': ('flushes each', '', 3),
    'resumed': ('of the offered resumed', '', 2),
    'session_kib': ('memory a session', 'KiB', 2),
}


@dataclass(frozen=True)
class Target:
    metric: str
    of: str # RATIO, OWN or VERSUS_MANY
    at_least: float | None = None
    at_most: float | None = None

    def met(self, value):
        return value >= self.at_least if self.at_least is not None else value <= self.at_most

    def text(self):
        what = '>= ' + number(self.at_least) if self.at_least is not None else '<= ' + number(self.at_most)
        unit = {RATIO: ' x', OWN: ' ' + METRICS[self.metric][1], VERSUS_MANY: ' x at 100'}[self.of]
        return what + unit.rstrip()


@dataclass(frozen=True)
class Case:
    name: str
    targets: tuple
    keep: bool = True # mail stays in the queue; else it goes into Maildirs
    alone: bool = False # Postern only: Postfix has a process a session
    end_to_end: bool = False # the clock stops when the last message lies in its Maildir
    endless: bool = True # runs for --seconds; else it ends by itself
    relays: bool = False # all mail goes on to smtp-sink, and the clock stops when it has the last message
    proves: bool = False # and it goes to a domain with DANE, over connections that are kept
    bare: bool = False # bench/bare_receiver.cpp can do it too


CASES = (
    Case('many', (Target('rate', RATIO, at_least=10), Target('cpu_us', RATIO, at_most=0.1), Target('p99_ms', RATIO, at_most=1 / 3)), bare=True),
    Case('once', (Target('rate', RATIO, at_least=5), Target('cpu_us', RATIO, at_most=1 / 8)), bare=True),
    Case('alone', (Target('p50_ms', RATIO, at_most=0.7),), bare=True),
    Case('large', (Target('rate', RATIO, at_least=6),), bare=True),
    Case('huge', (Target('rate', RATIO, at_least=3), Target('own_mib', OWN, at_most=64))),
    Case('crowd', (Target('rate', VERSUS_MANY, at_least=0.9), Target('first_reply_ms', OWN, at_most=1000), Target('own_mib', OWN, at_most=48))),
    Case('refuse', (Target('rate', RATIO, at_least=4), Target('cpu_us', RATIO, at_most=0.2)), bare=True),
    Case('starttls', (Target('rate', RATIO, at_least=2),)),
    Case('resume', (Target('resumed', OWN, at_least=0.9),)),
    Case('idle', (Target('session_kib', OWN, at_most=4), Target('rate', OWN, at_least=8000)), alone=True, endless=False),
    Case('idle-tls', (Target('session_kib', OWN, at_most=24),), alone=True, endless=False),
    Case('maildir', (Target('rate', RATIO, at_least=2),), keep=False, end_to_end=True, endless=False),
    Case('relay', (Target('rate', RATIO, at_least=5), Target('cpu_us', RATIO, at_most=1 / 6)), keep=False, end_to_end=True, endless=False,
         relays=True),
    Case('dane', (Target('rate', RATIO, at_least=4),), keep=False, end_to_end=True, endless=False, relays=True, proves=True),
)


def number(value):
    digits = 3 if abs(value) < 1 else 2 if abs(value) < 100 else 0
    text = f'{value:.{digits}f}'
    return text.rstrip('0').rstrip('.') if digits else text
