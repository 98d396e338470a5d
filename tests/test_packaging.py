"""What is shipped is what was written, and what it stands on is what was locked."""

import ast
import itertools
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.txt", "requirements-build.txt", "requirements-dev.txt")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
DOORS = ("aiogram", "boto3", "litellm", "mcp", "redis", "slack_bolt", "slack_sdk", "twilio")

# What comes with a package that is asked for, in the version that that package wants.
COMES_WITH = {
    "botocore": "boto3",
    "jsonschema-specifications": "jsonschema",
    "markupsafe": "jinja2",
    "pydantic-core": "pydantic",
    "referencing": "jsonschema",
    "yarl": "aiohttp",
}

# Releases that stole credentials or were taken over, by their advisories.
HOSTILE = {
    "durabletask": {"1.4.1", "1.4.2", "1.4.3"},
    "guardrails-ai": {"0.10.1"},
    "lightning": {"2.6.2", "2.6.3"},
    "litellm": {"1.82.7", "1.82.8"},
    "mistralai": {"2.4.6"},
    "telnyx": {"4.87.1", "4.87.2"},
}


def requirements(lock: str) -> Iterator[tuple[Requirement, list[str]]]:
    """Each requirement of a lock with its hashes."""
    joined = (ROOT / lock).read_text().replace("\\\n", " ")
    for line in joined.splitlines():
        pinned, *hashes = line.split("#")[0].split("--hash=")
        if pinned.strip():
            yield Requirement(pinned), hashes


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter, away from the network where the libraries let us choose."""
    environment = os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=50, check=False
    )


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address(lock: str) -> None:
    assert not re.findall(
        r"\w+://\S+|^\s*-.*(?:index|find-links|trusted-host).*$", (ROOT / lock).read_text(), re.MULTILINE
    )


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_requirement_is_one_version_with_hashes(lock: str) -> None:
    locked = list(requirements(lock))
    assert locked
    for requirement, hashes in locked:
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), requirement
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}\s*", value) for value in hashes), requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_no_hostile_release_is_locked(lock: str) -> None:
    for requirement, _ in requirements(lock):
        version = str(requirement.specifier).removeprefix("==")
        name = canonicalize_name(requirement.name)
        assert version not in HOSTILE.get(name, ()), requirement
        assert name != "litellm" or Version(version) >= Version("1.83.10"), requirement


def test_the_locks_agree_with_each_other() -> None:
    everything = {(r.name, str(r.marker)): str(r.specifier) for r, _ in requirements("requirements-dev.txt")}
    for requirement, _ in itertools.chain(requirements("requirements.txt"), requirements("requirements-build.txt")):
        assert everything[requirement.name, str(requirement.marker)] == str(requirement.specifier)


def test_the_lock_holds_what_the_project_asks_for() -> None:
    locked = {
        canonicalize_name(r.name): str(r.specifier).removeprefix("==") for r, _ in requirements("requirements.txt")
    }
    for asked in map(Requirement, PROJECT["project"]["dependencies"]):
        assert asked.specifier.contains(locked[canonicalize_name(asked.name)]), asked


def imported() -> Iterator[str]:
    """The top-level name of whatever a file of ours imports, wherever in the file it does."""
    for file in itertools.chain.from_iterable((ROOT / package).rglob("*.py") for package in PACKAGES):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.partition(".")[0]


def test_what_is_imported_is_asked_for_and_not_merely_there_because_of_somebody_else() -> None:
    asked = {canonicalize_name(Requirement(text).name) for text in PROJECT["project"]["dependencies"]}
    owners = packages_distributions()
    for name in set(imported()) - set(PACKAGES) - sys.stdlib_module_names:
        owned_by = {canonicalize_name(owner) for owner in owners[name]}
        assert owned_by & asked or {COMES_WITH.get(owner) for owner in owned_by} & asked, name


def test_nobody_else_owns_our_package_names() -> None:
    owners = packages_distributions()
    for name in (*PACKAGES, "tests", "bench"):
        assert set(owners.get(name, ())) <= {"support-gateway"}, name


def test_no_path_file_runs_code() -> None:
    """A `.pth` line that begins with `import` runs at every start of Python: how the worst releases got in."""
    shim = "import os; var = 'SETUPTOOLS_USE_DISTUTILS'"  # setuptools', which Python 3.11's venv brings along
    packages = Path(sysconfig.get_path("purelib"))
    for file in packages.glob("*.pth"):
        code = [line for line in file.read_text().splitlines() if line.startswith(("import ", "import\t"))]
        assert not code or (file.name == "distutils-precedence.pth" and code[0].startswith(shim)), file
    assert not [*packages.glob("sitecustomize*"), *packages.glob("usercustomize*")]


def test_the_wheel_ships_every_file_of_our_packages(tmp_path: Path) -> None:
    built = python("-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path))
    assert built.returncode == 0, built.stderr
    listed = subprocess.run(["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    (wheel,) = tmp_path.glob("*.whl")
    shipped = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in listed.stdout.splitlines() if (ROOT / name).exists()} <= shipped
    assert not {name for name in shipped if name.startswith(("tests/", "bench/"))}


def test_the_image_follows_the_rules_for_images() -> None:
    linted = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_the_compose_file_holds_no_secret_and_a_file_system_that_cannot_be_written() -> None:
    service = YAML(typ="safe").load(ROOT / "compose.yaml")["services"]["gateway"]
    assert service["read_only"] is True
    (kept,) = [volume.partition(":")[2] for volume in service["volumes"] if not volume.endswith(":ro")]
    for place in ("GATEWAY__STORE", "GATEWAY__FILES"):  # what is written, by default beside the configuration
        assert service["environment"][place].removeprefix("sqlite:///").startswith(f"{kept}/")
    assert not [name for name in service["environment"] if re.search("TOKEN|SECRET|KEY|PASSWORD", name)]


@pytest.mark.slow
def test_litellm_can_call_tools() -> None:
    """Without `mcp` beside it litellm imports, answers, and fails at the first tool call."""
    asked = python(
        "-c",
        "import litellm; tool = {'type': 'function', 'function': {'name': 'look', 'parameters': {'type': 'object'}}};"
        "print(litellm.completion('gpt-4o', [{'role': 'user', 'content': 'hi'}], tools=[tool], mock_response='fine')"
        ".choices[0].message.content)",
    )
    assert asked.stdout.strip() == "fine", asked.stderr


def test_asking_for_help_loads_no_sdk() -> None:
    program = (
        "import runpy, sys\n"
        "sys.argv = ['gateway', '--help']\n"
        "try: runpy.run_module('gateway', run_name='__main__', alter_sys=True)\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        f"loaded = [name for name in {DOORS!r} if name in sys.modules]\n"
        "sys.exit(f'loaded: {loaded}' if loaded else 0)\n"
    )
    asked = python("-c", program)
    assert asked.returncode == 0, asked.stderr
