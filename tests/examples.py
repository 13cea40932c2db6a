"""Runs every console block of README, SPEC and docs, and every SQL block of docs/datafusion.md, so
that what they show is what happens.

In a block that begins with ```console a line `$ command` is run by bash, in one directory per
file, with `precise` on the path; the lines behind it are its whole output. A block that begins
with ```sql is run by precise-sql in that directory, and a block ```text right behind it is its
whole output. A block that begins with ```sh and a name is put into a file of that name there. `…`
in what is shown stands for anything.
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
            for shown, command, text, expected in examples(page, pathlib.Path(folder)):
                run = subprocess.run(
                    command,
                    cwd=folder,
                    env=env,
                    input=text,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
                # SQL that shows no output has at least to run.
                fine = run.returncode == 0 if expected is None else fits(run.stdout, expected)
                if fine:
                    passed += 1
                else:
                    failed += 1
                    name = page.relative_to(ROOT)
                    print(f"{name}: {shown}\nprinted:\n{run.stdout}\nshown:\n{expected}\n")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


def examples(page, folder):
    """Each example of a page: what is shown of it, the command, its input, its output."""
    blocks = re.finditer(
        r"^```(console|sql|sh (\S+))\n(.*?)^```$(?:\n+^```text\n(.*?)^```$)?",
        page.read_text(),
        re.DOTALL | re.MULTILINE,
    )
    for kind, script, block, behind in (found.groups() for found in blocks):
        if script is not None:
            (folder / script).write_text(block)
        elif kind == "console":
            for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                lines = part.split("\n")
                # A backslash at the end of a line continues the command.
                end = next(i for i, line in enumerate(lines) if not line.endswith("\\"))
                command = "\n".join(lines[: end + 1])
                yield f"$ {command}", ["bash", "-c", command], "", "\n".join(lines[end + 1 :])
        elif page.name == "datafusion.md":
            yield block, ["precise-sql", "--quiet"], block, behind


def fits(printed, expected):
    pattern = ".*".join(re.escape(piece) for piece in expected.strip().split("…"))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


if __name__ == "__main__":
    main()
