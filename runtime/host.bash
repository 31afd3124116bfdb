# shellcheck shell=bash
# How perf-smoke runs on the host, in a virtual environment of its own. Sourced by launch.

# shellcheck source=runtime/venv
. "$here/runtime/venv"

# Returns only when perf-smoke could not be installed: then `reason` and `sentence` are set.
run_on_host() {
  local root venv sets
  sets=(runtime)
  [ "$engine" != embedded ] || sets+=(embedded)
  case "${INPUT_MODEL:-} ${INPUT_TOKENIZER:-}" in *hf://*) sets+=(huggingface) ;; esac
  if ! root=$(folder_of_venvs); then
    reason=no-folder sentence='no folder for the virtual environment can be written'
    return
  fi
  venv=$root/$(key_of_venv "${sets[@]}")
  # Whichever Python it was made with; on a runner that keeps its disk that one may be gone by now.
  if ! "$venv/bin/python" -I -c 'import perf_smoke' >/dev/null 2>&1; then
    install "$root" "$venv" "${sets[@]}" || return
  fi
  touch "$venv"
  [ "$step" = report ] || echo host >"$folder/runtime"
  perf_smoke env PERF_SMOKE_RUNTIME=host PERF_SMOKE_FOLDER="$folder" \
    PERF_SMOKE_OUTPUT="$output" PATH="$callers_path" \
    "$venv/bin/python" -Iu -X utf8 -m perf_smoke --lifeline "$(command_of_step)"
  crashed $?
}

install() {
  local root=$1 venv=$2 started=$SECONDS
  shift 2
  if ! find_python; then
    reason=python-missing sentence='there is no Python 3.10 or newer on this machine'
    return 1
  fi
  # Made beside its place, then moved: another step that starts now finds all of it or nothing.
  part=$venv.part.$$
  if ! attend 600 make_venv "$python" "$part" "$@" >"$scratch/log" 2>&1; then
    give_up_if_cancelled
    reason=install-failed
    sentence="the locked requirements could not be installed with $python$(if_full "$root")"
    return 1
  fi
  "$venv/bin/python" -I -c 'import perf_smoke' >/dev/null 2>&1 || rm -rf "$venv"
  # If the other step was quicker, ours lands inside of its folder.
  mv "$part" "$venv" && rm -rf "${venv:?}/${part##*/}"
  part=''
  # Those of earlier releases, on runners that keep their disk.
  find "$root" -mindepth 1 -maxdepth 1 -mtime +30 -exec rm -rf {} + 2>/dev/null
  echo "perf-smoke: installed in $((SECONDS - started)) s; the next step of this job finds it there"
}

# On a full disk the installer's own words are lost: there is no room for them either.
if_full() {
  local free_kib
  free_kib=$(df -Pk "$1" | awk 'NR == 2 { print $4 }')
  [ "${free_kib:-51200}" -ge 51200 ] || echo ": only $((free_kib / 1024)) MiB are free in $1"
}

# The first folder that is ours to write: what another user may have put there is not run.
folder_of_venvs() {
  local root
  for root in "${RUNNER_TOOL_CACHE:-}" "${RUNNER_TEMP:-}" "${TMPDIR:-/tmp}"; do
    [ -n "$root" ] || continue
    root=$root/perf-smoke-python-$(id -u)
    (umask 077 && mkdir -p "$root") 2>/dev/null
    [ -O "$root" ] && [ -w "$root" ] && echo "$root" && return
  done
  return 1
}

# Of what the environment is made of, and of our own place, which it names.
key_of_venv() (
  cd "$here/requirements" || return
  { echo "$here" "$@" && cat "${@/%/.txt}"; } | sha256 | cut -c 1-16
)
