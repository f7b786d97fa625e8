"""Light worlds: many small shops of all kinds, one after the other, for measuring the diagnosis in bulk."""

from practice.light.quarters import Quarters
from practice.light.variation import Variation
from practice.light.world import LightWorld
from practice.traffic.noise import lay_noise

__all__ = ["LightWorld", "Quarters", "Variation", "lay_noise"]
