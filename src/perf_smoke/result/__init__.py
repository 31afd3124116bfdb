"""What one run found: the Result document, schema version 1; one module for each part of it.

Everything that measures builds a Result and knows nothing of GitHub; everything that reports
only reads one. Units are in the names. A value that was not measured is None, never a default.

A run answers questions: for each workload (one request) and each base, by how much each deciding
metric changed. Today there is one of each; the document has room for more:

    sides        head and the bases, by name
    workloads    by name: the request, and what each side gave when it was asked
    comparisons  one for each question: workload, base, metric
"""

from perf_smoke.result.comparison import (
    GRAVEST_FIRST,
    Comparison,
    Extension,
    Guard,
    GuardEffect,
    GuardName,
    Rule,
    Verdict,
    fraction,
)
from perf_smoke.result.consequences import (
    FAIL_ON,
    INPUTS_BESIDE,
    CommentWhen,
    FailOn,
    because_of,
    fail_on,
)
from perf_smoke.result.failure import Failure, Unmeasured
from perf_smoke.result.machine import Gpu, Machine, MachineState
from perf_smoke.result.measurement import (
    Measurement,
    MetricSummary,
    Output,
    Sample,
    Tier,
    usual_tokens,
)
from perf_smoke.result.provenance import Cost, Leg, Model, Series, Tool
from perf_smoke.result.result import HEAD_CRASHES, Result, Status
from perf_smoke.result.side import BASE, HEAD, EngineIdentity, Process, Side
from perf_smoke.result.workload import (
    WORKLOAD,
    Prompt,
    RequestPart,
    RequestRecord,
    Rest,
    Stopped,
    Workload,
)

__all__ = [
    "BASE",
    "FAIL_ON",
    "GRAVEST_FIRST",
    "HEAD",
    "HEAD_CRASHES",
    "INPUTS_BESIDE",
    "WORKLOAD",
    "CommentWhen",
    "Comparison",
    "Cost",
    "EngineIdentity",
    "Extension",
    "FailOn",
    "Failure",
    "Gpu",
    "Guard",
    "GuardEffect",
    "GuardName",
    "Leg",
    "Machine",
    "MachineState",
    "Measurement",
    "MetricSummary",
    "Model",
    "Output",
    "Process",
    "Prompt",
    "RequestPart",
    "RequestRecord",
    "Rest",
    "Result",
    "Rule",
    "Sample",
    "Series",
    "Side",
    "Status",
    "Stopped",
    "Tier",
    "Tool",
    "Unmeasured",
    "Verdict",
    "Workload",
    "because_of",
    "fail_on",
    "fraction",
    "usual_tokens",
]
