"""A chart for the README: what it costs to get a session, change a field and save it, a bar for each contestant."""

import math
from html import escape

GROUPS = {"node.store.small": "Node", "python.store.small": "Python", "rust.store.small": "Rust"}
WIDTH, NAMES, ROW, BAR = 860, 330, 20, 13
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .head { font-weight: 600; font-size: 13px }
  .small { font-size: 11px; fill: #57606a }
  .ours { fill: #1a7f37 }
  .peer { fill: #8c959f }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9da7b3 } .ours { fill: #3fb950 } .peer { fill: #6e7681 }
  }"""


def svg(figures, origin=""):
    shown = {key: figure for key, figure in figures.items() if key[0] in GROUPS}
    if not shown:
        return ""
    low = 10 ** math.floor(math.log10(min(figure.median for figure in shown.values())))
    high = max(figure.median for figure in shown.values())
    scale = (WIDTH - NAMES - 90) / math.log10(high / low * 1.05)
    drawn, y = [], 34
    for group, language in GROUPS.items():
        contestants = [(name, figure.median) for (of, name), figure in shown.items() if of == group]
        if not contestants:
            continue
        y += 10
        drawn.append(f'<text class="head" x="8" y="{y}">{language}</text>')
        y += 8
        for name, median in sorted(contestants, key=lambda one: one[1]):
            length = max(2, math.log10(median / low) * scale)
            kind = "ours" if name.startswith("sessile") else "peer"
            drawn.append(f'<text x="{NAMES - 8}" y="{y + 11}" text-anchor="end">{escape(name)}</text>')
            drawn.append(f'<rect class="{kind}" x="{NAMES}" y="{y}" width="{length:.0f}" height="{BAR}" rx="2"/>')
            drawn.append(f'<text class="small" x="{NAMES + length + 6:.0f}" y="{y + 11}">{micros(median)}</text>')
            y += ROW
        y += 14
    y += 10
    title = "Get a session, change one field, save it: µs each, logarithmic, shorter is better"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}" role="img" aria-label="{title}">'
    return "\n".join([head, f"<style>{STYLE}\n</style>", f'<text x="8" y="18">{title}</text>', *drawn, f'<text class="small" x="8" y="{y - 4}">{escape(origin)}</text>', "</svg>", ""])


def micros(nanos):
    return f"{nanos / 1000:,.3g}" if nanos < 1e6 else f"{nanos / 1000:,.0f}"
