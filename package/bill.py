"""Writes the bill of materials, CycloneDX: `bill.py TARGET FILE`. Run in the root of the workspace.

`cargo cyclonedx` also lists what only macros and tests need, and names the folder of the build. Both are taken out.
"""

import json
import subprocess
import sys
from pathlib import Path

PACKAGE = "dts-role-guard"
# It writes one file for each member of the workspace, beside its manifest.
WRITTEN = "every-dependency"


def list_everything(target):
    options = ["--format", "json", "--spec-version", "1.5", "--no-build-deps", "--quiet", "--override-filename", WRITTEN]
    subprocess.run(["cargo", "cyclonedx", *options, "--target", target], check=True)
    text = Path(f"{WRITTEN}.json").read_text()
    for file in [Path(f"{WRITTEN}.json"), *Path().glob(f"*/{WRITTEN}.json"), *Path().glob(f"crates/*/{WRITTEN}.json")]:
        file.unlink()
    here = f"path+{Path.cwd().as_uri()}"
    return json.loads(text.replace(f"{here}#", "path+file://.#").replace(f"{here}/", "path+file://./"))


def linked(target):
    """Names and versions of what is linked into the binary."""
    options = ["--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"]
    command = ["cargo", "tree", "--locked", "--package", PACKAGE, "--target", target, *options]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return {tuple(line.split()[:2]) for line in lines}


def narrow(bill, crates):
    bill["metadata"].pop("timestamp")
    bill["components"] = [part for part in bill["components"] if (part["name"], f"v{part['version']}") in crates]
    known = {part["bom-ref"] for part in [bill["metadata"]["component"], *bill["components"]]}
    bill["dependencies"] = [entry for entry in bill["dependencies"] if entry["ref"] in known]
    for entry in bill["dependencies"]:
        entry["dependsOn"] = [ref for ref in entry.get("dependsOn", []) if ref in known]
    return bill


def main(target, file):
    crates = linked(target)
    bill = narrow(list_everything(target), crates)
    missing = len(crates) - 1 - len(bill["components"])
    assert missing == 0, f"{missing} crates are linked, but not listed"
    Path(file).write_text(json.dumps(bill, indent=2) + "\n")


main(*sys.argv[1:])
