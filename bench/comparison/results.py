"""Medians, ratios and what they are held to; as a table, as JSON and as a picture."""
import html
import json
import math
import statistics

from comparison.cases import METRICS, OWN, RATIO, VERSUS_MANY, number

SHOWN = ('rate', 'cpu_us', 'p50_ms', 'p99_ms', 'first_reply_ms', 'own_mib', 'resident_mib', 'flushes')


def medians(runs):
    names = [name for name in runs[0]['metrics']] if runs else []
    return {name: statistics.median(run['metrics'][name] for run in runs) for name in names}


class Results:
    """runs: {case: {server: [run, ...]}}, filled as runs end."""

    def __init__(self, cases, about):
        self.cases = cases
        self.about = about
        self.runs = {case.name: {'postern': [], 'postfix': [], 'bare': []} for case in cases}

    def add(self, case, server, run):
        self.runs[case.name][server].append(run)

    def of(self, case_name, server):
        return medians(self.runs.get(case_name, {}).get(server, []))

    def value(self, case, target):
        """The figure that a target is about; None when a run is missing."""
        ours = self.of(case.name, 'postern').get(target.metric)
        beside = {OWN: 1, RATIO: self.of(case.name, 'postfix').get(target.metric),
                  VERSUS_MANY: self.of('many', 'postern').get(target.metric)}[target.of]
        return None if ours is None or not beside else ours / beside

    def verdicts(self):
        """(case, target, value, met)"""
        for case in self.cases:
            for target in case.targets:
                value = self.value(case, target)
                yield case, target, value, value is not None and target.met(value)

    def missed(self):
        return [one for one in self.verdicts() if not one[3]]

    # As a table

    def table(self):
        lines = []
        for case in self.cases:
            if self.runs[case.name]['postern']:
                lines += self.case_lines(case) + ['']
        lines += [f'{"case":10} {"what":24} {"wanted":>14} {"found":>10}']
        for case, target, value, met in self.verdicts():
            found = '-' if value is None else number(value)
            lines.append(f'{case.name:10} {METRICS[target.metric][0]:24} {target.text():>14} {found:>10}  {"met" if met else "MISSED"}')
        return '\n'.join(lines)

    def case_lines(self, case):
        first = self.runs[case.name]['postern'][0]
        lines = [f'{first["load"]["name"]} ({first["load"]["done"]} {first["load"]["unit"]} in the first run)', f'  {"":24} {"Postern":>12} {"Postfix":>12} {"ratio":>8}']
        ours, theirs = self.of(case.name, 'postern'), self.of(case.name, 'postfix')
        shown = SHOWN + (('resumed',) if case.name == 'resume' else ()) + (('session_kib',) if case.alone else ())
        for metric in shown:
            title, unit, digits = METRICS[metric]
            values = [f'{side[metric]:.{digits}f}' if side else '-' for side in (ours, theirs)]
            ratio = number(ours[metric] / theirs[metric]) if theirs and theirs[metric] else '-'
            lines.append(f'  {(title + " " + unit).strip():24} {values[0]:>12} {values[1]:>12} {ratio:>8}')
        if bare := self.of(case.name, 'bare'):
            lines.append(f'  a bare receiver: {bare["rate"]:.0f}/s, {bare["cpu_us"]:.0f} us each, p50 {bare["p50_ms"]:.2f} ms; '
                         f'beside it Postern {number(ours["rate"] / bare["rate"])}'
                         + (f', Postfix {number(theirs["rate"] / bare["rate"])}' if theirs else ''))
        for server, runs in self.runs[case.name].items():
            failed = sum(run['metrics']['failed'] for run in runs)
            if failed:
                lines.append(f'  {server}: {failed} FAILED: {first_trouble(runs)}')
        others = max(run['metrics']['others_cpus'] for runs in self.runs[case.name].values() for run in runs)
        lines.append(f'  processors that others kept busy, at most: {others:.2f}')
        return lines

    # As files

    def write_json(self, path):
        verdicts = [{'case': case.name, 'metric': target.metric, 'of': target.of, 'wanted': target.text(), 'found': value, 'met': met}
                    for case, target, value, met in self.verdicts()]
        with open(path, 'w', encoding='utf-8') as file:
            json.dump({**self.about, 'verdicts': verdicts, 'runs': self.runs}, file, indent=1)
            file.write('\n')

    def write_svg(self, path):
        rows = [one for one in self.verdicts() if one[2] is not None]
        with open(path, 'w', encoding='utf-8') as file:
            file.write(picture(rows, self.about))


def first_trouble(runs):
    for run in runs:
        for trouble in run['load']['unexpected']:
            return f'{trouble["stage"]} {trouble["code"]}: {trouble["first"]}'
    return ''


def times_better(target, value):
    """How many times over a target is met: 1 = just, less = missed."""
    if target.at_least is not None:
        return value / target.at_least
    return target.at_most / value if value > 0 else 100


def picture(rows, about):
    """A bar a target; the line in the middle is the target, the scale goes from a tenth of it to ten times it."""
    left, width, row_height, top = 330, 440, 24, 60
    height = top + row_height * len(rows) + 40
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 {height}" font-family="sans-serif" font-size="12">',
           f'<rect width="900" height="{height}" fill="#fff"/>',
           f'<text x="20" y="24" font-size="14">Postern beside Postfix {html.escape(about["postfix"])}: how many times over each target is met</text>']

    def x_of(times):
        return left + width * (math.log10(min(10, max(0.1, times))) + 1) / 2

    for times in (0.1, 0.5, 1, 2, 5, 10):
        x = x_of(times)
        out.append(f'<path d="M{x:.1f} {top - 8}V{height - 32}" stroke="{"#333" if times == 1 else "#ddd"}"/>')
        out.append(f'<text x="{x:.1f}" y="{height - 16}" text-anchor="middle">{number(times)}</text>')
    for index, (case, target, value, met) in enumerate(rows):
        y = top + index * row_height
        x = sorted((x_of(1), x_of(times_better(target, value))))
        label = html.escape(f'{case.name}: {METRICS[target.metric][0]} {target.text()}')
        out.append(f'<text x="{left - 10}" y="{y + 12}" text-anchor="end">{label}</text>')
        out.append(f'<rect x="{x[0]:.1f}" y="{y}" width="{max(1, x[1] - x[0]):.1f}" height="16" fill="{"#3a7d44" if met else "#b3312f"}"/>')
        out.append(f'<text x="{left + width + 12}" y="{y + 12}">{number(value)}</text>')
    return '\n'.join(out + ['</svg>', ''])
