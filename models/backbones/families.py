"""Every backbone by name: to add one is to name its config and its class here."""

from typing import Annotated, assert_never

from pydantic import Field
from torch import nn

from models.backbones.interformer import InterFormer, InterFormerConfig
from models.backbones.kunlun import Kunlun, KunlunConfig
from models.backbones.understood import Understood
from models.inputs import Inputs
from models.stem import Past, Stem, UserTokens

BackboneConfig = Annotated[InterFormerConfig | KunlunConfig, Field(discriminator="family")]


class UserSide(nn.Module):
    """A backbone with the tokens and events that it reads: everything before the candidates."""

    def __init__(self, config: BackboneConfig, stem: Stem) -> None:
        super().__init__()
        self.tokens = UserTokens(stem)
        self.backbone = _built(config, self.tokens.tokens, stem.event_width)

    def forward(self, stem: Stem, inputs: Inputs) -> Understood:
        tokens = self.tokens(stem, inputs)
        understood: Understood = self.backbone(tokens, Past.of(inputs), stem.events)
        return understood

    def interact(self, tokens: int, tokens_out: int) -> nn.Module:
        return self.backbone.interaction(tokens, tokens_out)


def _built(config: BackboneConfig, tokens: int, event_width: int) -> InterFormer | Kunlun:
    match config:
        case InterFormerConfig():
            return InterFormer(config, tokens, event_width)
        case KunlunConfig():
            return Kunlun(config, tokens, event_width)
    assert_never(config)
