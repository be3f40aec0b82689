"""The results as a Markdown table."""

from .goals import GOALS
from .stats import Figure, ratio

TITLES = {
    "store.small": "Get session, change one field, save: 8 fields, 0.5 KB",
    "store.large": "Get session, change one field, save: 20 fields, 4 KB",
    "local.small": "Local put + get of one small field",
    "local.1kb": "Local put + get of one field of 1 KB",
    "fork": "Sub-process: fork + discard",
    "global.get3.memory": "Global get of 3 fields, memory",
    "global.get3.sqlite": "Global get of 3 fields, SQLite",
    "global.put.sqlite": "Global put of one field, SQLite, `interval`",
    "token.known": "Token check, known",
    "step.512": "GET step of 3 fields into 0.5 KB",
    "step.2048": "GET step of 3 fields into 2 KB",
    "step.16384": "GET step of 3 fields into 16 KB",
    "border": "Border cost",
    "redis": "Redis, unpinned",
    "redis.1": "Redis, one at a time, unpinned",
    "redis.64": "Redis, 64 in flight, unpinned",
    "postgres": "PostgreSQL, unpinned",
    "postgres.get": "PostgreSQL get, unpinned",
    "postgres.put": "PostgreSQL put, unpinned",
    "commit": "Durable puts (`commit`), unpinned: an operation is one put",
    "scale": "Scale: SQLite at 10,000 and 1,000,000 sessions",
    "scale.growth": "Scale: growth of the cost of a put from 10,000 to 1,000,000 sessions",
    "threads.memory": "Reads in memory on one thread and on two, unpinned",
    "threads.sqlite": "Reads from SQLite on one thread and on two, unpinned",
    "memory.execution": "Memory of an open execution with an empty Local session",
    "memory.small": "Memory of sessions in `memory:`, 0.5 KB of JSON each",
    "memory.large": "Memory of sessions in `memory:`, 4 KB of JSON each",
    "growth": "Growth of memory over many steps",
}
LANGUAGES = {"rust": "Rust", "node": "Node", "python": "Python", "c": "C", "cpp": "C++"}
SCALES = {"ns": ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns"))}


def markdown(facts, figures):
    lines = [f"# Results of {facts['date']}", "", about(facts), ""]
    lines += goals_table(figures, facts.get("only"))
    for group in dict.fromkeys(group for group, _ in figures):
        lines += group_table(group, {name: figure for (of, name), figure in figures.items() if of == group})
    return "\n".join(lines) + "\n"


def about(facts):
    machine = ", ".join(f"{name}: {value}" for name, value in facts["machine"].items())
    kind = "a quick run: no more than an impression" if facts["quick"] else "a full run"
    return (
        f"{kind.capitalize()}; {facts['rounds']} rounds, contestants in turns. A figure is the median, in brackets the quartiles. "
        f"“× ours” is that contestant's cost over the first one's; where the spread is larger than the difference there is none. {machine}."
    )


def goals_table(figures, only):
    """What became of the goals; of some rows only, where only some were asked for."""
    lines = ["## Goals", "", "| | goal | row | measured | |", "|---|---|---|---|---|"]
    for goal in GOALS:
        checked = goal.check(figures)
        if only and checked.verdict == "not measured":
            continue
        mark = {"reached": "✓", "missed": "✗", "not measured": "", "not told apart": ""}[checked.verdict.split(",")[0]]
        lines.append(f"| {goal.number} | {goal.text} | {title_of(goal.group)} | {checked.measured} | {mark} {checked.verdict} |")
    return [*lines, ""]


def group_table(group, contestants):
    lines = [f"## {title_of(group)}", "", "| | cost | × ours |", "|---|---|---|"]
    first = next(iter(contestants.values()))
    if group.split(".")[0] not in LANGUAGES:
        # Nobody is beside it.
        return [*lines[:2], "| | |", "|---|---|", *(f"| {name} | {shown(figure)} |" for name, figure in contestants.items()), ""]
    for name, figure in contestants.items():
        lines.append(f"| {name} | {shown(figure)} | {'' if figure is first else compared(figure, first)} |")
    return [*lines, ""]


def compared(figure, first):
    if figure.unit != first.unit or not first.median:
        return ""
    times = ratio(figure, first)
    return "not told apart" if times is None else f"{times:.2f} ×"


def shown(figure: Figure):
    first, third = figure.quartiles
    for scale, unit in SCALES.get(figure.unit, ((1, figure.unit),)):
        if figure.median >= scale or scale == 1:
            quartiles = f" ({first / scale:,.4g}–{third / scale:,.4g})" if len(figure.values) > 1 else ""
            return f"{figure.median / scale:,.4g} {unit}{quartiles}"
    raise AssertionError(figure)


def title_of(group):
    language, _, rest = group.partition(".")
    if language not in LANGUAGES:
        return {"import": "Import", "size": "Size of what is shipped"}[language] + (f", {rest.capitalize()}" if rest else "")
    if rest.startswith("token.") and rest.endswith(".cold"):
        title = f"Token check, cold, {rest.split('.')[1]}"
    elif rest.startswith("seal."):
        title = f"Seal and open {rest.split('.')[1]} bytes, by those who could"
    else:
        title = TITLES[rest]
    return f"{LANGUAGES[language]}: {title}"
