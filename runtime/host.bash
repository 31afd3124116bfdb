# shellcheck shell=bash
# How perf-smoke runs on the host, in a virtual environment of its own. Sourced by runtime/step.

# shellcheck source=runtime/venv
. "$here/runtime/venv"

# Returns only when perf-smoke could not be installed: then `reason` and `sentence` are set.
run_on_host() {
  local root venv sets damage
  sets=(runtime)
  [ "$engine" != embedded ] || sets+=(embedded)
  case "${INPUT_MODEL:-} ${INPUT_TOKENIZER:-}" in *hf://*) sets+=(huggingface) ;; esac
  if ! root=$(folder_of_venvs); then
    reason=no-folder sentence='no folder for the virtual environment can be written'
    return
  fi
  venv=$root/$(key_of_venv "${sets[@]}")
  # By the Python that it was made with; on a runner that keeps its disk that one may be gone by now.
  if ! damage=$("$venv/bin/python" -I -S "$here/runtime/whole.py" check "$venv" 2>/dev/null); then
    [ ! -e "$venv" ] ||
      say "the environment of an earlier step is damaged and made anew: ${damage:-its Python does not start}"
    install "$root" "$venv" "${sets[@]}" || return
  fi
  touch "$venv"
  [ "$step" != measure ] || echo host >"$folder/runtime"
  perf_smoke env PERF_SMOKE_RUNTIME=host PERF_SMOKE_FOLDER="$folder" \
    PERF_SMOKE_OUTPUT="$output" PERF_SMOKE_LEFT_S="$(left)" PATH="$callers_path" \
    "$venv/bin/python" -Iu -X utf8 -m perf_smoke --lifeline "$(command_of_step)"
  crashed $?
}

install() {
  local root=$1 venv=$2 started=$SECONDS
  shift 2
  # uv links files from its cache: what was damaged here may be damaged there.
  [ ! -e "$venv" ] || local -x UV_NO_CACHE=1
  if ! find_python; then
    reason=python-missing sentence='there is no Python 3.10 or newer on this machine'
    return 1
  fi
  # Made beside its place, then moved: another step that starts now finds all of it or nothing. What
  # is held is of an install that goes on.
  for _ in 1 2 3; do
    part=$(mktemp -d "$venv.part.XXXXXX") && exec 5<"$part" && whole hold "$part" && break
  done 2>"$scratch/log"
  if ! attend "$(left)" make_listed_venv "$python" "$part" "$@" >"$scratch/log" 2>&1 ||
    ! whole place "$part" "$venv" >>"$scratch/log" 2>&1; then
    exec 5<&-
    give_up_if_cancelled
    reason=install-failed
    sentence="the locked requirements could not be installed with $python$(if_late)$(if_full "$root")"
    return 1
  fi
  exec 5<&-
  part=''
  # Those of earlier releases, on runners that keep their disk.
  find "$root" -mindepth 1 -maxdepth 1 -mtime +30 -exec rm -rf {} + 2>/dev/null
  echo "perf-smoke: installed in $((SECONDS - started)) s; the next step of this job finds it there"
}

make_listed_venv() {
  make_venv "$@" && whole list "$2"
}

whole() {
  "$python" -I -S "$here/runtime/whole.py" "$@"
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
