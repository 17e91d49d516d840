"""A model of pydantic-ai that speaks OpenAI's chat completions."""

from openai import AsyncOpenAI
from pydantic_ai.direct import model_request
from pydantic_ai.messages import ModelMessagesTypeAdapter
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.tools import ToolDefinition

from chatdebug.cassettes.playing import PlayedCall
from chatdebug.recorder import RecordingModel


async def ask(call: PlayedCall) -> None:
    """Make the call that failed."""
    messages = ModelMessagesTypeAdapter.validate_python(call.request["messages"])
    parameters = ModelRequestParameters(
        function_tools=[ToolDefinition(**tool) for tool in call.request["tools"]]
    )
    async with AsyncOpenAI(
        base_url=f"{call.base_url}/v1",
        api_key="offline",
        max_retries=0,
        timeout=call.timeout,
    ) as client:
        model = RecordingModel(
            OpenAIChatModel(call.model, provider=OpenAIProvider(openai_client=client))
        )
        await model_request(
            model,
            messages,
            model_settings=call.request["settings"],
            model_request_parameters=parameters,
        )
