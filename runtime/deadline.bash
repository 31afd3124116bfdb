# shellcheck shell=bash
# How much of the input `deadline` is left to an inner step. Sourced by runtime/step.
#
# It holds for all of them together: a minute of it, or half, belongs to the one that reports. What
# reports other jobs has two minutes.

# Sets `bound`: when this inner step must have ended, on the clock of SECONDS.
set_bound() {
  local total reporting
  total=$(seconds_of "$INPUT_DEADLINE")
  reporting=$((total < 120 ? total / 2 : 60))
  case $step in
    report) bound=$reporting ;;
    legs) bound=120 ;;
    *) bound=$((total - reporting)) ;;
  esac
}

# Whole seconds of a time as settings.py reads it, `2 h` or `1.5 m`, rounded up. What that refuses is
# taken for the default: perf-smoke will say so.
seconds_of() {
  local form='^([0-9]{1,9})(\.([0-9]{1,9}))?[[:space:]]*(ms|s|m|min|h)?$' thousandths unit seconds
  if [[ $1 =~ $form ]]; then
    thousandths=${BASH_REMATCH[3]}000
    case ${BASH_REMATCH[4]} in ms) unit=1 ;; m | min) unit=60000 ;; h) unit=3600000 ;; *) unit=1000 ;; esac
    seconds=$((((10#${BASH_REMATCH[1]} * 1000 + 10#${thousandths:0:3}) * unit + 999999) / 1000000))
    [ "$seconds" -gt 86400 ] || [ "$seconds" = 0 ] || { echo "$seconds" && return; }
  fi
  echo 7200
}

# left [MOST]: the seconds that are left, or MOST if that is less; afterwards 1, for 0 is no limit.
left() {
  local seconds=$((bound - SECONDS))
  [ "$seconds" -le "${1:-$seconds}" ] || seconds=$1
  echo $((seconds < 1 ? 1 : seconds))
}

# The end of a sentence about something that has not come, where it is the deadline that ended it.
if_late() {
  [ "$SECONDS" -lt "$bound" ] || echo " before the deadline of ${INPUT_DEADLINE:-2 h}"
}
