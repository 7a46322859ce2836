import pytest
import torch

from models.inputs import Inputs
from models.schema import TIERS, Tier
from models.students.hints import HintLayer
from tests.models.random_inputs import random_arrays, schema_of

DIM, HIDDEN = 4, 6
FEATURES = schema_of(teacher_dim=DIM).model_copy(update={"teacher_tiers": ("item", "user")})


def inputs_of(tier: Tier) -> Inputs:
    inputs = Inputs.of(random_arrays(FEATURES, requests=2, candidates=5))
    return inputs._replace(teacher_tier=torch.full((5,), TIERS.index(tier)))


def read(layer: HintLayer, inputs: Inputs) -> torch.Tensor:
    return torch.cat(layer(inputs).described, -1) @ layer.weight().T


@pytest.fixture
def layer() -> HintLayer:
    torch.manual_seed(0)
    made = HintLayer(FEATURES, HIDDEN)
    for weight in made.parameters():
        torch.nn.init.normal_(weight)
    return made


@pytest.mark.parametrize("tier", ["pair", "user", "item"])
def test_each_tier_is_read_through_weights_of_its_own(layer: HintLayer, tier: Tier) -> None:
    inputs = inputs_of(tier)
    place = ("pair", "item", "user").index(tier)
    before = read(layer, inputs)
    others = [block for block in range(3) if block != place]
    with torch.no_grad():
        for block in others:
            layer.into.weight[:, block * DIM : (block + 1) * DIM] = 99.0
    torch.testing.assert_close(read(layer, inputs), before)
    with torch.no_grad():
        layer.into.weight[:, place * DIM : (place + 1) * DIM] = 0.0
    assert not torch.equal(read(layer, inputs), before)


@pytest.mark.parametrize("tier", ["none", "neighbour"])
def test_z_of_a_tier_that_is_not_read_reaches_nothing(layer: HintLayer, tier: Tier) -> None:
    inputs = inputs_of(tier)
    assert inputs.teacher_z is not None
    louder = inputs._replace(teacher_z=inputs.teacher_z * 100)
    torch.testing.assert_close(read(layer, louder), read(layer, inputs))
    torch.testing.assert_close(layer(louder).shortcut, layer(inputs).shortcut)


def test_shortcut_sees_what_is_said_of_the_pair_alone(layer: HintLayer) -> None:
    user, pair = inputs_of("user"), inputs_of("pair")
    assert user.teacher_z is not None
    louder = {"teacher_z": user.teacher_z * 100}
    torch.testing.assert_close(layer(user._replace(**louder)).shortcut, layer(user).shortcut)
    assert not torch.allclose(layer(pair._replace(**louder)).shortcut, layer(pair).shortcut)


def test_hints_start_silent() -> None:
    made = HintLayer(FEATURES, HIDDEN)
    assert not read(made, inputs_of("pair")).any()
