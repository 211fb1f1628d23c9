"""The papers' recipes: each value has its source, and the rates at chosen steps are theirs."""

import dataclasses
import itertools
import math
from typing import Any

import pytest

import kerazoo
from kerazoo import registry
from kerazoo.errors import UsageError
from kerazoo.options import fields
from kerazoo.recipe import FAST, Recipe
from kerazoo.training.options import make_recipe
from kerazoo.training.schedules import learning_rate

# Images of the papers' training sets; ILSVRC's has 1,281,167.
IMAGENET, MNIST = 1_281_167, 60_000
VGGS = ("vgg11", "vgg11_lrn", "vgg13", "vgg16", "vgg16c", "vgg19")
RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")

# (batch size, learning rate, momentum, weight decay, epochs) as the papers give them.
STATED = {
    **dict.fromkeys(VGGS, (256, 0.01, 0.9, 5e-4, 74)),
    **dict.fromkeys(RESNETS, (256, 0.1, 0.9, 1e-4, 120)),
    **dict.fromkeys(("alexnet", "alexnet_v2"), (128, 0.01, 0.9, 5e-4, 90)),
    "zfnet": (128, 0.01, 0.9, None, 70),
    "sppnet": (None, 0.01, None, None, None),
    **dict.fromkeys(("googlenet", "inception_v1"), (None, None, 0.9, None, None)),
    "lenet5": (1, 0.0005, None, None, 20),
    "mnist_cnn": (100, 0.001, None, None, 10),
}


def paper(name: str) -> Recipe:
    return make_recipe(name, "paper")


def test_every_network_has_a_recipe() -> None:
    assert sorted(STATED) == kerazoo.list_models()


@pytest.mark.parametrize("name", STATED)
def test_values_are_those_of_the_paper(name: str) -> None:
    recipe = paper(name)
    found = (
        recipe.batch_size,
        recipe.learning_rate,
        recipe.momentum,
        recipe.weight_decay,
        recipe.epochs,
    )
    for value, stated in zip(found, STATED[name], strict=True):
        assert stated is None or value == stated


@pytest.mark.parametrize("name", STATED)
def test_a_value_has_its_source_or_is_a_departure(name: str) -> None:
    described = registry.find(name).paper_recipe
    assert described
    names = {each.name for each in fields(Recipe)}
    assert described.sources.keys() <= names
    unlike = {
        each
        for each in names
        if getattr(described.recipe, each) != getattr(Recipe(), each)
        and each not in described.sources
    }
    words = {"epochs": "epochs", "batch_size": "batch size", "learning_rate": "learning rate"}
    words |= {"flip": "flips", "momentum": "momentum", "weight_decay": "weight decay"}
    words |= {"optimizer": "momentum", "warmup": "rate rises"}
    text = " ".join(described.departures)
    assert all(words[each] in text for each in unlike), unlike
    assert all(not each.endswith(".") for each in described.departures)


def rates(name: str, images: int, epochs: list[float]) -> list[float]:
    """Return the learning rates at the beginning of epochs, from 0, and just before."""
    recipe = paper(name)
    rate = learning_rate(recipe, images)
    per_epoch = recipe.steps_per_epoch(images)
    return [
        rate if isinstance(rate, float) else float(rate(round(epoch * per_epoch)))
        for epoch in epochs
    ]


def test_lenet5_has_the_rates_of_its_twenty_passes() -> None:
    stated = [5e-4] * 2 + [2e-4] * 3 + [1e-4] * 3 + [5e-5] * 4 + [1e-5] * 8
    assert rates("lenet5", MNIST, [0.5, *range(1, 20)]) == pytest.approx(stated, rel=1e-6)
    assert rates("lenet5", MNIST, [0, 0.25]) == pytest.approx([0, 2.5e-4], rel=1e-6)
    last_steps = [epoch - 1 / MNIST for epoch in range(1, 21)]
    assert rates("lenet5", MNIST, last_steps) == pytest.approx(stated, rel=1e-6)


def test_googlenets_rate_falls_by_4_percent_every_8_epochs() -> None:
    stated = [0.01 * 0.96 ** (epoch // 8) for epoch in range(96)]
    assert rates("googlenet", IMAGENET, [*range(96)]) == pytest.approx(stated, rel=1e-6)


def test_the_rate_of_one_weird_trick_falls_three_times_by_the_third_root_of_250() -> None:
    fraction = [0, 0.2499, 0.25, 0.4999, 0.5, 0.7499, 0.75, 0.9999]
    times = [0, 0, 1, 1, 2, 2, 3, 3]
    stated = [0.01 * 250 ** (-each / 3) for each in times]
    found = rates("alexnet_v2", IMAGENET, [90 * each for each in fraction])
    assert found == pytest.approx(stated, rel=1e-6)


@pytest.mark.parametrize("name", [*VGGS, *RESNETS, "alexnet", "zfnet", "sppnet"])
def test_the_others_are_divided_at_plateaus(name: str) -> None:
    """See `test_a_plateau_divides_the_rate_by_ten_at_most_so_often`."""
    recipe = paper(name)
    assert recipe.schedule == "plateau"
    assert recipe.drops == (2 if name == "sppnet" else 3)
    assert rates(name, IMAGENET, [0, 50]) == [recipe.learning_rate] * 2


def test_milestones_are_fractions_so_that_fewer_epochs_have_all_of_them() -> None:
    recipe = make_recipe("lenet5", "paper", epochs=10, warmup=0)
    rate = learning_rate(recipe, 100)
    assert not isinstance(rate, float)
    found = [float(rate(100 * epoch)) for epoch in range(10)]
    expected = [5e-4, 2e-4, 1e-4, 1e-4, 5e-5, 5e-5, 1e-5, 1e-5, 1e-5, 1e-5]
    expected[2] = 2e-4  # until a quarter of the epochs
    expected[3] = 1e-4
    assert found == pytest.approx(expected, rel=1e-6)


def test_a_warm_up_rises_from_zero_and_shifts_nothing() -> None:
    recipe = Recipe(epochs=4, batch_size=10, schedule="step", milestones=((0.5, 0.1),), warmup=0.25)
    rate = learning_rate(recipe, 100)
    assert not isinstance(rate, float)
    found = [float(rate(step)) for step in range(40)]
    expected = [0.001 * step / 10 for step in range(10)] + [0.001] * 10 + [0.0001] * 20
    assert found == pytest.approx(expected, rel=1e-6)
    constant = learning_rate(Recipe(epochs=1, batch_size=10, warmup=0.5), 100)
    assert not isinstance(constant, float)
    assert [float(constant(step)) for step in (0, 1, 5, 9)] == pytest.approx([0, 2e-4, 1e-3, 1e-3])


def test_recipes_by_name_and_what_changes_them() -> None:
    assert make_recipe("mnist_cnn") == Recipe()
    assert make_recipe("vgg16") == registry.find("vgg16").recipe != Recipe()
    assert make_recipe("vgg16", "notes") == Recipe()
    assert make_recipe("mnist_cnn", "fast", epochs=3) == dataclasses.replace(FAST, epochs=3)
    standard = make_recipe("vgg16", augment="standard", flip=False)
    assert (standard.flip, standard.crop_padding) == (False, 0.125)
    of_paper = make_recipe("vgg16", augment="paper")
    assert of_paper.crop_area == paper("vgg16").crop_area
    assert of_paper.learning_rate == registry.find("vgg16").recipe.learning_rate
    assert make_recipe("vgg16", "paper", augment="none").flip is False
    assert make_recipe("lenet5", "paper", schedule="constant").milestones == ()
    for name, message in (("best", "recipe must be 'default', 'paper', 'notes' or 'fast'"),):
        with pytest.raises(UsageError, match=message):
            make_recipe("vgg16", name)


def test_the_crops_of_vgg_are_those_of_images_of_256_to_512_pixels() -> None:
    low, high = paper("vgg16").crop_area
    assert [math.sqrt(low), math.sqrt(high)] == pytest.approx([224 / 512, 224 / 256])


def test_options_are_in_one_place() -> None:
    """Every attribute of a recipe is an option, with its own help."""
    assert [each.name for each in fields(Recipe)] == [
        each.name for each in dataclasses.fields(Recipe)
    ]
    for field in fields(Recipe):
        assert field.metadata["text"]
    pairs = itertools.combinations([field.metadata["text"] for field in fields(Recipe)], 2)
    assert all(a != b for a, b in pairs)


@pytest.mark.parametrize(
    ("name", "value", "other"),
    [
        ("momentum", 0.5, "optimizer='sgd', but optimizer is 'adam'"),
        ("patience", 3, "schedule='plateau', but schedule is 'constant'"),
        ("drops", 2, "schedule='plateau', but schedule is 'constant'"),
    ],
)
def test_a_value_that_changes_nothing_is_refused(name: str, value: Any, other: str) -> None:
    with pytest.raises(UsageError, match=f"^{name} is for {other}: leave out {name}, or change"):
        make_recipe("mnist_cnn", **{name: value})
    with pytest.raises(UsageError, match=r"^epsilon is for optimizer='adam', but optimizer is"):
        make_recipe("mnist_cnn", optimizer="sgd", epsilon=1e-7)
    assert make_recipe("mnist_cnn", optimizer="sgd", momentum=0.5).momentum == 0.5
    assert make_recipe("mnist_cnn", schedule="plateau", drops=2).drops == 2
    whole = make_recipe("vgg16", "paper")
    assert make_recipe("mnist_cnn", **dataclasses.asdict(whole)) == whole
