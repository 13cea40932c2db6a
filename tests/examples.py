"""Runs every console block of README, SPEC and docs, so that what they show is what happens.

In a block that begins with ```console a line `$ command` is run by bash, in one directory per
file, with `precise` on the path; the lines behind it are its whole output. `…` in such a line
stands for anything.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parents[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--precise", required=True, type=pathlib.Path)
    bin_folder = parser.parse_args().precise.resolve().parent
    env = dict(os.environ, PATH=f"{bin_folder}{os.pathsep}{os.environ['PATH']}", NO_COLOR="1")
    passed = failed = 0
    for page in [ROOT / "README.md", ROOT / "SPEC.md", *sorted(ROOT.glob("docs/*.md"))]:
        with tempfile.TemporaryDirectory() as folder:
            for command, expected in commands(page.read_text()):
                printed = subprocess.run(
                    ["bash", "-c", command],
                    cwd=folder,
                    env=env,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                ).stdout
                if fits(printed, expected):
                    passed += 1
                else:
                    failed += 1
                    name = page.relative_to(ROOT)
                    print(f"{name}: $ {command}\nprinted:\n{printed}\nshown:\n{expected}\n")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


def commands(text):
    """Each command of a page with the output it shows."""
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.split("\n")
            # A backslash at the end of a line continues the command.
            end = next(i for i, line in enumerate(lines) if not line.endswith("\\"))
            yield "\n".join(lines[: end + 1]), "\n".join(lines[end + 1 :])


def fits(printed, expected):
    pattern = ".*".join(re.escape(piece) for piece in expected.strip().split("…"))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


if __name__ == "__main__":
    main()
