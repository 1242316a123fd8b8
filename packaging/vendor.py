"""Fetch the libraries of the page for people from npm, as they are kept in the package.

Run by hand, with ``make vendor``, to take a new version: change ``LIBRARIES``, run it, and put the
hashes that it prints into ``LIBRARIES``. It needs npm and node. Nothing is installed or run of what
it fetches, but for esbuild, which makes one module of several and takes the blanks away.
"""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

VENDOR = Path(__file__).resolve().parent.parent / "qabel/console/static/vendor"

ESBUILD = "esbuild@0.28.2"


@frozen
class Library:
    """One module of the page."""

    file: str
    """Its name in the package."""
    package: str
    entry: str
    """The file in the npm package."""
    exported: str | None
    """What is taken of it, in one file without blanks; None for the file as it is."""
    sha256: str
    about: str
    licences: tuple[tuple[str, str], ...]
    """The npm packages and files with the texts of its licences."""


LIBRARIES = (
    Library(
        file="preact.js",
        package="htm@3.1.1",
        entry="preact/standalone.module.js",
        exported=None,
        sha256="72284e8e9079c87817145df1110f74e8a2aa040b2fc384922e18dfcb46fc1fd7",
        about="Preact and htm, which draw the page",
        licences=(("preact@10.5.13", "LICENSE"), ("htm@3.1.1", "LICENSE")),
    ),
    Library(
        file="qr.js",
        package="qr@0.7.0",
        entry="decode.js",
        exported="decodeQR",
        sha256="2613d9ff1eda310225f1015d0e48039b87b1943f98a11aed5bcda57d933dce98",
        about="The reader of QR codes, under the MIT licence",
        licences=(("qr@0.7.0", "LICENSE-MIT"),),
    ),
)


def main() -> None:
    """Fetch, build and check everything, and write it with the texts of the licences."""
    changed = []
    with tempfile.TemporaryDirectory() as folder:
        packed = Packages(Path(folder))
        texts = ["Libraries of the page, renewed by `make vendor`.\n"]
        for each in LIBRARIES:
            built = packed.built(each)
            found = hashlib.sha256(built).hexdigest()
            if found != each.sha256:
                changed.append(f"{each.file}: sha256 {found}, expected {each.sha256}")
            (VENDOR / each.file).write_bytes(built)
            how = "unchanged" if each.exported is None else f"{each.exported}, by {ESBUILD}"
            texts.append(f"{each.file}: {each.about} (npm {each.package}, {each.entry}, {how}).")
            texts.append(f"  sha256: {found}\n")
        for package, file in dict.fromkeys(each for one in LIBRARIES for each in one.licences):
            licence = (packed.folder(package) / file).read_text().strip()
            texts.append(f"{'-' * 80}\n{package}, {file}\n\n{licence}\n")
        (VENDOR / "README.txt").write_text("\n".join(texts))
    if changed:
        sys.exit("\n".join(changed))


@frozen
class Packages:
    """npm packages that are unpacked in a folder."""

    place: Path

    def folder(self, package: str) -> Path:
        """Return the folder with a package, which is fetched if it is not there."""
        folder = self.place / package.replace("/", "-")
        if not folder.exists():
            command = ["npm", "pack", "--silent", "--pack-destination", self.place, package]
            with tarfile.open(self.place / run(command, self.place).split()[-1]) as archive:
                archive.extractall(folder, filter="data")
        return folder / "package"

    def built(self, library: Library) -> bytes:
        """Return a library as it is kept."""
        file = self.folder(library.package) / library.entry
        if library.exported is None:
            return file.read_bytes()
        entry, out = self.place / "entry.js", self.place / library.file
        entry.write_text(f'export {{ {library.exported} }} from "{file.as_posix()}";\n')
        command = ["npx", "--yes", ESBUILD, entry, "--bundle", "--minify", "--format=esm"]
        options = ["--target=es2022", "--legal-comments=none", f"--outfile={out}"]
        run([*command, *options], self.place)
        return out.read_bytes()


def run(command: Sequence[str | Path], folder: Path) -> str:
    """Run a program that must succeed, and return its output."""
    return subprocess.run(  # noqa: S603 - only with what stands here
        command, check=True, cwd=folder, stdout=subprocess.PIPE, text=True
    ).stdout


if __name__ == "__main__":
    main()
