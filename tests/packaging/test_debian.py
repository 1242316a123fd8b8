"""The Debian package: what is in it, and how it comes and goes.

It is built without its dependencies, which would have to be downloaded. What systemd and people
make of the whole package is the work of ``packaging/debian/try``.
"""

import gzip
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.conftest import ENVIRONMENT, KEPT_OUT, ROOT, run

TOOLS = ("bash", "deb-systemd-helper", "dpkg", "dpkg-deb", "gzip", "systemd-sysusers")

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)), reason=f"not all of these are installed: {', '.join(TOOLS)}"
)

COMMANDS = sorted(
    re.findall(r"^(qabel[\w-]*) = ", (ROOT / "pyproject.toml").read_text(), flags=re.MULTILINE)
)

OFFLINE = {
    "PIP": f"{sys.executable} -m pip",
    "PIP_NO_DEPS": "1",
    "PIP_NO_INDEX": "1",
    # The program runs during the build, with the dependencies of this environment.
    "PYTHONPATH": sysconfig.get_path("purelib"),
}


@pytest.fixture(scope="module")
def package(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the package from a copy of the tree, with the documentation, and return its file."""
    folder = tmp_path_factory.mktemp("debian")
    tree = folder / "tree"
    shutil.copytree(ROOT, tree, ignore=KEPT_OUT, symlinks=True)
    for kind in ("html", "man"):
        sphinx = ["-m", "sphinx", "-q", "-b", kind, "-d", folder / "doctrees"]
        run(sys.executable, *sphinx, tree / "docs", tree / "docs" / "_build" / kind, cwd=tree)
    done = subprocess.run(
        [tree / "packaging" / "debian" / "build-deb", wheel, folder, sys.executable],
        env={**ENVIRONMENT, **OFFLINE},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    [path] = folder.glob("*.deb")
    return path


@pytest.fixture(scope="module")
def content(package: Path) -> Path:
    """Return a directory with what the package has, and its control files in DEBIAN."""
    folder = package.with_name("content")
    run("dpkg-deb", "--raw-extract", package, folder, cwd=package.parent)
    return folder


Dpkg = Callable[..., str]


@pytest.fixture
def machine(package: Path, tmp_path: Path) -> Path:
    """Return the root directory of a machine without any package."""
    for name in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "etc", "tmp"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").touch()
    shutil.copy(package, tmp_path / "tmp" / "qabel.deb")
    return tmp_path


@pytest.fixture
def dpkg(machine: Path) -> Dpkg:
    """Return a function that runs dpkg for that machine."""
    as_root = [] if os.geteuid() == 0 else ["unshare", "--map-root-user"]
    if as_root and subprocess.run([*as_root, "true"], capture_output=True, check=False).returncode:
        pytest.skip("neither root nor user namespaces")

    def dpkg(*arguments: str) -> str:
        options = [f"--root={machine}", f"--log={machine}/dpkg.log", "--force-depends"]
        # The scripts of packages are told the directory, and are not run inside of it.
        options += ["--force-script-chrootless", "--force-not-root", "--force-unsafe-io"]
        path = f"/usr/sbin:/sbin:{os.environ['PATH']}"
        done = subprocess.run(
            [*as_root, "env", f"PATH={path}", "dpkg", *options, *arguments],
            cwd=machine,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return dpkg


def test_each_command_is_in_the_path_and_has_a_manual_page(content: Path) -> None:
    """All commands of the program are links in /usr/bin, to scripts that run where they are put."""
    assert "qabel" in COMMANDS
    for name in COMMANDS:
        link = content / "usr/bin" / name
        assert str(link.readlink()) == f"/opt/qabel/bin/{name}"
        script = content / "opt/qabel/bin" / name
        assert script.read_text().startswith("#!/opt/qabel/bin/python")
        assert script.stat().st_mode & 0o777 == 0o755
        with gzip.open(content / f"usr/share/man/man1/{name}.1.gz", "rt") as page:
            assert f'.TH "{name.upper()}" "1"' in page.read()


def test_nothing_knows_where_it_was_built(content: Path, package: Path) -> None:
    """No path of the machine that built it is in its scripts and text files."""
    staging = re.compile(rb"/tmp/tmp\.|" + re.escape(bytes(package.parent)))
    found = [
        path
        for path in content.rglob("*")
        if path.is_file() and not path.is_symlink() and staging.search(path.read_bytes())
    ]
    assert found == []


@pytest.mark.parametrize(
    ("path", "checker"),
    [
        ("usr/share/bash-completion/completions/{}", "bash"),
        ("usr/share/zsh/vendor-completions/_qabel", "zsh"),
        ("usr/share/fish/vendor_completions.d/{}.fish", "fish"),
    ],
)
@pytest.mark.parametrize("command", COMMANDS)
def test_shells_find_completion(content: Path, path: str, checker: str, command: str) -> None:
    """Completion of each command is where each shell looks, as the program itself writes it."""
    script = content / path.format(command)
    assert command in script.read_text()
    assert "_QABEL_COMPLETE" in script.read_text()
    if shutil.which(checker):
        run(checker, "-n", script, cwd=content)


def test_the_menu_has_an_entry_that_opens_the_page(content: Path) -> None:
    """It is valid, runs a command that the package has, and its icon is there."""
    entry = content / "usr/share/applications/qabel.desktop"
    values = dict(re.findall(r"^(\w+)=(.*)$", entry.read_text(), re.MULTILINE))
    command, subcommand = values["Exec"].split()
    assert (content / "usr/bin" / command).is_symlink()
    assert subcommand == "open"
    assert list((content / "usr/share/icons").rglob(f"{values['Icon']}.svg"))
    if shutil.which("desktop-file-validate"):
        run("desktop-file-validate", entry, cwd=content)


def test_options_are_configuration(content: Path) -> None:
    """The files in /etc/default are the administrator's, and the units read them."""
    conffiles = (content / "DEBIAN/conffiles").read_text().split()
    assert conffiles == [f"/etc/default/qabel-{each}" for each in ("block", "drop", "rest")]
    for path in conffiles:
        subprocess.run(["sh", "-nu", str(content) + path], check=True)
        unit = content / "usr/lib/systemd/system" / f"{Path(path).name}.service"
        assert f"EnvironmentFile=-{path}\n" in unit.read_text()
        assert re.search(r"^ExecStart=/opt/qabel/bin/.* \$OPTIONS$", unit.read_text(), re.MULTILINE)


def test_what_it_names_is_there(content: Path) -> None:
    """The pages and units that installation tells of are in the package."""
    said = (content / "DEBIAN/postinst").read_text()
    pages = re.findall(r"/usr/share/doc/\S+\.html", said)
    units = re.findall(r"enable --now ([\w-]+)", said)
    assert len(pages) == 3
    assert len(units) == 4
    assert all((content / page[1:]).is_file() for page in pages)
    for unit in units:
        assert (content / f"usr/lib/systemd/system/{unit}.service").is_file()
    assert (content / "usr/lib/systemd/user/qabel-rest.service").is_file()
    assert (content / "usr/lib/systemd/system/qabel-drop-backup.timer").is_file()


def test_what_the_recipe_takes_is_there(content: Path) -> None:
    """The examples that the page for a public drop server has people copy are in the package."""
    page = (ROOT / "docs" / "public-drop-server.rst").read_text()
    examples = re.findall(r"/usr/share/doc/qabel/examples/(\S+\.\w+)", page)
    assert len(examples) == 3
    for example in examples:
        assert (content / "usr/share/doc/qabel/examples" / example).is_file()


def test_installing_tells_the_next_step_and_upgrading_does_not(dpkg: Dpkg, machine: Path) -> None:
    """Whoever installs it is told once that nothing was started, and how to start what."""
    assert "systemctl --user enable --now qabel-rest" in dpkg("--install", "tmp/qabel.deb")
    assert "Nothing was started" not in dpkg("--install", "tmp/qabel.deb")
    users = (machine / "etc/passwd").read_text()
    assert re.search(r"^qabel:.*:/var/lib/qabel:", users, re.MULTILINE)
    for name in ("qabel-drop", "qabel-block"):
        assert re.search(rf"^{name}:.*:/var/lib/{name}:", users, re.MULTILINE)
    assert re.search(r"^qabel:", (machine / "etc/group").read_text(), re.MULTILINE)


def test_an_upgrade_keeps_options(dpkg: Dpkg, machine: Path) -> None:
    """What an administrator wrote into /etc/default stays there, until the package is purged."""
    dpkg("--install", "tmp/qabel.deb")
    options = machine / "etc/default/qabel-rest"
    options.write_text('OPTIONS="--no-push"\n')
    dpkg("--install", "tmp/qabel.deb")
    dpkg("--remove", "qabel")
    assert options.read_text() == 'OPTIONS="--no-push"\n'
    assert not (machine / "opt/qabel").exists()
    dpkg("--purge", "qabel")
    assert not options.exists()


def test_purging_keeps_keys_and_says_so(dpkg: Dpkg, machine: Path) -> None:
    """Data of services stay, named with the command that deletes them; empty directories go."""
    dpkg("--install", "tmp/qabel.deb")
    data = machine / "var/lib/qabel"
    data.mkdir()
    (data / "database-key").write_text("the only one")
    empty = machine / "var/lib/qabel-drop"
    empty.mkdir()
    said = dpkg("--purge", "qabel")
    assert (data / "database-key").read_text() == "the only one"
    assert f"sudo rm -r {data}\n" in said
    assert not empty.exists()
    assert str(empty) not in said
    assert "qabel:" in (machine / "etc/passwd").read_text()
