"""What tokens cost, where the package ``genai-prices`` is installed; it asks nobody."""

from functools import cache
from importlib import import_module
from typing import Any


def cost_of(
    provider: str, model: str, input_tokens: int, output_tokens: int
) -> float | None:
    """Return the price in dollars; None for a model whose price is not known.

    It is that of one call with so many tokens: discounts for what came from a cache, and
    prices of long inputs, are not in it.
    """
    prices = _prices()
    if prices is None or not (input_tokens or output_tokens):
        return None
    usage = prices.Usage(input_tokens=input_tokens, output_tokens=output_tokens)
    try:
        price = prices.calc_price(usage, model, provider_id=provider or None)
    except Exception:  # noqa: BLE001 - it does not know the model, or misreads its name
        return None
    return float(price.total_price)


def has_prices() -> bool:
    """Return whether prices are known at all."""
    return _prices() is not None


@cache
def _prices() -> Any:
    try:
        return import_module("genai_prices")
    except ImportError:
        return None
