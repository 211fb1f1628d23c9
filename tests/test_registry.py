import inspect
import subprocess
import sys

import keras
import pytest

import kerazoo
import kerazoo.models
from kerazoo import registry
from kerazoo.errors import UsageError


def test_names_are_sorted_and_match_a_pattern() -> None:
    names = kerazoo.list_models()
    assert names == sorted(names)
    assert "mnist_cnn" in names
    assert kerazoo.list_models("mnist_*") == ["mnist_cnn"]
    assert kerazoo.list_models("no_*") == []
    assert kerazoo.list_models("vgg16") == ["vgg16"]
    assert kerazoo.list_models("VGG1") == kerazoo.list_models("vgg1*")


def test_a_wrong_name_suggests_the_nearest() -> None:
    with pytest.raises(
        UsageError, match=r"unknown model 'mnist_cn' \(did you mean 'mnist_cnn'\?\)"
    ):
        kerazoo.create_model("mnist_cn")


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="two models are registered as 'mnist_cnn'"):
        registry.register(registry.find("mnist_cnn"), registry.constructor("mnist_cnn"))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("num_classes", r"unknown option 'num_classes' of mnist_cnn \(did you mean 'classes'\?\)"),
        ("pretrained", r"'pretrained' of mnist_cnn \(did you mean 'weights'\?\)"),
        ("include_tops", r"'include_tops' of mnist_cnn \(did you mean 'include_top'\?\)"),
        ("zzz", "^unknown option 'zzz' of mnist_cnn$"),
    ],
)
def test_an_unknown_option_is_refused_with_the_nearest(option: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        kerazoo.create_model("mnist_cnn", **{option: 1})


def test_a_model_knows_the_call_that_built_it() -> None:
    options = {"classes": 5, "pooling": None, "input_shape": (32, 32, 1)}
    model = kerazoo.create_model("mnist_cnn", name="mine", **options)
    assert model.kerazoo_config == registry.ModelConfig(
        "mnist_cnn", {"classes": 5, "input_shape": (32, 32, 1)}
    )
    call = str(model.kerazoo_config)
    assert call == 'create_model("mnist_cnn", input_shape=(32, 32, 1), classes=5)'
    again = eval(call, {"create_model": kerazoo.create_model})
    assert again.kerazoo_config == model.kerazoo_config
    positional = kerazoo.models.mnist_cnn(False, None, None, None, "avg")
    assert positional.kerazoo_config.options == {"include_top": False, "pooling": "avg"}


def test_constructors_are_ordinary_functions() -> None:
    parameters = inspect.signature(kerazoo.models.vgg16).parameters
    assert list(parameters)[:8] == list(inspect.signature(keras.applications.VGG16).parameters)
    assert {"head", "alpha"} < set(parameters)
    assert parameters["weights"].default is None
    assert "dropout_rate:" in (kerazoo.models.vgg16.__doc__ or "")
    assert kerazoo.models.VGG13 is kerazoo.models.vgg13
    assert kerazoo.models.GoogLeNet is kerazoo.models.googlenet
    assert kerazoo.models.InceptionV1 is kerazoo.models.inception_v1
    with pytest.raises(AttributeError, match="no attribute 'VGG17'"):
        _ = kerazoo.models.VGG17


def test_naming_the_models_loads_no_framework() -> None:
    code = (
        "import sys, kerazoo; kerazoo.list_models();"
        "print(sorted({'keras', 'tensorflow', 'numpy', 'pandas'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_public_names_are_listed_and_found() -> None:
    assert set(kerazoo.__all__) <= set(dir(kerazoo))
    assert all(getattr(kerazoo, name) for name in kerazoo.__all__)
    with pytest.raises(AttributeError, match="no attribute 'sumary'"):
        _ = kerazoo.sumary
