#!/usr/bin/env python3
"""Draws the figures of tests/load as an SVG: plot.py FIGURES >performance.svg

FIGURES has a line for each: measure, server, value, errors, separated by tabs; several of one measure and server count as
their mean. Bars of one group share a scale that begins at 0. Narrow enough for a phone; light or dark, as the reader's
system is.
"""
import sys
from html import escape

# Class, name, what is added to the measure's name, and the server.
BARS = [
    ("stoa", "Stoa", "", "stoa"),
    ("stoa uncached", "Stoa, no cache", "-uncached", "stoa"),
    ("bare", "bare hyper", "", "bare"),
    ("pocketbase", "PocketBase", "", "pocketbase"),
]
# Title, what its numbers are, whether all bars share one scale, and the measures with their names.
GROUPS = [
    ("One record", "requests per second", True, {"get-hot": "always the same", "get-random": "all over the table"}),
    ("A list of 20 records", "requests per second", True, {"list-20": "by index", "sorted-20": "filtered and sorted"}),
    ("Writes, durable when answered", "requests per second", True, {"post": "a new record", "patch": "a change of one"}),
    ("Start and memory", "less is better", False,
     {"start": "start to first answer, ms", "loaded": "anonymous memory after the loads, MB"}),
]

WIDTH, MARGIN, NAMES, VALUES = 440, 20, 110, 64
BAR, BETWEEN_BARS, BETWEEN_MEASURES, BETWEEN_GROUPS = 16, 5, 12, 30
LONGEST = WIDTH - 2 * MARGIN - NAMES - VALUES

STYLE = """
    text { font: 14px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; fill: #1f2328 }
    .background { fill: #ffffff } .rule { stroke: #d1d9e0 } .title { font-size: 17px; font-weight: 600 }
    .quiet { fill: #59636e; font-size: 13px } .number { font-variant-numeric: tabular-nums; font-size: 13px }
    .end { text-anchor: end } .strong { font-weight: 600 }
    .stoa { fill: #0969da } .uncached { opacity: 0.6 } .bare { fill: #afb8c1 } .pocketbase { fill: #d4863a }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 } .background { fill: #0d1117 } .rule { stroke: #3d444d } .quiet { fill: #9198a1 }
      .stoa { fill: #4493f8 } .bare { fill: #59636e } .pocketbase { fill: #c9762b }
    }
"""


def read(path):
    """The mean of each measure and server; what had errors says nothing and is left out."""
    values, broken = {}, set()
    with open(path, encoding="utf-8") as figures:
        for line in figures:
            measure, server, value, errors = line.rstrip("\n").split("\t")
            values.setdefault((measure, server), []).append(float(value))
            if float(errors) > 0:
                broken.add((measure, server))
    return {key: sum(all_of) / len(all_of) for key, all_of in values.items() if key not in broken}


def bars(figures, measure):
    """(class, name, value) of those that have one; none if Stoa has none."""
    if (measure, "stoa") not in figures:
        return []
    found = ((kind, name, figures.get((measure + added, server))) for kind, name, added, server in BARS)
    return [bar for bar in found if bar[2]]


def shown(value, unit):
    return f"{value:,.0f}" if unit == "requests per second" else f"{value:.1f}"


class Drawing:
    def __init__(self):
        self.y, self.parts = MARGIN, []

    def text(self, x, words, *classes):
        self.parts.append(f'<text x="{x:g}" y="{self.y:g}" class="{" ".join(classes)}">{escape(words)}</text>')

    def bar(self, kind, name, length, number):
        baseline, left = self.y + BAR - 3.5, MARGIN + NAMES
        strong = ["strong"] if kind == "stoa" else []
        self.parts.append(f'<rect x="{left}" y="{self.y:g}" width="{length:.1f}" height="{BAR}" rx="2" class="{kind}"/>')
        self.y = baseline
        self.text(left - 8, name, "number", "end", *strong)
        self.text(left + length + 6, number, "number", *strong)
        self.y += 3.5 + BETWEEN_BARS

    def group(self, title, unit, shares_scale, measures):
        self.y += 17
        self.text(MARGIN, title, "title")
        self.y += 19
        self.text(MARGIN, unit, "quiet")
        self.y -= 2
        longest = max(value for found in measures.values() for _, _, value in found)
        for name, found in measures.items():
            self.y += BETWEEN_MEASURES + 14
            self.text(MARGIN, name)
            self.y += 8
            most = longest if shares_scale else max(value for _, _, value in found)
            for kind, server, value in found:
                # A figure too small for the scale stays visible.
                self.bar(kind, server, max(value / most * LONGEST, 1.5), shown(value, unit))

    def rule(self):
        self.y += BETWEEN_GROUPS / 2
        self.parts.append(f'<path d="M{MARGIN} {self.y:g}H{WIDTH - MARGIN}" class="rule"/>')
        self.y += BETWEEN_GROUPS / 2

    def svg(self, description):
        height = self.y + MARGIN
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:g}" viewBox="0 0 {WIDTH} {height:g}" role="img">',
            f"  <title>What Stoa serves</title>\n  <desc>{escape(description)}</desc>\n  <style>{STYLE}  </style>",
            f'  <rect class="background" width="{WIDTH}" height="{height:g}" rx="6"/>',
            *(f"  {part}" for part in self.parts),
            "</svg>",
        ])


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    figures, drawing, told = read(sys.argv[1]), Drawing(), []
    for title, unit, shares_scale, names in GROUPS:
        measures = {name: found for measure, name in names.items() if (found := bars(figures, measure))}
        if not measures:
            continue
        if told:
            drawing.rule()
        drawing.group(title, unit, shares_scale, measures)
        for name, found in measures.items():
            told.append(f"{title}, {name}: " + ", ".join(f"{server} {shown(value, unit)}" for _, server, value in found))
    if not told:
        sys.exit("plot.py: no figures of Stoa")
    print(drawing.svg(". ".join(told) + "."))


if __name__ == "__main__":
    main()
