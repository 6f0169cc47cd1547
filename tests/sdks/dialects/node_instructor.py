"""Instructor for Node, the same cases: `node_instructor.py SUITE NODE FOLDER [CELLS]`."""

import sys

import extract
from extract import Extractor
from node_suite import NodeSdk


class Instructor(Extractor):
    name = "node instructor"

    def __init__(self, url):
        self.worker = NodeSdk(url)
        self.close = self.worker.close

    def _ask(self, mode, model, **asked):
        self.worker.key = mode
        return self.worker.ask(model, False, asked)

    def extract(self, mode, model, kind, retries):
        return self._ask(mode, model, kind=kind, retries=retries)

    def partial(self, mode, model, kind):
        got = self._ask(mode, model, kind=kind, partial=True)
        return got["last"], got["different"]

    def tenants(self, mode, models):
        return self._ask(mode, None, kind="person", tenants=models)

    def fallback(self, mode, first, second):
        return self._ask(mode, first, kind="person", backup=second)


if __name__ == "__main__":
    sys.exit(extract.run(Instructor, " ".join(sys.argv[4:])))
