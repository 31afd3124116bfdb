"""The path from Settings to Result: sides, steps, comparison. Read top to bottom.

Whatever goes wrong on the way becomes the Result's failure, and what was measured until then
stays in it.
"""

from __future__ import annotations

import traceback
from contextlib import ExitStack, suppress

import psutil

from perf_smoke import compare
from perf_smoke.cancel import Cancelled
from perf_smoke.context import Context
from perf_smoke.document import Draft, finish, side
from perf_smoke.measure.metrics import LEAST_FOR_SPREAD
from perf_smoke.measure.schedule import (
    BaseFailed,
    Plan,
    Recording,
    measure_alone,
    measure_pairs,
)
from perf_smoke.preparation import Preparation
from perf_smoke.printable import printable
from perf_smoke.result import Comparison, Failure, Result, Unmeasured, told_to_engine
from perf_smoke.settings import Settings

SAME_PROGRAM_FLOOR = 0.005
"""Changes below it are not called even when they are sure."""
REBUILT_FLOOR = 0.01
"""The same for two different programs: another layout of the code alone changes this much."""


def run(settings: Settings, context: Context) -> Result:
    """Measure what the settings ask for. Never raises for what goes wrong outside."""
    draft = Draft(settings=settings, runtime=context.runtime, environment=context.environment)
    try:
        with context.interruptible():
            _Run(settings, context, draft).measure()
    except Unmeasured as error:
        return finish(draft, "failed", error.failure)
    except Cancelled:
        _kill_children()
        sentence = "The run was cancelled before it had finished."
        return finish(draft, "cancelled", Failure(reason="cancelled", sentence=sentence))
    except Exception:  # noqa: BLE001 - promise 1: a bug of ours turns no job red, and is told
        failure = Failure(
            reason="internal-error",
            sentence="perf-smoke itself failed; please report it with these lines.",
            tail=printable(traceback.format_exc(limit=-5)),
        )
        return finish(draft, "failed", failure)
    return finish(draft, "measured", None)


class _Run:
    """One run under way; what it finds goes into the draft at once."""

    def __init__(self, settings: Settings, context: Context, draft: Draft) -> None:
        self._settings = settings
        self._context = context
        self._draft = draft
        self._looks: tuple[int, ...] = ()
        self._looked_at = 0
        self._base_failed = False

    def measure(self) -> None:
        """From the model to the comparison.

        Raises:
            Unmeasured: head could not be measured.
        """
        settings, watcher = self._settings, self._context.watcher
        sides = Preparation(settings, self._context, self._draft)
        head = sides.head()
        plan = Plan(
            request=sides.request,
            warmup=settings.warmup,
            runs=settings.runs,
            budget_s=settings.budget_s,
            timeout_s=settings.timeout_s,
            order_seed=self._draft.order_seed,
        )
        recording = self._draft.recording
        with ExitStack() as cleanup:
            try:
                if base := sides.base(cleanup):
                    watcher.phase("Measuring head and base in random pairs")
                    with self._draft.machine_watched():
                        measure_pairs(head, base, plan, recording, self._seen_enough, watcher.step)
            except BaseFailed as error:
                self._go_on_without_base(error.failure)
        if not recording.stopped and len(recording.samples["head"]) < LEAST_FOR_SPREAD:
            watcher.phase("Measuring")
            with self._draft.machine_watched():
                measure_alone(head, plan, recording, watcher.step)
        self._draft.comparison = self._decide()

    def _seen_enough(self, recording: Recording) -> bool:
        """Whether a planned look decides."""
        if recording.pairs_planned and not self._looks:
            self._looks = compare.plan(recording.pairs_planned)
        due = [look for look in self._looks[:-1] if self._looked_at < look <= recording.pairs]
        if not due:
            return False
        head, base = side(self._draft, "head").found, side(self._draft, "base").found
        if head is None or base is None:
            return False
        metric = self._settings.metric
        if compare.usable_pairs(base.samples, head.samples, metric) < due[0]:
            return False  # a step did not count: the look comes a pair later
        self._looked_at = due[0]
        self._draft.look_at_machine()
        return compare.settled_by(
            base.samples,
            head.samples,
            metric=metric,
            rule=self._rule(),
            looks=self._looks,
            threads=self._threads_told(),
            machine=self._draft.machine(),
        )

    def _decide(self) -> Comparison:
        draft = self._draft
        return compare.from_sides(
            None if self._base_failed else side(draft, "base").found,
            side(draft, "head").found,
            metric=self._settings.metric,
            rule=self._rule(),
            looks=self._looks,
            stopped=draft.recording.stopped,
            threads=self._threads_told(),
            machine=draft.machine(),
        )

    def _threads_told(self) -> int | None:
        told = told_to_engine(self._settings.given, "threads")
        return self._draft.request.threads if told and self._draft.request else None

    def _rule(self) -> compare.Rule:
        programs = {engine.binary_sha256 for engine in self._draft.engines.values()}
        return compare.Rule(
            alpha=self._settings.alpha,
            margin=self._settings.margin,
            floor=REBUILT_FLOOR if len(programs) > 1 else SAME_PROGRAM_FLOOR,
        )

    def _go_on_without_base(self, failure: Failure) -> None:
        """Head alone is still worth having, and is measured further where little was seen of it;
        the reader learns why there is no verdict."""
        self._base_failed = True
        last = failure.tail.strip().rpartition("\n")[2]
        said = f" Its last line: {last}" if last else ""
        self._draft.notes.append(f"Nothing to compare with: {failure.sentence}{said}")


def _kill_children() -> None:
    """What the interrupted code may have started and not yet known of."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            child.kill()
