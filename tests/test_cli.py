"""The command's answers that need no TensorFlow."""

import dataclasses
import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import kerazoo
from kerazoo.errors import (
    CorruptFileError,
    DataMissingError,
    InterruptedRunError,
    KerazooError,
    UsageError,
    explain,
)
from kerazoo.recipe import FAST, STANDARD_AUGMENTATION, Recipe
from kerazoo.training.options import TrainOptions
from tests.helpers.command import answer
from tests.helpers.everything import EVERYTHING, as_arguments

TRAIN = ["train", "--model", "mnist_cnn"]
# With `EVERYTHING` and the next one, another value than the default for each attribute of a recipe.
FURTHER = {
    "extra_logit": -1.0,
    "epochs": 3,
    "batch_size": 5,
    "schedule": "step",
    "milestones": ((0.5, 0.1), (0.75, 0.01)),
    "warmup": 0.25,
    "momentum": 0.8,
    "crop_aspect": 1.5,
    "color_noise": 0.1,
    "sizes": (32, 24),
    "precision": "mixed_bfloat16",
    "jit": True,
    "micro_batches": 2,
    "seed": 4,
}
OF_ADAM_AND_PLATEAU: dict[str, Any] = {
    "epsilon": 1e-7,
    "schedule": "plateau",
    "patience": 1,
    "drops": 2,
}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--model", "mnist_cn"], "unknown model 'mnist_cn' (did you mean 'mnist_cnn'?)"),
        ([*TRAIN, "--data", "mnits"], "unknown data set 'mnits' (did you mean 'mnist'?)"),
        ([*TRAIN, "--epoch", "3"], "unknown argument '--epoch' (did you mean '--epochs'?)"),
        ([*TRAIN, "--batch-size", "0"], "'0' is not an integer from 1 to 4294967295"),
        ([*TRAIN, "--batch-size", "many"], "'many' is not an integer from 1"),
        ([*TRAIN, "--epochs", "0"], "'0' is not an integer from 1 to 4294967295"),
        ([*TRAIN, "--limit", "-1"], "'-1' is not an integer from 1"),
        ([*TRAIN, "--seed", "4294967296"], "is not an integer from 0 to 4294967295"),
        ([*TRAIN, "--learning-rate", "0"], "'0' is not a positive number"),
        ([*TRAIN, "--learning-rate", "nan"], "'nan' is not a positive number"),
        ([*TRAIN, "--batch-size", "99999999999999999999"], "is not an integer from 1 to"),
        (
            [*TRAIN, "--precision", "bfloat16"],
            "(did you mean 'mixed_bfloat16'?) is not one of float32",
        ),
        ([*TRAIN, "--out", ""], "the path is empty"),
        ([*TRAIN, "--input-shape", "32x32x4"], "(32, 32, 4): images have 1 or 3 channels"),
        ([*TRAIN, "--model-option", "classes=5"], "classes, which the training sets: leave it out"),
        ([*TRAIN, "--model-option", "weights=mnist"], "which the training sets: use weights"),
        (
            [*TRAIN, "--schedule", "step", "--milestones", "30:0.1,60:0.01"],
            "the fractions must rise, between 0 and 1",
        ),
        (
            [*TRAIN, "--schedule", "step", "--milestones", "0.5:0.1,0.25:0.5"],
            "the fractions must rise, between 0 and 1",
        ),
        ([*TRAIN, "--crop-aspect", "1.3"], "crop_aspect needs crop_area"),
        (
            ["train", "--resume", "runs/x", "--model-option", "alpha=0.5"],
            "--model-option cannot be combined with --resume",
        ),
        ([*TRAIN, "--ep", "3"], "unknown argument '--ep' (did you mean '--epochs'?)"),
        ([*TRAIN, "--out", __file__], "is a file"),
        ([*TRAIN, "--out", str(Path(__file__).parent)], "contains other files than a run"),
        (["train"], "--model NAME is missing, or --resume"),
        (["convert", "a.keras"], "required: TARGET"),
        (["convert", "a", "b.keras", "--head", "fc"], "'fc' is not one of conv, dense"),
        (["demo", "filter"], "'filter' (did you mean 'filters'?) is not one of"),
        (["trian"], "unknown command 'trian' (did you mean 'train'?)"),
        ([], "required: COMMAND"),
        ([""], "unknown command ''"),
        (["list", "no_such_*"], "no model matches"),
        ([*TRAIN, "--batch=3"], "unknown argument '--batch=3' (did you mean '--batch-size'?)"),
        ([*TRAIN, "--net", "x"], "unknown argument '--net';"),  # not --quiet
        ([*TRAIN, "--wd", "1"], "(did you mean '--weight-decay'?)"),
        ([*TRAIN, "--weight-decay", "-1"], "'-1' is not a number of at least 0"),
        ([*TRAIN, "--crop-area", "0.5"], "'0.5' is not 2 values with ',' between them"),
        ([*TRAIN, "--milestones", "0.5"], "'0.5' is not 2 values with ':' between them"),
        ([*TRAIN, "--schedule", "step"], "schedule='step' and milestones need each other"),
        ([*TRAIN, "--input-shape", "9"], "'9' is not a shape such as 32x32 or 32x32x3"),
        ([*TRAIN, "--model-option", "alpha"], "'alpha' is not NAME=VALUE, such as alpha=0.5"),
        ([*TRAIN, "--dropout=1"], "unknown argument '--dropout=1';"),
        ([*TRAIN, "--json"], "unknown argument '--json';"),  # which other commands mean by --format
        ([*TRAIN, "--num-epochs", "3"], "(did you mean '--epochs'?)"),
        ([*TRAIN, "--lr_schedule", "3"], "(did you mean '--schedule'?)"),
        ([*TRAIN, "--save-freq", "3"], "(did you mean '--save-every'?)"),
        ([*TRAIN, "model"], "unknown argument 'model' (did you mean '--model'?)"),
        (["train", "lenet5"], "unknown argument 'lenet5' (did you mean '--model lenet5'?)"),
        ([*TRAIN, "-o", "x"], "unknown argument '-o' (did you mean '--out'?)"),
        ([*TRAIN, "--out", "x" * 5000], "no file can have the path 'xxx"),
        ([*TRAIN, "--data", "folder:" + "x" * 5000], "no file can have the path 'xxx"),
        ([*TRAIN, "--data", "folder:~nobody-here/x"], "the user is unknown"),
        ([*TRAIN, "--out", "x\0y"], r"no file can have the path 'x\x00y'"),
        (["train", "--model", "a\x1b[2J\nb"], r"unknown model 'a\x1b[2J\nb'"),
        (["list", "--modle"], "unknown argument '--modle'"),
        (["--quiet", "list"], "'--quiet' must come after the command"),
    ],
)
def test_usage_errors_are_one_sentence_and_exit_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    code, out, err = answer(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("kerazoo: ")
    assert message in err
    assert err.count("\n") == 1


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = answer(capsys, "train", "--model", "mnist_cn", "--debug")
    assert code == 2
    assert err.startswith("Traceback")
    assert err.splitlines()[-1].startswith("kerazoo: unknown model")


def test_a_missing_folder_of_images_is_reported_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = answer(capsys, *TRAIN, "--data", "folder:/nowhere")
    assert (code, err) == (3, "kerazoo: there is no folder '/nowhere'\n")


@pytest.mark.usefixtures("tensorflow_started")
def test_every_option_reaches_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[TrainOptions] = []
    module = ModuleType("kerazoo.training.train")
    module.train = lambda options: seen.append(options)  # type: ignore[attr-defined] # a stand-in
    monkeypatch.setitem(sys.modules, "kerazoo.training.train", module)
    monkeypatch.setattr("kerazoo.device.unused_gpu", lambda: "a warning")
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setattr("signal.signal", lambda *_: None)
    line = (
        "--data cifar10 --mnist-dir ~/idx --limit 7 --skip-broken --epochs 3 "
        "--batch-size 5 --lr 0.5 --seed 4 --precision mixed_bfloat16 --out /tmp/new/one "
        "--overwrite --tensorboard --dry-run"
    )
    code, out, err = answer(capsys, *TRAIN, *line.split())
    assert code == 0, err
    recipe = Recipe(epochs=3, batch_size=5, learning_rate=0.5, precision="mixed_bfloat16", seed=4)
    assert seen == [
        TrainOptions(
            model="mnist_cnn",
            data="cifar10",
            mnist_dir=Path("/home/me/idx"),
            limit=7,
            skip_broken=True,
            recipe=recipe,
            out=Path("/tmp/new/one"),
            overwrite=True,
            tensorboard=True,
            dry_run=True,
        )
    ]
    assert out == "null\n"  # what the stand-in returns
    first, second = err.splitlines()
    assert first.startswith(f"kerazoo {kerazoo.__version__}, TensorFlow ")
    assert second == "kerazoo: warning: a warning"
    assert answer(capsys, *TRAIN, "--quiet")[2] == "kerazoo: warning: a warning\n"
    monkeypatch.setenv("KERAZOO_MNIST_DIR", "/idx")
    assert answer(capsys, *TRAIN)[0] == 0
    assert seen[-1] == TrainOptions("mnist_cnn", mnist_dir=Path("/idx"))
    changes = {**EVERYTHING, **FURTHER}
    del changes["patience"]
    names = {each.name for each in dataclasses.fields(Recipe)}
    assert {*changes, *OF_ADAM_AND_PLATEAU} == names
    assert all(value != getattr(Recipe(), name) for name, value in changes.items())
    others = "--weights mnist --input-shape 32x32 --model-option alpha=0.5 --save-every 3"
    arguments = [*as_arguments(changes), *others.split(), "--strategy", "mirrored"]
    code, _, err = answer(capsys, *TRAIN, *arguments)
    assert code == 0, err
    assert seen[-1] == TrainOptions(
        "mnist_cnn",
        mnist_dir=Path("/idx"),
        recipe=Recipe(**changes),
        weights="mnist",
        input_shape=(32, 32, 1),
        model_options={"alpha": 0.5},
        save_every=3,
        strategy="mirrored",
    )
    for flags, recipe in (
        (["--recipe", "fast"], FAST),
        (["--recipe", "notes"], Recipe()),
        (as_arguments(OF_ADAM_AND_PLATEAU), Recipe(**OF_ADAM_AND_PLATEAU)),
        (
            ["--augment", "standard", "--no-flip"],
            Recipe(**{**STANDARD_AUGMENTATION, "flip": False}),
        ),
        (
            ["--recipe", "fast", "--epochs", "5", "--schedule", "constant"],
            dataclasses.replace(FAST, epochs=5, schedule="constant"),
        ),
    ):
        assert answer(capsys, *TRAIN, *flags)[0] == 0
        assert seen[-1].recipe == recipe


def test_closed_and_narrow_streams_do_no_harm() -> None:
    kerazoo_list = f"'{sys.executable}' -m kerazoo list"
    for shell, code in (
        (f"{kerazoo_list} | true; exit ${{PIPESTATUS[0]}}", 0),
        (f"{kerazoo_list} | head -1; exit ${{PIPESTATUS[0]}}", 0),
        (f"{kerazoo_list} >&-", 0),
        (f"{kerazoo_list} 2>&-", 0),
        (f"{kerazoo_list} <&- >&- 2>&-", 0),
        (f"LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 {kerazoo_list} 'é*'", 2),
    ):
        run = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)
        assert run.returncode == code
        assert "Traceback" not in run.stderr
        assert "Broken pipe" not in run.stderr


def test_the_exit_code_is_right_where_the_readers_have_gone() -> None:
    main = "import sys; from kerazoo import cli; sys.exit(cli.main(sys.argv[1:]))"
    reader, pipe = os.pipe()
    os.close(reader)
    for arguments, code in (
        (["list"], 0),
        (["--help"], 0),
        (["list", "no_such"], 2),
        (["list", "no_such", "--debug"], 2),
    ):
        command = [sys.executable, "-c", main, *arguments]
        run = subprocess.run(command, stdout=pipe, stderr=pipe)
        assert run.returncode == code
    os.close(pipe)


def test_a_pipe_of_something_else_that_breaks_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: str) -> list[str]:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    monkeypatch.setattr("kerazoo.models.list_models", fail)
    code, out, err = answer(capsys, "list")
    assert (code, out) == (1, "")
    assert err == "kerazoo: a file could not be read or written: [Errno 32] Broken pipe\n"


def test_a_command_continues_where_the_reader_of_its_log_has_gone() -> None:
    code = (
        "import logging; from kerazoo.reporting import log_on_standard_error\n"
        "with log_on_standard_error():\n"
        "    for _ in range(3): logging.getLogger('kerazoo').info('a message')\n"
        "print('done')"
    )
    reader, pipe = os.pipe()
    os.close(reader)
    for log in (pipe, os.open("/dev/full", os.O_WRONLY)):
        run = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=log)
        os.close(log)
        assert (run.returncode, run.stdout) == (0, b"done\n")


def test_list_names_the_models_with_their_facts(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = answer(capsys, "list")
    header, *rows = out.splitlines()
    assert code == 0
    assert header.split() == ["name", "input", "parameters", "MACs", "year", "paper"]
    (row,) = [row for row in rows if row.startswith("mnist_cnn ")]
    assert row.split()[:5] == ["mnist_cnn", "28x28x1", "220,234", "4,039,808", "2017"]
    lines = answer(capsys, "list", "mnist*")[1].splitlines()
    assert [line.split() for line in lines] == [header.split(), row.split()]


def test_help_has_groups_defaults_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = answer(capsys, "train", "--help")
    assert code == 0
    for group in ("what to train:", "how to train it:", "what to write:", "messages:"):
        assert group in out
    for default in ("auto", "10", "100", "0.001", "float32", "runs/<time>-<model>-<data>"):
        assert f"(default: {default})" in " ".join(out.split())
    assert "3 data missing, 4 file corrupt" in " ".join(out.split())


# Run in a new process: says what each of the commands has imported that takes its time.
IMPORTED = """
import json, sys
from kerazoo.cli import main
heavy = {"tensorflow", "keras", "numpy", "pandas", "sklearn", "matplotlib", "tensorflow_datasets",
         "tqdm", "tabulate"}
found = []
for arguments in json.loads(sys.argv[1]):
    try:
        main(arguments)
    except SystemExit:  # --help and --version
        pass
    found.append(sorted(heavy & set(sys.modules)))
print()
print(json.dumps(found))
"""


def test_quick_answers_import_nothing_heavy() -> None:
    commands = [
        ["--help"],
        ["train", "--help"],
        ["list"],
        ["--version"],
        ["parity", "--help"],
        ["convert", "a.keras", "b.npz"],
        ["demo", "filter"],
        ["summary", "--help"],
        ["summary", "vgg17"],
        ["summary", "vgg16", "--input-shape", "big"],
        ["documents", "--help"],
        ["bench", "speed"],
        ["train", "--model", "mnist_cn"],
        [*TRAIN, "--data", "nothing"],
        [*TRAIN, "--batch-size", "0"],
        [*TRAIN, "--out", str(Path(__file__).parent)],
    ]
    run = subprocess.run(
        [sys.executable, "-c", IMPORTED, json.dumps(commands)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    imported = json.loads(run.stdout.splitlines()[-1])
    assert list(zip(commands, imported, strict=True)) == [(command, []) for command in commands]


def test_train_py_is_the_same_command() -> None:
    front = Path(__file__).parents[1] / "train.py"
    run = subprocess.run(
        [sys.executable, front, "--model", "mnist_cn"], capture_output=True, text=True
    )
    assert run.returncode == 2
    assert run.stderr.startswith("kerazoo: unknown model 'mnist_cn'")


def caused_by(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


class ResourceExhaustedError(Exception):
    """It has the name of TensorFlow's."""


@pytest.mark.parametrize(
    ("error", "message", "code"),
    [
        (KerazooError("it failed"), "it failed", 1),
        (UsageError("so not"), "so not", 2),
        (DataMissingError("gone"), "gone", 3),
        (CorruptFileError("torn"), "torn", 4),
        (InterruptedRunError("stopped"), "stopped", 130),
        (KeyboardInterrupt(), "interrupted", 130),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "x"), "the disk is full", 1),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), "x"), "the disk is full", 1),
        (
            PermissionError(errno.EACCES, os.strerror(errno.EACCES), "x"),
            "'x': permission denied",
            1,
        ),
        (ResourceExhaustedError("OOM"), "out of memory: free some memory", 1),
        (caused_by(ImportError("numpy"), KeyboardInterrupt()), "interrupted", 130),
        (MemoryError(), "out of memory: free some memory", 1),
        (ModuleNotFoundError("No module", name="keras"), "package 'keras' is missing", 1),
        (ModuleNotFoundError("No module", name="tf_slim"), 'pip install ".[legacy]"', 1),
        (RuntimeError("line 1\nline 2"), "RuntimeError: line 1 line 2; --debug", 1),
    ],
)
def test_every_error_is_one_sentence_with_its_exit_code(
    error: BaseException, message: str, code: int
) -> None:
    text, found = explain(error)
    assert message in text
    assert "\n" not in text
    assert found == code
