"""The books of a run: cells by pair, excuses, the floor, and how all of it is printed.

A pair is a row and a column of a table; a cell is one record in it.
"""

import json
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
EXCUSED = HERE / "excused.json"
FLOOR = HERE / "passed.json"

EXCUSED_SHARE = 0.03

# Why a cell may fail: a closed list.
CAUSES = {
    "misfiled": "the record is no exchange of the API it is filed under",
    "edited": "its source has edited the record by hand into what no vendor answers",
    "inexpressible": "the asking API has no place for what the record says, and nothing is lost "
                     "silently",
    "refused": "its own vendor refused the request: nobody can say what it means",
    "undefined": "the vendor's documentation leaves open what the record means",
}


class Excuses:
    def __init__(self, path=EXCUSED):
        self.entries = json.loads(path.read_text()) if path.exists() else []
        self.known = {}
        for entry in self.entries:
            if set(entry) - {"note"} != {"id", "pair", "cause"} or entry["cause"] not in CAUSES:
                raise SystemExit("%s: not an excuse: %r" % (path.name, entry))
            self.known[(entry["pair"], entry["id"])] = entry["cause"]

    def cause(self, pair, record):
        return self.known.get((pair, record.id))


class Table:
    """`title` also begins the name of each of its pairs: "answers openai.chat > gemini"."""

    def __init__(self, title, rows, columns):
        self.title, self.rows, self.columns = title, rows, columns
        self.cells = {}           # pair -> {id: (state, problems)}
        self.absent = set()       # pairs that could not be played at all
        self.stale = []           # (pair, id) of cells that are excused and pass

    def pair(self, row, column):
        return "%s %s > %s" % (self.title, row, column)

    def enter(self, row, column, record, problems, excuses):
        pair = self.pair(row, column)
        cause = excuses.cause(pair, record)
        if cause:
            state = "excused" if problems else "failed"
            if not problems:
                self.stale.append((pair, record.id))
            problems = problems or ["it is excused (%s) and passes: take the excuse back" % cause]
        else:
            state = "failed" if problems else "passed"
        self.cells.setdefault(pair, {})[record.id] = (state, problems)
        return state

    def count(self, pair):
        states = [state for state, _ in self.cells.get(pair, {}).values()]
        return {name: states.count(name) for name in ("passed", "excused", "failed")}

    def print(self):
        width = max([len(row) for row in self.rows] + [10])
        print("\n%s (passed/excused/failed)" % self.title)
        print(" " * width + "".join("%20s" % column for column in self.columns))
        for row in self.rows:
            line = ""
            for column in self.columns:
                pair = self.pair(row, column)
                if pair in self.absent:
                    line += "%20s" % "absent"
                elif pair not in self.cells:
                    line += "%20s" % "-"
                else:
                    n = self.count(pair)
                    line += "%20s" % ("%(passed)d/%(excused)d/%(failed)d" % n)
            print("%-*s%s" % (width, row, line))

    def failing(self, most):
        """The first failing cells of each pair, with their problems."""
        for pair, cells in self.cells.items():
            bad = [(ident, problems) for ident, (state, problems) in cells.items()
                   if state == "failed"]
            if bad:
                yield pair, bad[:most], len(bad)


def judge(tables, excuses, floor, complete):
    """Faults of the run as a whole, beside the failed cells. `complete`: every record was played,
    recordings included, so that the floor holds."""
    faults = []
    seen = set()
    for table in tables:
        for pair in sorted(table.absent):
            faults.append("%s: cannot be played" % pair)
        faults += ["%s: %s is excused and passes" % cell for cell in table.stale]
        for pair, cells in table.cells.items():
            n = table.count(pair)
            seen |= {(pair, ident) for ident in cells}
            total = len(cells)
            if n["excused"] > EXCUSED_SHARE * total:
                faults.append("%s: %d of %d cells are excused, more than %g %%" %
                              (pair, n["excused"], total, EXCUSED_SHARE * 100))
            if complete and n["passed"] < floor.get(pair, 0):
                faults.append("%s: %d cells pass, there were %d once" %
                              (pair, n["passed"], floor[pair]))
    if complete:
        faults += ["%s: an excuse for %s, which is not there" % key
                   for key in sorted(set(excuses.known) - seen)]
        gone = set(floor) - {pair for table in tables for pair in table.cells}
        faults += ["%s: has a floor and was not played" % pair for pair in sorted(gone)]
    return faults


def read_floor():
    return json.loads(FLOOR.read_text()) if FLOOR.exists() else {}


def raise_floor(tables, floor):
    """The floor only rises. What is malformed is chosen by a seed: its floor holds with seed 0."""
    for table in tables:
        for pair in table.cells:
            floor[pair] = max(floor.get(pair, 0), table.count(pair)["passed"])
    FLOOR.write_text(json.dumps(dict(sorted(floor.items())), indent=1) + "\n")


def write_json(path, tables, faults):
    out = {"faults": faults, "tables": [
        {"title": table.title, "rows": table.rows, "columns": table.columns,
         "absent": sorted(table.absent),
         "pairs": {pair: dict(table.count(pair), cells={
             ident: {"state": state, "problems": problems}
             for ident, (state, problems) in cells.items() if state != "passed"})
             for pair, cells in table.cells.items()}} for table in tables]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(out, indent=1) + "\n")
