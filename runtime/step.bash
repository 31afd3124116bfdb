# shellcheck shell=bash
# What an inner step leaves behind when perf-smoke cannot, and how it ends what it started. Sourced by
# launch.

child='' guard='' container='' scratch='' part='' mark='' stop_token='' finished=no
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
}

# For the steps that follow.
hand_over_folder() {
  head -c 8388608 /dev/zero 2>/dev/null >"$folder/reserve" || rm -f "$folder/reserve"
  # Until the step that measures has begun.
  printf 'cancelled\ncancelled\nthe job was cancelled before anything was measured.\n\n' \
    2>/dev/null >"$folder/unmeasured"
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
  local status=$1 reason=$2 sentence=$3 tail='' what=measured public
  [ "$step" != legs ] || what=reported
  finished=yes
  [ ! -s "${4:-}" ] || tail=$(tail -n 200 "$4")
  # What measuring left is what the reader wants to know, where reporting it comes to nothing.
  if [ "$step" = report ] && grep -qxE '[a-z]+-[a-z-]+|cancelled' "$folder/unmeasured" 2>/dev/null; then
    { read -r status && read -r reason && read -r sentence; } <"$folder/unmeasured"
    tail=$(tail -n +4 "$folder/unmeasured")
    case $status:$reason in *[!a-z:-]* | :* | *:) status=failed reason=perf-smoke-crashed ;; esac
  fi
  sentence=$(printf '%s' "$sentence" | LC_ALL=C tr '\000-\037\177' ' ')
  if [ -n "$tail" ]; then
    public=$(public "$sentence$newline$tail")
    sentence=${public%%"$newline"*}
    tail=$(tail -n +2 <<<"$public" | tail -n 15 | cut -c 1-400)
  fi
  if [ "$step" = measure ]; then
    say "not measured: $sentence"
    [ -z "$tail" ] || print_inert "$tail"
    [ ! -d "$folder" ] ||
      printf '%s\n' "$status" "$reason" "$sentence" "$tail" 2>/dev/null >"$folder/unmeasured"
    exit 0
  fi
  printf '::warning title=perf-smoke::not %s: %s\n' "$what" "$(escaped "$sentence")"
  [ -z "$tail" ] || print_inert "$tail"
  set_status "$status" "$reason"
  {
    printf '### perf-smoke: not %s\n\n%s\n\n' "$what" "$(as_markdown "$sentence")"
    # Indented, and not in a fence: what a program printed may hold fences of its own.
    [ -z "$tail" ] || printf '    %s\n\n' "${tail//$newline/$newline    }"
    case $status in
      cancelled) ;;
      *) ! fails_on error || printf "This step failed because of \`fail-on: error\`.\n" ;;
    esac
    fails_on error || printf '*Informational: this check never blocks a merge.*\n'
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
  if [ "$code" = 1 ] && fails_on slower; then turn_red slower; fi
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
  # Whoever cancels a job does not ask whether it failed.
  if [ "$1" != cancelled ] && fails_on error; then turn_red error; fi
  exit 0
}

# fails_on WORD: whether `fail-on`, a list, asks for it.
fails_on() {
  local asked=${INPUT_FAIL_ON:-}
  case ,${asked//[[:space:]]/,}, in *,"$1",*) ;; *) return 1 ;; esac
}

turn_red() {
  printf "::error title=perf-smoke::failed because of \`fail-on: %s\`.\n" "$1"
  exit 1
}

command_of_step() {
  case $step in
    measure) echo run ;;
    report) echo publish ;;
    legs) echo publish-legs ;;
  esac
}

# A line of ours, in which an input may be named.
say() {
  local line=${1//[$newline$return]/ }
  printf 'perf-smoke: %s\n' "${line//\#\#\[/# #[}"
}

# Text of others as it may be published, by the one gate that there is. Only with Python can it be asked:
# without one the first line, a sentence of ours, comes through and nothing else.
public() {
  local python
  if find_python; then
    printf '%s' "$1" | LC_ALL=C tr -d '\000-\010\013-\037\177' |
      "$python" -I -S -B -X utf8 "$here/runtime/public.py"
  else
    printf '%s\n' "${1%%"$newline"*}"
  fi
}

as_markdown() {
  printf '%s' "$1" | sed -e 's/[][\\`*_<>|~#&@!$]/\\&/g' -e 's#://#:\\/\\/#g' -e 's/www\./www\\./g'
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
  trap '' INT TERM QUIT
  if [ -n "$child" ]; then # a signal that cannot be dealt with
    dismiss_guard
    exec 4>&-
    see_its_end
  fi
  if [ "$finished" = no ]; then
    # In a subshell, for it exits.
    (give_up failed launch-failed "the action's start script ended early, with code $code.")
    code=$?
  fi
  remove_container
  end_marked
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

# ---- running things so that nothing outlives the step ----------------------------------------------

# Opens two pipes of which this process alone holds the ends for writing: what it starts reads from 3,
# the guards of what it starts from 8. A line says that the job is cancelled, and waits for its reader,
# however long that one takes to start; the end of the pipe says that this process is gone.
open_lifelines() {
  local pipe=$scratch/pipe
  mkfifo "$pipe" "$pipe.2" 2>/dev/null || return
  exec 4<>"$pipe" 9<>"$pipe.2"
  exec 3<"$pipe" 8<"$pipe.2"
  rm -f "$pipe" "$pipe.2"
}

# attend SECONDS COMMAND…: its exit code; when the time is over it is killed.
attend() {
  attend_with_grace 1 "$@"
}

# attend_with_grace GRACE SECONDS COMMAND…: the same, with so many seconds from SIGTERM to SIGKILL.
#
# The command runs in the background: bash runs a trap only when the command in the foreground has
# ended, and the runner kills a cancelled step after 7.5 s. It has a process group of its own (`set -m`).
attend_with_grace() {
  local grace=$1 limit=$2 code
  shift 2
  [ "$signals" = 0 ] || return 130
  "$@" 3<&- 4>&- 8<&- 9>&- &
  child=$!
  guard "$child" "$limit" "$grace" >/dev/null 2>&1 &
  guard=$!
  wait "$child" 2>/dev/null
  code=$?
  # A signal may have ended `wait`, and not the command. Or the guardian was killed, and perf-smoke,
  # which it stood above, still writes down what it has.
  if [ "$signals" -gt 0 ] || [ "$code" -gt 128 ]; then
    see_its_end
    wait "$child" 2>/dev/null
    code=$?
  fi
  child=''
  dismiss_guard
  return "$code"
}

dismiss_guard() {
  { kill -KILL -- "-$guard" && wait "$guard"; } >/dev/null 2>&1
}

# guard GROUP SECONDS GRACE: ends a command when its time is over, the job is cancelled, or launch is
# gone. In that last case it is not asked to end: perf-smoke knows by itself, and why.
guard() {
  exec 3<&- 4>&- 9>&-
  read -r -t "$2" <&8
  [ $? = 1 ] || kill -TERM -- "-$1"
  wait_for_group "$1" "$3"
  kill -KILL -- "-$1"
  end_marked
}

# wait_for_group GROUP SECONDS
wait_for_group() {
  local ticks=$(($2 * 10))
  while [ "$ticks" -gt 0 ] && kill -0 -- "-$1" 2>/dev/null; do
    ticks=$((ticks - 1))
    PERF_SMOKE_MARK='' sleep 0.1 # for whoever waits for the last that has it
  done
  [ "$ticks" -gt 0 ]
}

# Waits for the end of what is about to end, and does not wait for ever.
see_its_end() {
  wait_for_group "$child" 8 || end_now
  wait_for_group "$child" 2
}

# The runner cancels with SIGINT, 7.5 s later with SIGTERM, and 2.5 s later kills everything. The
# first signal goes on to perf-smoke, which writes down what it has. The second is the last moment at
# which a container can be taken down: killing us would leave it running.
# shellcheck disable=SC2329 # a trap calls it
on_signal() {
  signals=$((signals + 1))
  if [ "$signals" = 1 ]; then
    echo >&4
    echo >&9
  elif [ -n "$child" ]; then
    end_now
  fi
} 2>/dev/null

end_now() {
  remove_container
  kill -KILL -- "-$child" 2>/dev/null
  end_marked
}

remove_container() {
  [ -z "$container" ] || within 5 docker rm --force "$container"
}

# within SECONDS COMMAND…: without its output, and killed when the time is over.
within() {
  local ticks=$(($1 * 20)) process
  shift
  "$@" 3<&- 4>&- 8<&- 9>&- >/dev/null 2>&1 &
  process=$!
  while [ "$ticks" -gt 0 ] && kill -0 "$process" 2>/dev/null; do
    ticks=$((ticks - 1))
    sleep 0.05
  done
  [ "$ticks" -gt 0 ] || kill -KILL "$process" 2>/dev/null
  wait "$process" 2>/dev/null
}

# The processes that this use of the action has started and that still run, wherever they have gone
# (Linux). launch itself is none: it has the mark only for its children.
marked() {
  [ -n "$mark" ] || return
  # Without the mark themselves, else they would find each other.
  PERF_SMOKE_MARK='' grep -lsF "PERF_SMOKE_MARK=$mark/" /proc/[0-9]*/environ |
    PERF_SMOKE_MARK='' tr -dc '0-9\n'
}

end_marked() {
  local found number
  for number in TERM KILL; do
    found=$(marked)
    [ -n "$found" ] || return
    # shellcheck disable=SC2086 # one word for each
    kill -"$number" $found 2>/dev/null
    sleep 0.3
  done
}

# Where the step that measures was killed, what it had started ends by itself: perf-smoke writes down
# what it has, which is reported.
wait_for_marked() {
  local deadline=$((SECONDS + 10))
  while [ -n "$(marked)" ] && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.1; done
  end_marked
}

give_up_if_cancelled() {
  [ "$signals" = 0 ] || give_up cancelled cancelled "the job was cancelled before perf-smoke could report."
}

# perf_smoke COMMAND…: runs it to its end and, if it has left what it should, ends the step. If not,
# returns its code; what it wrote on stderr is in $scratch/log.
perf_smoke() {
  local code
  # It ends by itself at the deadline, unless it cannot.
  attend_with_grace 8 $(($(left) + 5)) "$@" <&3 2>"$scratch/log"
  code=$?
  # A client that was killed leaves the container, which ends by itself.
  [ "$code" -le 128 ] || [ -z "$container" ] || within 10 docker wait "$container"
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
  [ ! -s "$scratch/log" ] || print_inert "$(public "perf-smoke says:$newline$(tail -n 200 "$scratch/log")")"
  finished=yes
  [ "$step" != measure ] || exit 0
  # What it printed says because of what.
  if [ "$code" != 0 ] && [ "$signals" = 0 ]; then
    if fails_on error || { [ "$code" = 1 ] && fails_on slower; }; then exit 1; fi
  fi
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
  [ "$SECONDS" -lt "$bound" ] || cause=" (it was killed: it still waited for something at the deadline)"
  give_up failed perf-smoke-crashed \
    "perf-smoke itself ended with code $1$cause before it could report." "$scratch/log"
}

sha256() {
  if type -P sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi
}
