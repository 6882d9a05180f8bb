"""What is promised in writing: error kinds, the README, the stub of the generated layer."""

import ast
import asyncio
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import veilfold
from veilfold import _calls, _errors, _native

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


def stub() -> ast.Module:
    package = Path(inspect.getfile(veilfold)).parent
    return ast.parse((package / "_native/__init__.pyi").read_text())


def stub_functions() -> list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef, Any]]:
    """Functions and methods of the stub, and what the generated layer has in their place."""
    found: list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef, Any]] = []
    for node in stub().body:
        if isinstance(node, ast.FunctionDef):
            found.append((node.name, node, getattr(_native, node.name)))
        if isinstance(node, ast.ClassDef):
            native = getattr(_native, node.name)
            for item in node.body:
                if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)) and not item.name.startswith("__"):
                    found.append((f"{node.name}.{item.name}", item, getattr(native, item.name)))
    return found


def test_the_stub_says_what_the_generated_layer_has() -> None:
    functions = stub_functions()
    assert len([name for name, _, _ in functions if "." not in name]) > 5 and len(functions) > 80
    for name, wanted, native in functions:
        parameters = [each.arg for each in wanted.args.args if each.arg not in ("self", "cls")]
        found = [each for each in inspect.signature(native).parameters if each != "self"]
        assert found == parameters, name
    for node in stub().body:
        if isinstance(node, ast.ClassDef):
            for item in node.body:
                if isinstance(item, ast.ClassDef):
                    assert hasattr(getattr(_native, node.name), item.name), f"{node.name}.{item.name}"


def answers_in_rust() -> dict[str, str]:
    """What each answer holds, as Python names it."""
    source = (HERE / "../../ffi/src/call.rs").read_text()
    found = re.search(r"pub enum Answer \{(.*?)\n\}", source, re.DOTALL)
    assert found
    answers = re.findall(r"^    (\w+)(?:\((.*)\))?,$", found.group(1), re.MULTILINE)
    return {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper(): in_python(held) for name, held in answers}


def in_python(rust: str) -> str:
    plain = {"": "None", "bool": "bool", "i64": "int", "String": "str", "Vec<u8>": "bytes"}
    if rust in plain:
        return plain[rust]
    outer, _, inner = rust.removesuffix(">").partition("<")
    if outer == "Option":
        return f"{in_python(inner)} | None"
    if outer == "Vec":
        return f"list[{in_python(inner)}]"
    return in_python(inner) if outer == "Arc" else f"_native.{rust}"


def test_each_call_is_checked_for_the_answer_that_rust_gives() -> None:
    rust = answers_in_rust()
    assert len(rust) > 20 and rust["DONE"] == "None" and rust["JSON"] == "bytes | None"
    package = Path(inspect.getfile(veilfold)).parent
    declared = [node for node in ast.parse((package / "_calls.py").read_text()).body if isinstance(node, ast.AnnAssign)]
    checked: dict[str, str] = {}
    for node in declared:
        assert isinstance(node.target, ast.Name) and isinstance(node.annotation, ast.Subscript)
        gives, held = getattr(_calls, node.target.id), ast.unparse(node.annotation.slice)
        assert isinstance(gives, _calls.Gives)
        checked[held] = gives.name
        if gives.or_none:
            assert held == rust[gives.name], node.target.id
        else:
            assert held == rust[gives.name].removesuffix(" | None"), node.target.id
    assert set(checked.values()) == set(rust)
    for name, function, _ in stub_functions():
        waits = ast.unparse(function.returns) if function.returns else ""
        if waits.startswith("AsyncCall["):
            held = waits.removeprefix("AsyncCall[").removesuffix("]")
            plain = re.sub(r"\b([A-Z]\w+)", r"_native.\1", held.replace("None", "")) + "None" * held.endswith("None")
            assert plain in checked, f"{name} gives {held}"


class Answered:
    """A native call with an answer of its own."""

    def __init__(self, answer: _native.Answer) -> None:
        self._answer = answer

    async def answer(self) -> _native.Answer:
        return self._answer

    def cancel(self) -> None: ...


def test_an_answer_of_another_kind_is_an_error_inside_veilfold() -> None:
    answers: Any = _native.Answer
    flag, nothing, done = answers.FLAG(True), answers.TEXT(None), answers.DONE()

    async def given(gives: _calls.Gives[Any], answer: _native.Answer) -> Any:
        call: Any = Answered(answer)
        return await _calls.answered(gives, lambda: call)

    assert asyncio.run(given(_calls.FLAG, flag)) is True
    assert asyncio.run(given(_calls.TEXT_OR_NONE, nothing)) is None
    assert asyncio.run(given(_calls.DONE, done)) is None
    wrong: list[tuple[_calls.Gives[Any], Any]] = [
        (_calls.NUMBER, flag),
        (_calls.TEXT, nothing),
        (_calls.SPACE, done),
        (_calls.DONE, flag),
    ]
    for gives, answer in wrong:
        with pytest.raises(veilfold.Internal, match=f"a call that gives {gives.name}"):
            asyncio.run(given(gives, answer))
