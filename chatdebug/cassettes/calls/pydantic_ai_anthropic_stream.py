"""A model of pydantic-ai that speaks Anthropic's messages, as a stream."""

from anthropic import AsyncAnthropic
from pydantic_ai.direct import model_request_stream
from pydantic_ai.messages import ModelMessagesTypeAdapter
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.tools import ToolDefinition

from chatdebug.cassettes.playing import PlayedCall
from chatdebug.recorder import RecordingModel


async def ask(call: PlayedCall) -> None:
    """Make the call that failed, and read its answer."""
    messages = ModelMessagesTypeAdapter.validate_python(call.request["messages"])
    parameters = ModelRequestParameters(
        function_tools=[ToolDefinition(**tool) for tool in call.request["tools"]]
    )
    async with AsyncAnthropic(
        base_url=call.base_url, api_key="offline", max_retries=0, timeout=call.timeout
    ) as client:
        model = RecordingModel(
            AnthropicModel(
                call.model, provider=AnthropicProvider(anthropic_client=client)
            )
        )
        async with model_request_stream(
            model,
            messages,
            model_settings=call.request["settings"],
            model_request_parameters=parameters,
        ) as stream:
            async for _ in stream:
                pass
