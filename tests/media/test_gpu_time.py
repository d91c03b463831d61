"""Seconds of GPUs are the sum of samples of their utilisation; where there is none, nothing is known."""

from reelmill_stages.media.gpu_time import GpuTime


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_samples_add_up_to_busy_seconds() -> None:
    time, busy = Time(), iter([1.5, 0.5, 0.0])
    gpu = GpuTime(lambda: next(busy), time)
    for time.now in (0.5, 1.0, 1.5, 2.0, 4.0):
        gpu.tick()
    assert gpu.take() == 1.5 * 1.0 + 0.5 * 1.0 + 0.0 * 2.0
    assert gpu.take() is None


def test_without_a_gpu_nothing_is_known_and_nobody_asks_again() -> None:
    time, asked = Time(), []

    def busy() -> None:
        asked.append(time.now)

    gpu = GpuTime(busy, time)
    for time.now in (1.0, 2.0, 3.0):
        gpu.tick()
    assert gpu.take() is None
    assert asked == [1.0]
