# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Opening stacks: the function and the line that opened each socket, of programs as distributions
build them, in C, C++, JavaScript and Java, and of programs that lay traps for who reads them."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import harness
from harness import binary

PROGRAMS = pathlib.Path(os.environ.get("WORKLOADS", "."), "stacks")
SOURCES = pathlib.Path(__file__).parent.parent / "workloads" / "stacks"

# Maps files that are no programs, executable, has a FIFO where the list of its compiled code should
# be, and opens sockets.
TRAPS = """
import ctypes, mmap, os, socket, sys
def map_executable(data):
    fd = os.memfd_create("trap")
    os.write(fd, data)
    kept.append(mmap.mmap(fd, 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC))
kept = []
program = open("/proc/self/exe", "rb").read(20000)
for size in (1, 64, 100, 1000, 20000):
    map_executable(program[:size])
for offset in range(16, 1000, 7):
    map_executable(program[:offset] + b"\\xff" * 8 + program[offset + 8:])
map_executable(b"\\x7fELF" + b"\\xff" * 8000)
os.mkfifo(f"/tmp/perf-{os.getpid()}.map")
try:
    for _ in range(5):
        kept.append(socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
finally:
    os.unlink(f"/tmp/perf-{os.getpid()}.map")
os._exit(0)
"""


def line_of(source, name):
    """The line of a workload's source that bears the comment "line of NAME"."""
    for number, text in enumerate((SOURCES / source).read_text().splitlines(), start=1):
        if text.rstrip("*/ ").endswith(f"line of {name}"):
            return number
    raise AssertionError(f"{source} has no line of {name}")


class Stacks(harness.LedgerTest):
    def setUp(self):
        self.n = self.net()

    def server(self, closes=True):
        """Accepts and closes, or leaves all in its queue; its port."""
        server = self.actor(self.n)
        port = server.do("listen l 127.0.0.1 0")["local_port"]
        if closes:
            server.post("serve 0 l closer=server")
        return port

    def folder(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return folder.name

    def unclosed(self, *command, status=0, options=(), **popen):
        """Runs a command under exec; its report."""
        with tempfile.NamedTemporaryFile() as report:
            done = subprocess.run([binary(), "exec", "--json", "-o", report.name, *options, "--",
                                   *map(str, command)], preexec_fn=self.n.enter,
                                  capture_output=True, timeout=120, check=False, **popen)
            self.assertEqual(done.returncode, status, done.stderr)
            return json.loads(report.read())

    def assert_path(self, report, source, path, how="dwarf"):
        """One stack has these (function, name of its line, inlined) one after the other, innermost
        first; returns how many sockets it has."""
        expected = [(function, os.path.basename(source) if line else None,
                     line_of(source, line) if line else None, inlined)
                    for function, line, inlined in path]
        told = []
        for stack in report["stacks"]:
            frames = [(frame["function"], os.path.basename(frame["file"]) if frame["file"] else None,
                       frame["line"], frame["inlined"]) for frame in stack["frames"]]
            told.append((stack["how"], frames))
            for at in range(len(frames)):
                if frames[at:at + len(expected)] == expected:
                    self.assertEqual(stack["how"], how, frames)
                    return stack["count"]
        self.fail(f"no stack has {expected}: {told}")

    OPENER = (("connect_to", "connect_to", True), ("take_from_pool", "take_from_pool", False),
              ("place_order", "place_order", False), ("work", "work", False))

    def test_programs_in_c(self):
        port = self.server()
        for program, arguments in (("opener_pie", ()), ("opener_static", ()),
                                   ("opener_stripped", ()), ("opener_pie", ("thread",))):
            with self.subTest(program, arguments=arguments):
                report = self.unclosed(PROGRAMS / program, port, 5, *arguments)
                self.assertEqual((report["unclosed"], report["without_stack"]), (5, 0))
                self.assertEqual(self.assert_path(report, "opener.c", self.OPENER), 5)
                [stack] = report["stacks"]
                self.assertIn("connect", stack["frames"][0]["function"])

    def test_without_debug_information_there_are_module_and_offset(self):
        report = self.unclosed(PROGRAMS / "opener_bare", self.server(), 5)
        [stack] = report["stacks"]
        self.assertEqual((stack["count"], stack["how"]), (5, "dwarf"))
        bare = [frame for frame in stack["frames"] if frame["module"].endswith("/opener_bare")]
        self.assertGreaterEqual(len(bare), 3)
        self.assertEqual({frame["function"] for frame in bare}, {None})
        self.assertEqual({frame["line"] for frame in bare}, {None})
        symbols = subprocess.run(["nm", PROGRAMS / "opener_pie"], capture_output=True, check=True)
        self.assertIn(b"place_order", symbols.stdout)  # the same code, with its symbols
        self.assertTrue(all(0 < frame["offset"] < 1 << 20 for frame in bare))
        self.assertTrue(any("build-id" in hint for hint in stack["hints"]), stack["hints"])

    def test_a_program_in_cpp(self):
        report = self.unclosed(PROGRAMS / "shop", self.server(), 5)
        place = [("shop::Pool::take", "take", False), ("shop::place<int>", "place", False)]
        try:
            self.assertEqual(self.assert_path(report, "shop.cpp", place), 5)
        except AssertionError:  # the linkage name has the result's type
            place[1] = ("int shop::place<int>", "place", False)
            self.assertEqual(self.assert_path(report, "shop.cpp", place), 5)
        functions = [frame["function"] for frame in report["stacks"][0]["frames"]]
        self.assertTrue(any("lambda" in (name or "") for name in functions), functions)

    def test_what_is_accepted(self):
        """By accept(): the stack of who took it from the queue."""
        server = subprocess.Popen(
            [binary(), "exec", "--json", "-o", "/dev/stderr", "--", PROGRAMS / "shop", "accept",
             "4"], preexec_fn=self.n.enter, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(harness.stop, server)
        port = int(server.stdout.readline())
        client = self.actor(self.n)
        for number in range(4):
            client.do(f"connect c{number} 127.0.0.1 {port}")
        _, said = server.communicate(timeout=60)
        report = json.loads(said)
        self.assertEqual((report["accepted"], report["unclosed"]), (4, 4))
        path = [("shop::keep_accepted", "keep_accepted", False)]
        self.assertEqual(self.assert_path(report, "shop.cpp", path), 4)

    def test_a_node_program(self):
        node = shutil.which("node") or shutil.which("nodejs")
        if not node:
            self.skipTest("no node")
        port = self.server(closes=False)
        report = self.unclosed(node, "--perf-basic-prof", "--interpreted-frames-native-stack",
                               SOURCES / "opener.js", port, 5, cwd=self.folder())
        for process in report["processes"]:
            pathlib.Path(f"/tmp/perf-{process['pid']}.map").unlink(missing_ok=True)
        path = [("takeFromPool", "takeFromPool", False), ("placeOrder", "placeOrder", False)]
        self.assert_path(report, "opener.js", path, how="frame_pointers")
        report = self.unclosed(node, SOURCES / "opener.js", port, 3)
        hints = [hint for stack in report["stacks"] for hint in stack["hints"]]
        self.assertTrue(any("--perf-basic-prof" in hint for hint in hints), report["stacks"])

    def test_a_java_program(self):
        java, javac = shutil.which("java"), shutil.which("javac")
        if not java or not javac or not shutil.which("jcmd"):
            self.skipTest("no JDK")
        folder = self.folder()
        subprocess.run([javac, "-d", folder, SOURCES / "Opener.java"], check=True)
        program = subprocess.Popen(
            [binary(), "exec", "--json", "-o", f"{folder}/report", "--", java,
             "-XX:+PreserveFramePointer", "-Xcomp", "-XX:CompileCommand=quiet",
             "-XX:CompileCommand=dontinline,Opener::*", "-cp", folder, "Opener",
             str(self.server()), "5"], preexec_fn=self.n.enter, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.addCleanup(harness.stop, program)

        def say(expected):
            self.assertEqual(program.stdout.readline(), expected + b"\n")
            program.stdin.write(b"\n")
            program.stdin.flush()

        say(b"warm")
        self.assertEqual(program.stdout.readline(), b"opened\n")
        children = pathlib.Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text()
        [jvm] = [int(child) for child in children.split()
                 if pathlib.Path(f"/proc/{child}/comm").read_text() == "java\n"]
        subprocess.run([shutil.which("jcmd"), str(jvm), "Compiler.perfmap"], check=True,
                       capture_output=True)
        self.addCleanup(lambda: pathlib.Path(f"/tmp/perf-{jvm}.map").unlink(missing_ok=True))
        program.stdin.write(b"\n")
        program.stdin.flush()
        self.assertEqual(program.wait(timeout=60), 0)
        report = json.loads(pathlib.Path(folder, "report").read_text())
        functions = [[frame["function"] or "" for frame in stack["frames"]]
                     for stack in report["stacks"]]
        self.assertTrue(any(any("takeFromPool" in name for name in names) and
                            any("placeOrder" in name for name in names) for names in functions),
                        functions)

    def stripped(self, folder):
        """A program in `folder` without its symbols; the file with them."""
        program, symbols = pathlib.Path(folder, "opener"), pathlib.Path(folder, "opener.debug")
        shutil.copy(PROGRAMS / "opener_static", program)
        for command in (["--only-keep-debug", program, symbols],
                        ["--strip-all", f"--add-gnu-debuglink={symbols}", program]):
            subprocess.run(["objcopy", *command], check=True)
        return program, symbols

    def test_a_program_in_a_root_of_its_own(self):
        """Its debug file is where its own mount namespace alone has it."""
        folder = self.folder()
        os.makedirs(f"{folder}/image/opt")
        os.mkdir(f"{folder}/root")
        self.stripped(f"{folder}/image/opt")
        script = ('mount -t tmpfs none "$1/root" && cp -r "$1/image/." "$1/root" && '
                  'exec chroot "$1/root" /opt/opener "$2" 5')
        report = self.unclosed("unshare", "--mount", "sh", "-c", script, "sh", folder,
                               self.server())
        self.assertEqual(os.listdir(f"{folder}/root"), [])
        self.assertEqual(self.assert_path(report, "opener.c", self.OPENER), 5)
        self.assertEqual({frame["module"] for frame in report["stacks"][0]["frames"]},
                         {"/opt/opener"})

    def test_debuginfod_is_asked_where_that_is_wanted_alone(self):
        if not shutil.which("debuginfod-find"):
            self.skipTest("no debuginfod-find")
        folder = self.folder()
        program, symbols = self.stripped(folder)
        notes = subprocess.run(["readelf", "-n", program], capture_output=True, text=True,
                               check=True).stdout
        build_id = notes.split("Build ID:")[1].split()[0]
        place = pathlib.Path(folder, "web", "buildid", build_id)
        place.mkdir(parents=True)
        symbols.rename(place / "debuginfo")
        server = subprocess.Popen(
            [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"],
            cwd=f"{folder}/web", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            preexec_fn=self.n.enter)
        self.addCleanup(harness.stop, server)
        web_port = int(server.stdout.readline().split(b" port ")[1].split()[0])
        environment = {**os.environ, "DEBUGINFOD_URLS": f"http://127.0.0.1:{web_port}",
                       "DEBUGINFOD_CACHE_PATH": f"{folder}/cache"}
        port = self.server()
        report = self.unclosed(program, port, 3, env=environment)
        self.assertFalse(os.path.exists(f"{folder}/cache"), "it was fetched without being asked for")
        self.assertEqual({frame["line"] for frame in report["stacks"][0]["frames"]}, {None})
        report = self.unclosed(program, port, 3, options=["--debuginfod"], env=environment)
        self.assertEqual(self.assert_path(report, "opener.c", self.OPENER), 3)

    def test_traps(self):
        """Files that are no programs neither hang nor end it, and cost no event."""
        report = self.unclosed(sys.executable, "-c", TRAPS, self.server())
        self.assertEqual((report["opened"], report["unclosed"], report["lost"]), (5, 5, 0))
        self.assertEqual(sum(stack["count"] for stack in report["stacks"]) +
                         report["without_stack"], 5)

    def leaking(self, *command):
        program = subprocess.Popen([*map(str, command), str(self.server()), "1000", "slow"],
                                   preexec_fn=self.n.enter, stdout=subprocess.DEVNULL,
                                   cwd=self.folder())
        self.addCleanup(harness.stop, program)
        return program.pid

    def test_leaks_tells_where(self):
        """Of a program in C and, where there is Node, of one in JavaScript."""
        pid = self.leaking(PROGRAMS / "opener_stripped")
        node = shutil.which("node") or shutil.which("nodejs")
        scripted = node and self.leaking(node, "--perf-basic-prof",
                                         "--interpreted-frames-native-stack", SOURCES / "opener.js")
        folder = self.folder()
        names = {form: f"{folder}/leaks.{form}" for form in ("folded", "speedscope", "svg")}
        options = [word for form, name in names.items() for word in (f"--{form}", name)]
        document = self.ledger_json("leaks", "--for", "45s", *options,
                                    f"pid = {pid} or pid = {scripted or pid}")
        suspects = {suspect["pid"]: suspect for suspect in document["suspects"]}
        stuck = sum(suspect["stuck"] for suspect in suspects.values())
        self.assertEqual(suspects[pid]["verdict"], "leak")
        count = self.assert_path(suspects[pid], "opener.c", self.OPENER)
        self.assertEqual(count + suspects[pid]["without_stack"], suspects[pid]["stuck"])
        self.assertGreater(count, 20)
        if scripted:
            pathlib.Path(f"/tmp/perf-{scripted}.map").unlink(missing_ok=True)
            self.assertEqual(suspects[scripted]["verdict"], "leak")
            path = [("takeFromPool", "takeFromPool", False), ("placeOrder", "placeOrder", False)]
            self.assert_path(suspects[scripted], "opener.js", path, how="frame_pointers")
        folded = pathlib.Path(names["folded"]).read_text()
        self.assertIn("place_order", folded)
        self.assertEqual(sum(int(line.rsplit(" ", 1)[1]) for line in folded.splitlines()), stuck)
        scope = json.loads(pathlib.Path(names["speedscope"]).read_text())
        self.assertEqual(sum(scope["profiles"][0]["weights"]), stuck)
        self.assertIn("place_order", pathlib.Path(names["svg"]).read_text())

    def test_none_are_taken_where_none_are_wanted(self):
        report = self.unclosed(PROGRAMS / "opener_pie", self.server(), 5, options=["--no-stacks"])
        self.assertEqual((report["stacks"], report["unclosed"]), ([], 5))


if __name__ == "__main__":
    harness.main()
