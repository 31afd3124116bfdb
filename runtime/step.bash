# shellcheck shell=bash
# What an inner step leaves behind when perf-smoke cannot, and how it ends what it started. Sourced by
# launch.

child='' target='' container='' scratch='' part='' stop_token='' signals=0 finished=no
orders=()
# bash 3.2 takes $'…' inside of "${…//…/…}" for what it looks like.
newline=$'\n' return=$'\r'

# ---- the folder between the steps -----------------------------------------------------------------

# A new one for each use of the action, so that what an earlier one's outputs name stays there. What
# goes through it: `result.json`, or `unmeasured` (status, reason, sentence, last lines) where
# perf-smoke did not come to write one; `runtime`, where it measured; `reserve`, which takes the place
# that result.json shall have on a disk that an engine fills.
make_folder() {
  local number=1
  folder=${RUNNER_TEMP:-$PWD}/perf-smoke
  until mkdir -m 700 "$folder" 2>/dev/null || [ ! -e "$folder" ]; do
    number=$((number + 1))
    folder=${RUNNER_TEMP:-$PWD}/perf-smoke-$number
  done
  head -c 8388608 /dev/zero 2>/dev/null >"$folder/reserve" || rm -f "$folder/reserve"
  printf 'folder=%s\n' "$folder" 2>/dev/null >>"${GITHUB_OUTPUT:-/dev/null}"
}

runtime_of_measuring() {
  local name=host
  [ ! -f "$folder/runtime" ] || read -r name <"$folder/runtime"
  [ "$name" = docker ] && echo docker || echo host
}

# ---- what the reader sees when perf-smoke itself could not run ------------------------------------

# give_up STATUS REASON SENTENCE [FILE]: ends the step without a result. The step that measures leaves
# these in the folder, with the last lines of FILE; the step that reports shows them.
give_up() {
  local status=$1 reason=$2 sentence=${3//[$newline$return]/ } tail=''
  finished=yes
  [ ! -s "${4:-}" ] || tail=$(tail -n 15 "$4" | cut -c 1-400 | LC_ALL=C tr -d '\000-\010\013-\037\177')
  if [ "$step" = measure ]; then
    say "not measured: $sentence"
    [ -z "$tail" ] || print_inert "$tail"
    [ ! -d "$folder" ] ||
      printf '%s\n' "$status" "$reason" "$sentence" "$tail" 2>/dev/null >"$folder/unmeasured"
    exit 0
  fi
  # What measuring left is what the reader wants to know, where reporting it comes to nothing.
  if grep -qxE '[a-z]+-[a-z-]+|cancelled' "$folder/unmeasured" 2>/dev/null; then
    { read -r status && read -r reason && read -r sentence; } <"$folder/unmeasured"
    tail=$(tail -n +4 "$folder/unmeasured")
    case $status:$reason in *[!a-z:-]* | :* | *:) status=failed reason=perf-smoke-crashed ;; esac
  fi
  printf '::warning title=perf-smoke::not measured: %s\n' "$(escaped "$sentence")"
  [ -z "$tail" ] || print_inert "$tail"
  set_status "$status" "$reason"
  {
    printf '### perf-smoke: not measured\n\n%s\n\n' "$(as_markdown "$sentence")"
    # Indented, and not in a fence: what a program printed may hold fences of its own.
    [ -z "$tail" ] || printf '    %s\n\n' "${tail//$newline/$newline    }"
    [ "${INPUT_FAIL_ON:-}" = error ] || printf '*Informational: this check never blocks a merge.*\n'
  } 2>/dev/null >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
  end_step "$status"
}

# perf-smoke came to its end, and yet its outputs are not there. What it wrote in the summary stays.
give_up_outputs() {
  local code=$1
  finished=yes
  printf '::warning title=perf-smoke::%s\n' \
    "$(escaped "the outputs could not be written$(if_full "${GITHUB_OUTPUT%/*}"). Later steps find none.")"
  set_status failed outputs-not-written
  [ "${INPUT_FAIL_ON:-}" != slower ] || exit "$code"
  end_step failed
}

# Written anew, and whole or not at all: half a line, of a perf-smoke that was killed while it wrote
# or of ours on a full disk, would fail the step.
set_status() {
  local file=${GITHUB_OUTPUT:-/dev/null} found=''
  [ ! -f "$folder/result.json" ] || found=$folder/result.json
  printf 'status=%s\nreason=%s\nresult-json=%s\n' "$1" "$2" "$found" 2>/dev/null >"$file" ||
    : 2>/dev/null >"$file"
}

end_step() {
  case ${INPUT_FAIL_ON:-}:$1 in
    error:cancelled) ;; # whoever cancels a job does not ask whether it failed
    error:*) exit 1 ;;
  esac
  exit 0
}

command_of_step() {
  case $step in measure) echo run ;; *) echo publish ;; esac
}

say() {
  printf 'perf-smoke: %s\n' "$1"
}

as_markdown() {
  printf '%s' "$1" | sed 's/[][\\`*_<>|~]/\\&/g'
}

escaped() {
  local text=${1//\%/%25}
  text=${text//$return/%0D}
  printf '%s' "${text//$newline/%0A}"
}

# Prints text of unknown origin so that no line of it is taken for a workflow command.
print_inert() {
  local token
  if [ -n "$stop_token" ]; then
    printf '%s\n' "${1//\#\#\[/# #[}"
    return
  fi
  token=$(new_token)
  printf '::stop-commands::%s\n%s\n::%s::\n' "$token" "${1//\#\#\[/# #[}" "$token"
}

# While foreign programs run, nothing that comes to the log is a command. The token stays in here: an
# engine can read the environment of the processes above it.
stop_commands() {
  stop_token=$(new_token)
  printf '::group::perf-smoke: measuring\n::stop-commands::%s\n' "$stop_token"
}

start_commands() {
  # A perf-smoke that was killed may have stopped amidst a line.
  [ -z "$stop_token" ] || printf '\n::%s::\n::endgroup::\n' "$stop_token"
  stop_token=''
}

# The files by which a step gives orders to the runner, as measuring finds them. A folder or a device
# in such a place (`/dev/null`, at somebody's terminal) is the caller's, and stays.
remember_orders() {
  local file
  orders=()
  for file in "${GITHUB_ENV:-}" "${GITHUB_PATH:-}" "${GITHUB_OUTPUT:-}" "${GITHUB_STATE:-}" \
    "${GITHUB_STEP_SUMMARY:-}"; do
    [ -n "$file" ] && [ ! -L "$file" ] || continue
    if [ -f "$file" ] || [ ! -e "$file" ]; then orders+=("$file"); fi
  done
}

# What was measured may have written orders, for this step or for those that follow; the file itself
# may have become something at which a reader waits for ever.
forget_orders() {
  local file
  for file in ${orders[@]+"${orders[@]}"}; do
    rm -rf -- "$file" 2>/dev/null
    : 2>/dev/null >"$file"
  done
}

# What nobody can guess, and so print, to start workflow commands again.
new_token() {
  local token
  token=$(od -An -N 20 -t x1 /dev/urandom 2>/dev/null | tr -d ' \n')
  echo "${token:-perf-smoke-$RANDOM$RANDOM$RANDOM$RANDOM}"
}

# shellcheck disable=SC2329 # a trap calls it
at_exit() {
  local code=$?
  trap '' INT TERM
  if [ "$finished" = no ]; then
    # In a subshell, for it exits.
    (give_up failed launch-failed "the action's start script ended early, with code $code.")
    code=$?
  fi
  remove_container
  if [ "$step" = measure ]; then
    forget_orders
    # Also where what was measured has removed it: the steps that follow could not start elsewhere.
    mkdir -p "$PWD" 2>/dev/null
    start_commands
  fi
  [ -z "$part" ] || rm -rf "$part"
  [ -z "$scratch" ] || rm -rf "$scratch"
  exit "$code"
}

# ---- running things so that a cancelled job ends them ---------------------------------------------

# attend SECONDS COMMAND…: its exit code. 0 seconds: no limit.
#
# The command runs in the background: bash runs a trap only when the command in the foreground has
# ended, and the runner kills a cancelled step after 7.5 s. `set -m` gives the command a process group of
# its own. Without it bash has background commands ignore SIGINT; and the watchdog can kill the command
# with its children. Only perf-smoke runs without a limit: it ends what it started by itself.
attend() {
  local limit=$1 watchdog='' code deadline
  shift
  set -m
  "$@" </dev/null &
  child=$! target=$!
  if [ "$limit" -gt 0 ]; then
    (sleep "$limit" && kill -KILL -- "-$child") >/dev/null 2>&1 &
    watchdog=$! target=-$child
  fi
  set +m
  wait "$child" 2>/dev/null
  code=$?
  if [ "$signals" -gt 0 ]; then
    # A signal ended `wait`, and the command still runs. bash may lose the second one while it deals
    # with the first, so the clock is looked at as well.
    deadline=$((SECONDS + 8))
    while kill -0 "$child" 2>/dev/null; do
      [ "$SECONDS" -lt "$deadline" ] || end_now
      sleep 0.1
    done
    wait "$child" 2>/dev/null
    code=$?
  fi
  child=''
  [ -z "$watchdog" ] || { kill -KILL -- "-$watchdog" && wait "$watchdog"; } >/dev/null 2>&1
  return "$code"
}

# The runner cancels with SIGINT, 7.5 s later with SIGTERM, and 2.5 s later kills everything. The
# first signal goes on to perf-smoke, which writes down what it has. The second is the last moment at
# which a container can be taken down: killing us would leave it running.
# shellcheck disable=SC2329 # a trap calls it
on_signal() {
  signals=$((signals + 1))
  [ -n "$child" ] || return
  if [ "$signals" -gt 1 ]; then
    end_now
  elif [ -n "$container" ]; then
    # It may be on its way up, and be no container yet.
    until docker kill --signal "$1" "$container" >/dev/null 2>&1; do
      kill -0 "$child" 2>/dev/null || break
      sleep 0.2
    done
  else
    kill -"$1" -- "$target" 2>/dev/null
  fi
}

end_now() {
  remove_container
  kill -KILL -- "-$child" 2>/dev/null
}

remove_container() {
  [ -z "$container" ] || docker rm --force "$container" >/dev/null 2>&1
}

give_up_if_cancelled() {
  [ "$signals" = 0 ] || give_up cancelled cancelled "the job was cancelled before perf-smoke could report."
}

# perf_smoke COMMAND…: runs it to its end and, if it has left what it should, ends the step. If not,
# returns its code; what it wrote on stderr is in $scratch/log.
perf_smoke() {
  local code
  attend 0 "$@" 2>"$scratch/log"
  code=$?
  [ "$code" -ge 125 ] || [ "$signals" -gt 0 ] || container=''
  if [ "$step" = measure ]; then
    [ -s "$folder/result.json" ] || return "$code"
  elif ! has_reported "$code"; then
    # What `fail-on: slower` asks for is code 1, and so is the end of a Python without a report.
    case $signals:$code in
      0:0) give_up_outputs 0 ;;
      0:1) [ ! -s "$output/report.md" ] || give_up_outputs 1 ;;
    esac
    return "$code"
  fi
  [ ! -s "$scratch/log" ] || print_inert "$(tail -n 200 "$scratch/log")"
  finished=yes
  [ "$step" = report ] || exit 0
  case ${INPUT_FAIL_ON:-}:$code in
    error:0) ;;
    error:* | slower:1) [ "$signals" -gt 0 ] || exit 1 ;;
  esac
  exit 0
}

# Its outputs tell: an exit code of 1 may be `fail-on` or the end of Python.
has_reported() {
  if [ -f "${GITHUB_OUTPUT:-}" ] && [ -w "$GITHUB_OUTPUT" ]; then
    grep -qE '^status(=|<<)' "$GITHUB_OUTPUT"
  else
    [ "$1" = 0 ]
  fi
}

crashed() {
  local cause=''
  give_up_if_cancelled
  [ "$1" != 137 ] || cause=' (it was killed, perhaps for lack of memory)'
  give_up failed perf-smoke-crashed \
    "perf-smoke itself ended with code $1$cause before it could report." "$scratch/log"
}

sha256() {
  if type -P sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi
}
