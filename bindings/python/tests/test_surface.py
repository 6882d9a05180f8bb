"""What is promised in writing: error kinds, the README, the stub of the generated layer."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
import veilfold
from veilfold import _errors, _native

HERE = Path(__file__).resolve().parent


def kinds_in_rust() -> list[str]:
    source = (HERE / "../../../core/src/error.rs").read_text()
    found = re.search(r"pub enum ErrorKind \{(.*?)\n\}", source, re.DOTALL)
    assert found
    return re.findall(r"^    (\w+),$", found.group(1), re.MULTILINE)


def test_error_kinds_are_those_of_rust() -> None:
    kinds = kinds_in_rust()
    assert len(kinds) == 7
    assert list(_errors.KINDS) == kinds
    drawn = re.findall(r"[├└]── (\w+)", _errors.__doc__ or "")
    assert drawn == ["VeilfoldError", *kinds]
    for name, kind in _errors.KINDS.items():
        native = getattr(_native.VeilfoldError, name)(code="x", detail="y")
        translated = _errors.translated(native)
        assert type(translated) is kind is getattr(veilfold, name)
        assert (translated.code, translated.detail, str(translated)) == ("x", "y", "x: y")


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", (HERE / "../README.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("number", range(len(blocks())))
def test_the_readme_runs_as_it_is_written(number: int, tmp_path: Path) -> None:
    program = tmp_path / "readme.py"
    program.write_text(blocks()[number])
    command = [sys.executable, "-W", "error", str(program)]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_everything_public_is_documented() -> None:
    for name in veilfold.__all__:
        thing = getattr(veilfold, name)
        if inspect.isclass(thing) and thing.__module__.startswith("veilfold"):
            assert thing.__doc__, name
            for attribute, member in vars(thing).items():
                if inspect.isfunction(member) and not attribute.startswith("_"):
                    assert member.__doc__, f"{name}.{attribute}"


def test_the_stub_says_what_the_generated_layer_has() -> None:
    package = Path(inspect.getfile(veilfold)).parent
    stub = ast.parse((package / "_native/__init__.pyi").read_text())
    classes = [node for node in stub.body if isinstance(node, ast.ClassDef)]
    assert len(classes) > 15
    for node in classes:
        native = getattr(_native, node.name)
        for item in node.body:
            if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)) and not item.name.startswith("__"):
                made = getattr(native, item.name)
                wanted = [argument.arg for argument in item.args.args if argument.arg not in ("self", "cls")]
                found = [name for name in inspect.signature(made).parameters if name != "self"]
                assert found == wanted, f"{node.name}.{item.name}"
            if isinstance(item, ast.ClassDef):
                assert hasattr(native, item.name), f"{node.name}.{item.name}"
