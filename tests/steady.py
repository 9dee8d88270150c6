"""A wire with a clock of its own, for those who look at how it is drawn."""

from workbook.wire import Wire


class SteadyWire(Wire):
    """Each event comes a millisecond after the one before.

    By the real clock a machine that stood still meanwhile would have a pause drawn.
    """

    def now(self) -> float:
        return len(self._events) / 1000
