# The image of `runtime: docker`: Debian's Python, the locked requirements with the embedded engine,
# and perf-smoke. Behind a proxy that inspects TLS, give a BASE that trusts it; a package mirror is
# named by the PIP_ arguments. No BuildKit syntax: engines with the classic builder build it too.
ARG BASE=debian:trixie-slim

# hadolint ignore=DL3006
FROM ${BASE} AS python
# The versions are Debian's stable ones, security updates included: a pin would only keep those out.
# tini is process 1: it passes signals on and reaps what an engine leaves behind.
# hadolint ignore=DL3008
RUN apt-get update -qq \
 && apt-get install -qq --yes --no-install-recommends ca-certificates libgomp1 python3 tini \
 && apt-get clean \
 && rm -rf /var/lib/apt/lists/*

FROM python AS build
# hadolint ignore=DL3008
RUN apt-get update -qq \
 && apt-get install -qq --yes --no-install-recommends binutils python3-venv
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
COPY requirements /requirements
# The engine's library comes with symbols that nobody reads here: three quarters of its size.
# Compiled here, for a container's user cannot write the .pyc and would compile again at each start;
# but not Pygments' lexers, which come with rich and which nothing here imports.
RUN python3 -m venv /opt/perf-smoke \
 && /opt/perf-smoke/bin/python -m pip install --quiet --no-cache-dir --no-compile --require-hashes \
      --only-binary :all: -r /requirements/runtime.txt -r /requirements/embedded.txt \
      -r /requirements/huggingface.txt \
 && find /opt/perf-smoke -name '*.so*' -type f -exec strip --strip-unneeded {} + \
 && find /opt/perf-smoke -name __pycache__ -prune -exec rm -r {} + \
 && /opt/perf-smoke/bin/python -m compileall -q --invalidation-mode unchecked-hash \
      -x /pygments/lexers/ /opt/perf-smoke/lib \
 && echo /opt/perf-smoke/src >"$(echo /opt/perf-smoke/lib/python3*/site-packages)/perf_smoke.pth"

FROM python
COPY --from=build /opt/perf-smoke /opt/perf-smoke
COPY runtime/entrypoint /opt/perf-smoke/bin/entrypoint
# Last, for it alone changes often.
COPY src/perf_smoke /opt/perf-smoke/src/perf_smoke
RUN /opt/perf-smoke/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/perf-smoke/src
# launch gives it the caller's user and a home of its own; these are for a run by hand.
ENV HOME=/tmp
USER 65534:65534
ENTRYPOINT ["/usr/bin/tini", "--", "/opt/perf-smoke/bin/entrypoint"]
