"""MLServer: a custom runtime with its own numpy codec, in the server's process."""

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse
from onnx_model import OnnxModel


class Ranker(MLModel):
    async def load(self) -> bool:
        self.model = OnnxModel()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        arrays = {
            given.name: NumpyCodec.decode_input(given).astype(
                self.model.dtypes[given.name], copy=False
            )
            for given in payload.inputs
        }
        scores = NumpyCodec.encode_output("logit", self.model.run(arrays))
        return InferenceResponse(model_name=self.name, outputs=[scores])
