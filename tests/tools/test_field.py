"""field.py: a point without a test or a reason, and a marker of nothing, are told."""

import unittest

import field

POINTS = {"3.1": {"title": "Streams", "points": {
    "3.1.1": {"title": "one"}, "3.1.2": {"title": "two", "reason": "not built"}}}}
PY = "class A(Case):\n    # field: 3.1.1\n    @skip\n    def test_x(self):\n        pass\n"
C = "/* field: 3.1.1, 3.1.2 */\nstatic void test_y(void)\n{\n}\nadd(\"/y\", test_y);\n"


class FieldTest(unittest.TestCase):
    def read(self, path, text):
        faults = []
        return field.read_file(path, text, faults), faults

    def test_markers(self):
        shown, faults = self.read("a.py", PY)
        self.assertEqual([(s.name, s.points, faults) for s in shown], [("A.test_x", ["3.1.1"], [])])
        shown, faults = self.read("a.c", C)
        self.assertEqual([(s.name, s.points, faults) for s in shown],
                         [("test_y", ["3.1.1", "3.1.2"], [])])

    def test_bad_markers(self):
        for path, text in (("a.py", PY.replace("3.1.1", "3.1")), ("a.py", PY.replace("test_x", "x")),
                           ("a.c", C.replace("add", "").replace("(\"/y\", test_y);", "")),
                           ("a.c", "/* field: 3.1.1 */\n"),
                           ("a.c", "/* field: 3.1.1 */\n" + C)):
            self.assertTrue(self.read(path, text)[1], text)

    def test_judge(self):
        for shown, count in (([], 1), ([field.Shown("a", "t", ["3.1.1"])], 0),
                             ([field.Shown("a", "t", ["3.1.1", "3.1.9"])], 1)):
            faults = []
            field.judge(POINTS, shown, faults)
            self.assertEqual(len(faults), count, faults)

    def test_page(self):
        page = field.write(POINTS, [field.Shown("unit/a.c", "test_y", ["3.1.1"])])
        self.assertIn("## 3.1 Streams", page)
        self.assertIn("[`test_y`](unit/a.c)", page)
        self.assertIn("not built", page)


if __name__ == "__main__":
    unittest.main()
