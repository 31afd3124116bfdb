"""The path from Settings to Result: sides, steps, comparison. Read top to bottom.

Whatever goes wrong on the way becomes the Result's failure, and what was measured until then
stays in it.
"""

from __future__ import annotations

import traceback
from contextlib import ExitStack
from dataclasses import replace

from perf_smoke import compare
from perf_smoke.cancel import Cancelled, Deserted
from perf_smoke.configuration import Unworkable
from perf_smoke.context import Context
from perf_smoke.deadline import Deadline
from perf_smoke.document import Draft, finish
from perf_smoke.engines.base import Engine
from perf_smoke.measure.schedule import (
    PILOT_PAIRS,
    BaseFailed,
    Plan,
    Recording,
    measure_alone,
    measure_pairs,
)
from perf_smoke.measure.summary import LEAST_FOR_SPREAD
from perf_smoke.preparation import Preparation
from perf_smoke.printable import printable
from perf_smoke.processes.kinship import MARK
from perf_smoke.processes.sweep import end_everything
from perf_smoke.result import (
    BASE,
    HEAD,
    Comparison,
    Extension,
    Failure,
    Machine,
    Result,
    Status,
    Unmeasured,
)
from perf_smoke.settings import Settings

SAME_PROGRAM_FLOOR = 0.005
"""Changes below it are not called even when they are sure."""
REBUILT_FLOOR = 0.01
"""The same for two different programs: another layout of the code alone changes this much."""
EXTENSION_SHARE = 0.2
"""The part of alpha that a run keeps for pairs beyond its budget, where it may take some."""


def run(settings: Settings, context: Context) -> Result:
    """Measure what the settings ask for. Never raises for what goes wrong outside."""
    draft = Draft(
        settings=settings,
        runtime=context.runtime,
        environment=context.environment,
        leg=context.leg,
    )
    status, failure = _outcome(settings, context, draft)
    end_everything(context.environment.get(MARK, ""))
    return finish(draft, status, failure)


def _outcome(settings: Settings, context: Context, draft: Draft) -> tuple[Status, Failure | None]:
    try:
        with context.interruptible():
            _Run(settings, context, draft).measure()
    except Unworkable as error:
        return "invalid", error.failure
    except Unmeasured as error:
        return "failed", error.failure
    except Deserted:
        sentence = "The process above perf-smoke was killed while it measured."
        return "failed", Failure(reason="perf-smoke-crashed", sentence=sentence)
    except Cancelled:
        sentence = "The run was cancelled before it had finished."
        return "cancelled", Failure(reason="cancelled", sentence=sentence)
    except Exception:  # noqa: BLE001 - promise 1: a bug of ours turns no job red, and is told
        return "failed", bug_of_ours()
    return "measured", None


def bug_of_ours() -> Failure:
    """What a reader learns of the exception that is being handled."""
    return Failure(
        reason="internal-error",
        sentence="perf-smoke itself failed; please report it with these lines.",
        tail=printable(traceback.format_exc(limit=-5)),
    )


class _Run:
    """One run under way; what it finds goes into the draft at once."""

    def __init__(self, settings: Settings, context: Context, draft: Draft) -> None:
        self._settings = settings
        self._context = context
        self._draft = draft
        self._looks: tuple[int, ...] = ()
        self._extension = (
            Extension(alpha_share=EXTENSION_SHARE)
            if settings.budget.longest_s > settings.budget_s and not settings.runs
            else None
        )
        self._looked_at = 0
        self._decided_on: Machine | None = None
        """The machine as the look knew it that decided."""

    def measure(self) -> None:
        """From the model to the comparison.

        Raises:
            Unworkable: the inputs cannot work.
            Unmeasured: head could not be measured.
        """
        settings, watcher, draft = self._settings, self._context.watcher, self._draft
        sides = Preparation(settings, self._context, draft)
        sides.refuse_what_cannot_work()
        head = sides.head()
        plan = Plan(
            request=sides.request,
            warmup=settings.warmup,
            runs=settings.runs,
            budget_s=settings.budget_s,
            longest_budget_s=settings.budget.longest_s,
            timeout_s=settings.timeout_s,
            order_seed=draft.order_seed,
            end_s=sides.deadlines[HEAD].end_s,
            pairs_end_s=sides.deadlines[BASE].end_s,
        )
        recording = draft.recording
        with ExitStack() as cleanup:
            try:
                if base := sides.base(cleanup):
                    watcher.phase("Measuring head and base in random pairs")
                    with draft.machine_watched():
                        self._measure_pairs(head, base, plan, sides.deadlines[BASE])
            except BaseFailed as error:
                draft.lost_base = error.failure  # head alone is still worth having
        if not recording.stopped and len(recording.samples[HEAD]) < LEAST_FOR_SPREAD:
            watcher.phase("Measuring head")
            with draft.machine_watched(), sides.deadlines[HEAD].waiting_for("head's steps"):
                measure_alone(head, plan, recording, watcher.step)
        if BASE in draft.sides and not draft.lost_base:
            draft.comparison = self._comparison()

    def _measure_pairs(self, head: Engine, base: Engine, plan: Plan, deadline: Deadline) -> None:
        """Until the deadline of the base at most: head alone can be measured after it.

        Raises:
            BaseFailed: the base failed, or there was no time for a few pairs.
            Unmeasured: head failed.
        """
        recording = self._draft.recording
        try:
            with deadline.waiting_for("the steps of head and base"):
                measure_pairs(
                    head,
                    base,
                    plan,
                    recording,
                    self._may_stop,
                    self._context.watcher.step,
                    self._may_go_on,
                )
                if recording.stopped == "deadline" and recording.pairs < PILOT_PAIRS:
                    recording.stopped = ""
                    raise deadline.passed("enough pairs of steps")
        except Unmeasured as error:
            if error.failure.reason == "deadline-passed":
                raise BaseFailed.of(error.failure) from error
            raise

    def _may_stop(self, recording: Recording) -> bool:
        """Whether a planned look decides."""
        if recording.pairs_planned and not self._looks:
            self._looks = compare.plan(recording.pairs_planned)
        due = compare.next_look(self._looked_at, self._looks, self._extension)
        if due is None or due > recording.pairs:
            return False
        pairs = self._pairs()
        if len(pairs) < due:
            return False  # a step did not count: the look comes a pair later
        self._looked_at = due
        machine = self._draft.machine()
        if compare.may_stop(
            pairs, self._rule(), self._looks, self._circumstances(machine), self._extension
        ):
            self._decided_on = machine
        return self._decided_on is not None

    def _may_go_on(self, recording: Recording, pairs_at_most: int) -> bool:
        """Whether the rest of a longer budget may decide what is open after the usual one."""
        pairs, extension = self._pairs(), self._extension
        # What did not count is not counted on either.
        looks = compare.plan_extension(len(pairs), len(pairs) + pairs_at_most - recording.pairs)
        if extension is None or not looks:
            return False
        circumstances = self._circumstances(self._draft.machine())
        if not compare.may_go_on(
            pairs, self._rule(), self._looks, circumstances, extension, pairs_at_most=looks[-1]
        ):
            return False
        self._extension, self._looked_at = replace(extension, looks=looks), len(pairs)
        return True

    def _comparison(self) -> Comparison:
        return compare.decide(
            self._pairs(),
            self._rule(),
            looks=self._looks,
            extension=self._extension,
            stopped=self._draft.recording.stopped,
            circumstances=self._circumstances(self._decided_on or self._draft.machine()),
        )

    def _pairs(self) -> compare.Pairs:
        base, head = self._draft.samples(BASE), self._draft.samples(HEAD)
        return compare.Pairs.of(
            base, head, compare.deciding_metric(self._settings.metric, base, head)
        )

    def _circumstances(self, machine: Machine) -> compare.Circumstances:
        request = self._draft.request
        return compare.Circumstances.of(machine, request.threads_passed if request else None)

    def _rule(self) -> compare.Rule:
        programs = {side.engine.binary_sha256 for side in self._draft.sides.values() if side.engine}
        return compare.Rule(
            alpha=self._settings.alpha,
            margin=self._settings.margin,
            floor=REBUILT_FLOOR if len(programs) > 1 else SAME_PROGRAM_FLOOR,
        )
