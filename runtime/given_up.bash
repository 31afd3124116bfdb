# shellcheck shell=bash
# What an inner step leaves behind, also when perf-smoke cannot. Sourced by runtime/step.

part='' stop_token='' finished=no
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
  local code=$? how=''
  trap '' INT TERM QUIT HUP
  if [ -n "$child" ]; then # a second signal, after which there is no time left; or somebody's
    cancelled || { kill -TERM -- "-$child" && wait_for_group "$child" 8; } 2>/dev/null
    dismiss_guard
    end_now
  fi
  if [ "$finished" = no ]; then
    [ "$code" = 0 ] || how=", with code $code"
    if [ "$step" = measure ] || ! has_reported 1; then
      # In a subshell, for it exits.
      (give_up_if_cancelled && give_up failed launch-failed "the action's start script ended early$how.")
      code=$?
    else
      code=0 # nobody knows whether it shall fail
    fi
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
  [ "$finished" = yes ] || exec "$BASH" -c "exit $code" # bash would go by the signal that it got
  exit "$code"
}
