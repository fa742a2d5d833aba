#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What readers that are not ours make of the samples of flame_samples (its path is argv[1]): expat of
the pictures, the readers of folded lines, speedscope's file format."""

import bisect
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

SAMPLES = ("empty", "single", "typical", "large", "crowded", "hostile")
TOTALS = {"empty": 0, "single": 1, "typical": 3856, "hostile": 230}
SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "title", "style", "g", "rect", "text", "tspan", "script"}
ATTRIBUTES = {"class", "x", "y", "dx", "width", "height", "viewBox", "fill", "fill-opacity", "stroke", "stroke-width",
              "font-family", "font-size", "font-weight", "text-anchor", "visibility", "data-column"}
# How flamegraph.pl, speedscope (bg-flamegraph.ts) and inferno (merge.rs) take a folded line apart.
FLAMEGRAPH_PL = re.compile(r"^(.*)\s+?(\d+(?:\.\d*)?)$", re.ASCII)
SPEEDSCOPE = re.compile(r"^([^\n\r\u2028\u2029]*) (\d+)$", re.ASCII)


def read(sample, ending):
    return (DIRECTORY / f"{sample}.{ending}").read_bytes().decode("utf-8")


class Box:
    def __init__(self, group):
        rect = group.find(f"{SVG}rect")
        self.left, self.top, self.width = (float(rect.get(name)) for name in ("x", "y", "width"))
        self.right = self.left + self.width
        self.title = group.find(f"{SVG}title").text.split("\n")
        self.weight = int(self.title[-1].split()[0].replace(",", ""))
        self.texts = group.findall(f"{SVG}text")


def boxes_of(root):
    return [Box(group) for group in root.iter(f"{SVG}g") if group.get("class")]


class Pictures(unittest.TestCase):
    def each(self):
        for sample in SAMPLES:
            with self.subTest(sample):
                yield sample, ElementTree.fromstring(read(sample, "svg").encode())

    def test_hold_nothing_but_what_we_draw(self):
        for _, root in self.each():
            scripts = 0
            for element in root.iter():
                self.assertIn(element.tag.removeprefix(SVG), ELEMENTS)
                self.assertLessEqual(set(element.attrib), ATTRIBUTES)
                scripts += element.tag == f"{SVG}script"
            self.assertEqual(scripts, 1)

    def test_boxes_stand_on_boxes(self):
        for sample, root in self.each():
            rows = {}
            for box in boxes_of(root):
                rows.setdefault(box.top, []).append(box)
            for row in rows.values():
                row.sort(key=lambda box: box.left)
                for box, following in zip(row, row[1:]):
                    self.assertLessEqual(box.right, following.left + 1e-6)
            tops = sorted(rows, reverse=True)
            self.assertEqual(len(rows[tops[0]]), 1, "one root")
            self.assertEqual(rows[tops[0]][0].weight, TOTALS.get(sample, rows[tops[0]][0].weight))
            for below, above in zip(tops, tops[1:]):
                self.assertEqual(below - above, 18)
                lefts = [box.left for box in rows[below]]
                for box in rows[above]:
                    at = bisect.bisect_right(lefts, box.left + 1e-6) - 1
                    self.assertGreaterEqual(at, 0, f"{box.title} stands on nothing")
                    self.assertLessEqual(box.right, rows[below][at].right + 1e-6, f"{box.title} sticks out")
                    self.assertLessEqual(box.weight, rows[below][at].weight)

    def test_text_fits_its_box(self):
        for _, root in self.each():
            column = float(root.get("data-column"))
            for box in boxes_of(root):
                taken = 0
                for text in box.texts:
                    x = float(text.get("x"))
                    self.assertTrue(box.left < x < box.right)
                    taken += len("".join(text.itertext())) * column
                    taken += sum(float(part.get("dx")) for part in text)
                self.assertLessEqual(taken, max(0, box.width - 8) + 1e-6, box.title)

    def test_everything_is_within_the_picture(self):
        for _, root in self.each():
            width, height = float(root.get("width")), float(root.get("height"))
            self.assertEqual(root.get("viewBox"), f"0 0 {width:.0f} {height:.0f}")
            for box in boxes_of(root):
                self.assertTrue(0 <= box.left and box.right <= width and 0 <= box.top <= height - 18)


class FoldedLines(unittest.TestCase):
    def test_every_reader_sees_the_same_stacks(self):
        for sample in SAMPLES:
            with self.subTest(sample):
                content = read(sample, "folded")
                lines = content.split("\n")
                self.assertEqual(lines.pop(), "")
                self.assertEqual(len(set(line.rsplit(" ", 1)[0] for line in lines)), len(lines))
                for line in lines:
                    self.assertEqual(line.splitlines(), [line])
                    self.assertTrue(line.isprintable(), repr(line))
                    stack, count = FLAMEGRAPH_PL.match(line).groups()
                    self.assertEqual((stack, count), SPEEDSCOPE.match(line).groups())
                    self.assertIsNone(FLAMEGRAPH_PL.match(stack), f"a second count: {line}")
                    self.assertEqual(line, line.strip())
                    self.assertTrue(all(name.strip() for name in stack.split(";")))
                total = sum(int(line.rsplit(" ", 1)[1]) for line in lines)
                self.assertEqual(total, TOTALS.get(sample, json.loads(
                    read(sample, "speedscope.json"))["profiles"][0]["endValue"]))


class Speedscope(unittest.TestCase):
    """The types of speedscope's file-format-spec.ts, as far as a sampled profile goes."""

    def check_members(self, thing, required, optional=()):
        self.assertEqual(set(thing) - set(optional) - set(required), set(), "unknown members")
        self.assertEqual(set(required) - set(thing), set(), "missing members")

    def check_frame(self, frame):
        self.check_members(frame, {"name"}, {"file", "line", "col"})
        self.assertIsInstance(frame["name"], str)
        self.assertIsInstance(frame.get("file", ""), str)
        self.assertIsInstance(frame.get("line", 1), int)
        self.assertGreaterEqual(frame.get("line", 1), 1)

    def check_profile(self, profile, frames):
        self.check_members(profile, {"type", "name", "unit", "startValue", "endValue", "samples", "weights"})
        self.assertEqual((profile["type"], profile["unit"], profile["startValue"]), ("sampled", "none", 0))
        self.assertEqual(len(profile["samples"]), len(profile["weights"]))
        self.assertEqual(sum(profile["weights"]), profile["endValue"])
        for sample in profile["samples"]:
            self.assertTrue(sample and all(0 <= index < len(frames) for index in sample))

    def test_files_are_of_its_format(self):
        for sample in SAMPLES:
            with self.subTest(sample):
                document = json.loads(read(sample, "speedscope.json"))
                self.check_members(document, {"$schema", "shared", "profiles"},
                                   {"name", "exporter", "activeProfileIndex"})
                self.assertEqual(document["$schema"], "https://www.speedscope.app/file-format-schema.json")
                self.check_members(document["shared"], {"frames"})
                for frame in document["shared"]["frames"]:
                    self.check_frame(frame)
                self.assertEqual(len(document["profiles"]), 1)
                self.check_profile(document["profiles"][0], document["shared"]["frames"])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        DIRECTORY = pathlib.Path(made)
        subprocess.run([sys.argv.pop(1), made], check=True)
        unittest.main(verbosity=1)
