#!/usr/bin/env python3
"""The integration tests: the built server, real sockets, real clients. Runs every test_* function of every test_*.py beside it and
in tests/fault and tests/regress, and what a module's cases() yields as (name, function). $POSTERN is the server (build/release/postern otherwise).

  run_all.py [--only PART] [--long] [--list]      --only: the tests whose name has PART in it; --long: all that takes minutes as well

Prints `ok NAME` or `FAILED NAME: why` a test, then `N passed, N failed`; exit 1 when one failed or none ran."""
import argparse
import importlib
import faulthandler
import os
import signal
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDERS = [HERE, *(os.path.join(os.path.dirname(HERE), name) for name in ('fault', 'regress'))]
sys.path[:0] = FOLDERS
sys.dont_write_bytecode = True
TEST_MAX = 900  # seconds, for one test; each of its waits has a shorter end of its own


def tests_of(module):
    prefix = module.__name__.removeprefix('test_')
    for name, value in vars(module).items():
        if name.startswith('test_') and callable(value):
            yield f'{prefix}/{name.removeprefix("test_")}', value
    for name, value in getattr(module, 'cases', lambda: [])():
        yield f'{prefix}/{name}', value


def collect(only, long):
    """Modules with their tests that are wanted."""
    for file in (name for folder in FOLDERS for name in sorted(os.listdir(folder))):
        if not (file.startswith('test_') and file.endswith('.py')):
            continue
        module = importlib.import_module(file[:-3])
        yield module, [(name, test) for name, test in tests_of(module) if only in name and (long or not getattr(test, 'long', False))]


def give_up(*_):
    faulthandler.dump_traceback()
    raise TimeoutError(f'not done after {TEST_MAX} s')


def run(name, test):
    began = time.monotonic()
    signal.alarm(TEST_MAX)
    try:
        test()
    except Exception as trouble:  # whatever it is, the next test runs
        where = traceback.extract_tb(trouble.__traceback__)
        ours = [frame for frame in where if os.path.basename(frame.filename).startswith('test_')] or where
        why = str(trouble) or repr(trouble)
        print(f'FAILED {name}: {type(trouble).__name__}: {why} ({os.path.basename(ours[-1].filename)}:{ours[-1].lineno})', flush=True)
        return False
    finally:
        signal.alarm(0)
    print(f'ok {name} ({time.monotonic() - began:.1f} s)', flush=True)
    return True


def run_module(module, tests):
    """Its tests, and its finish() once any ran: the end of what they share."""
    results = [run(name, test) for name, test in tests]
    if results and hasattr(module, 'finish'):
        results.append(run(f'{module.__name__.removeprefix("test_")}/finish', module.finish))
    return results


def main():
    words = argparse.ArgumentParser(description='integration tests')
    words.add_argument('--only', default='', metavar='PART')
    words.add_argument('--long', action='store_true')
    words.add_argument('--list', action='store_true')
    wanted = words.parse_args()
    signal.signal(signal.SIGALRM, give_up)
    modules = list(collect(wanted.only, wanted.long))
    if wanted.list:
        print('\n'.join(name for _, tests in modules for name, _ in tests))
        return 0
    results = [result for module, tests in modules for result in run_module(module, tests)]
    print(f'{results.count(True)} passed, {results.count(False)} failed')
    return 0 if results and all(results) else 1


if __name__ == '__main__':
    sys.exit(main())
