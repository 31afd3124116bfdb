# shellcheck shell=bash
# How an inner step runs things so that nothing outlives it. Sourced by runtime/step.
#
# From launch it has two pipes that only launch writes to: what is started here reads from 3, the guards
# of that from 8. A line says that the job is cancelled, and waits for its reader, however long that one
# takes to start; the end of the pipe says that launch is gone. A third pipe, 6, launch reads, and only
# until the job is cancelled.

child='' guard='' container='' mark=''

# Whether the job is cancelled: whether nobody would read what is written here.
cancelled() {
  ! (trap '' PIPE && echo >&6) 2>/dev/null
}

# attend SECONDS COMMAND…: its exit code; when the time is over it is killed.
attend() {
  attend_with_grace 1 "$@"
}

# attend_with_grace GRACE SECONDS COMMAND…: the same, with so many seconds from SIGTERM to SIGKILL.
#
# The command has a process group of its own (`set -m`).
attend_with_grace() {
  local grace=$1 limit=$2 code
  shift 2
  ! cancelled || return 130
  "$@" 3<&- 6>&- 8<&- &
  child=$!
  guard "$child" "$limit" "$grace" >/dev/null 2>&1 &
  guard=$!
  wait "$child" 2>/dev/null
  code=$?
  # Where the guardian was killed, perf-smoke, which it stood above, still writes down what it has.
  if cancelled || [ "$code" -gt 128 ]; then see_its_end; fi
  child=''
  dismiss_guard
  return "$code"
}

dismiss_guard() {
  { kill -KILL -- "-$guard" && wait "$guard"; } >/dev/null 2>&1
}

# guard GROUP SECONDS GRACE: ends a command when its time is over, the job is cancelled, or launch is
# gone. In that last case this step goes with it, and the command is not asked to end: perf-smoke knows
# by itself, and why.
guard() {
  local began=$SECONDS
  exec 3<&- 6>&-
  # bash 3.2 has the same code for the end of the pipe as for the end of the time.
  if read -r -t "$2" <&8 || [ $((SECONDS - began)) -ge "$2" ]; then
    kill -TERM -- "-$1"
  else
    kill -KILL $$
  fi
  wait_for_group "$1" "$3"
  end_now
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
  "$@" 3<&- 6>&- 8<&- >/dev/null 2>&1 &
  process=$!
  while [ "$ticks" -gt 0 ] && kill -0 "$process" 2>/dev/null; do
    ticks=$((ticks - 1))
    sleep 0.05
  done
  [ "$ticks" -gt 0 ] || kill -KILL "$process" 2>/dev/null
  wait "$process" 2>/dev/null
}

# What all that is started here has in its environment.
set_mark() {
  mark=${PERF_SMOKE_MARK-}$folder
  [ "$step" != report ] || mark=$mark.report
}

# The processes that this use of the action has started and that still run, wherever they have gone
# (Linux). This step itself is none: it has the mark only for its children.
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
  ! cancelled || give_up cancelled cancelled "the job was cancelled before perf-smoke could report."
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
  [ "$code" -ge 125 ] || cancelled || container=''
  if [ "$step" = measure ]; then
    [ -s "$folder/result.json" ] || return "$code"
  elif ! has_reported "$code"; then
    # What `fail-on: slower` asks for is code 1, and so is the end of a Python without a report.
    if ! cancelled; then
      case $code in
        0) give_up_outputs 0 ;;
        1) [ ! -s "$output/report.md" ] || give_up_outputs 1 ;;
      esac
    fi
    return "$code"
  fi
  [ ! -s "$scratch/log" ] || print_inert "$(public "perf-smoke says:$newline$(tail -n 200 "$scratch/log")")"
  finished=yes
  [ "$step" != measure ] || exit 0
  # What it printed says because of what.
  if [ "$code" != 0 ] && ! cancelled; then
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
