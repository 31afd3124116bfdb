# shellcheck shell=bash
# How perf-smoke runs in a container that sees the job's files at the same paths. Sourced by runtime/step.

# The image of this release, by digest; the release fills it in. Empty in between.
released_image=''

# find_image docker|auto: sets `image`, which is then on this machine; or `reason` and `sentence`.
find_image() {
  image=${INPUT_IMAGE:-$released_image}
  if ! attend "$(left 10)" docker version --format '{{.Server.Version}}' >"$scratch/log" 2>&1; then
    reason=docker-unavailable sentence='no Docker engine answers'
    return 1
  fi
  [ -n "$image" ] || image=perf-smoke:$(hash_of_the_build)
  attend "$(left 10)" docker image inspect --format '{{.Id}}' "$image" >"$scratch/log" 2>&1 && return
  case $1:${INPUT_IMAGE:-$released_image} in
    docker:) build_image ;;
    docker:* | auto:*@sha256:*) pull_image ;;
    *)
      reason='image-missing'
      sentence="the image $image is not here, and unasked only one pinned by digest is pulled"
      return 1
      ;;
  esac
}

pull_image() {
  say "pulling $image"
  attend "$(left)" docker pull --quiet "$image" >"$scratch/log" 2>&1 && return
  reason=image-pull-failed sentence="the image $image could not be pulled$(if_late)"
  return 1
}

build_image() {
  say "building $image, once on this machine: about a minute"
  attend "$(left)" docker build --quiet --force-rm --tag "$image" --build-arg PIP_INDEX_URL \
    --build-arg PIP_EXTRA_INDEX_URL --build-arg PIP_TRUSTED_HOST "$here" >"$scratch/log" 2>&1 && return
  reason=image-build-failed sentence="the image could not be built$(if_late)"
  return 1
}

# Of what the image is made from, so that a second use finds what the first one built.
hash_of_the_build() (
  cd "$here" || return
  files=$(find Dockerfile requirements/*.txt runtime/entrypoint src -type f ! -name '*.pyc' |
    LC_ALL=C sort)
  { echo "$files" && xargs cat <<<"$files"; } | sha256 | cut -c 1-16
)

# Adds a folder or file at the same path. Folders are made first: docker would make them as root.
mount() {
  local path=${1%/} options=${2:-}
  [ -e "$path" ] || mkdir -p "$path" 2>/dev/null || return
  [ ! -d "$path" ] || [[ ! ${path:-/} =~ $systems ]] || system_folders+=("${path:-/}")
  [ -n "$options" ] || writable+=("$path")
  path=${path//\"/\"\"}
  # Twice the same is an error for docker.
  case "${mounts[*]:-}" in *"\"target=$path\""*) return ;; esac
  # --mount and not --volume: that one makes up a folder which the engine does not see. In quotes, as
  # in CSV, for the comma in somebody's path.
  mounts+=(--mount "type=bind,\"source=$path\",\"target=$path\"$options")
}

# Adds a folder that may lie anywhere, under the name that it is given and under its real one. Where
# an outer folder is there to be written it stays so: mounted again, to be read, it would not.
mount_folder() {
  local folder outer
  for folder in "$(cd -L -- "$1" && pwd -L)" "$(cd -P -- "$1" && pwd -P)"; do
    for outer in "${writable[@]}"; do
      case $folder/ in "$outer"/*) continue 2 ;; esac
    done
    mount "$folder" "${2:-}"
  done
}

# Adds the folder of a file, to be read; where that is a link, also of each file that it leads to.
mount_file() {
  local path=$1 folder
  while [ -e "$path" ]; do
    mount_folder "${path%/*}/" ,readonly
    folder=$(cd -P -- "${path%/*}/" && pwd -P)
    path=$(readlink "$path") || return 0
    case $path in /*) ;; *) path=$folder/$path ;; esac
  done
}

# Adds what the inputs name by a path, wherever it lies, and lists it in `named`.
mount_named() {
  local base name path
  base=$INPUT_WORKING_DIRECTORY
  case $base in /*) ;; . | "") base=$PWD ;; *) base=$PWD/$base ;; esac
  named=''
  if [ -d "$base" ]; then
    mount_folder "$base"
    named=$base
  fi
  for name in "${file_inputs[@]}"; do
    name=INPUT_$name path=${!name}
    case $path in /*) ;; *) path=$base/$path ;; esac
    [ -f "$path" ] || continue
    mount_file "$path"
    named=$named$newline$path
  done
}

# Adds what report/action.yml is to read, each line of its input `path`.
mount_documents() {
  local path
  named=''
  while IFS= read -r path; do
    path=${path#"${path%%[![:space:]]*}"} path=${path%"${path##*[![:space:]]}"}
    case $path in /*) ;; *) path=${GITHUB_WORKSPACE:-$PWD}/$path ;; esac
    [ -e "$path" ] || continue
    if [ -d "$path" ]; then mount_folder "$path" ,readonly; else mount_file "$path"; fi
    named=$named$newline$path
  done <<<"${INPUT_PATH:-perf-smoke-results}"
}

# Everything that may be read or written, and nothing else of the machine.
mount_everything() {
  local path name
  mounts=() writable=() system_folders=()
  # New and with a name of its own: an engine that does not have it works on another file system.
  mount "$scratch"
  mount "$folder"
  case ${GITHUB_EVENT_PATH:-} in /*) mount "$GITHUB_EVENT_PATH" ,readonly ;; esac
  if [ "$step" != measure ]; then
    for path in "${GITHUB_OUTPUT:-}" "${GITHUB_STEP_SUMMARY:-}"; do
      case $path in /*) [ -e "$path" ] || : >"$path" && mount "$path" ;; esac
    done
    mkdir -p "$output" 2>/dev/null && mount_folder "$output"
    [ "$step" = report ] || mount_documents
    return
  fi
  mount "$PWD"
  [ -z "${GITHUB_WORKSPACE:-}" ] || mount "$GITHUB_WORKSPACE"
  mount "$cache/perf-smoke"
  case "$INPUT_MODEL $INPUT_TOKENIZER" in
    *hf://*) mount "$hf_home" ;;
  esac
  for name in HF_HUB_CACHE HF_XET_CACHE; do
    case ${!name:-} in /*) mount "${!name}" ;; esac
  done
  for name in HF_TOKEN_PATH PIP_CONFIG_FILE PIP_CERT SSL_CERT_FILE REQUESTS_CA_BUNDLE CURL_CA_BUNDLE; do
    case ${!name:-} in /*) [ ! -e "${!name}" ] || mount "${!name}" ,readonly ;; esac
  done
  mount_named
}

# Where a system has its files: a folder there may be one of the image's own.
systems='^(/|/(bin|boot|dev|etc|lib[^/]*|opt/perf-smoke|proc|run|sbin|sys|usr|var)(/.*)?|/opt)$'

# Whether the image has files of its own where a folder would be mounted over them; prints where.
hides_files_of_image() {
  [ "${#system_folders[@]}" -gt 0 ] || return
  # shellcheck disable=SC2016 # the shell in the image expands it
  attend "$(left 60)" docker run --rm --pull never --network none --cap-drop ALL --entrypoint /bin/sh \
    "$image" -c 'for path; do [ ! -e "$path" ] || { echo "$path" && exit; }; done; exit 1' \
    sh "${system_folders[@]}" 2>/dev/null
}

# The names alone, for `docker run --env NAME`: no value is on a command line, which every process of
# the machine can read.
name_environment() {
  local name
  environment=()
  for name in $(compgen -e); do
    case $name in
      INPUT_* | GITHUB_* | RUNNER_* | CI | ImageOS | ImageVersion | HF_* | PIP_* | \
        *_API_KEY | *_PROXY | *_proxy | SSL_CERT_FILE | REQUESTS_CA_BUNDLE | CURL_CA_BUNDLE | \
        OMP_* | GGML_* | LLAMA_*)
        environment+=(--env "$name")
        ;;
    esac
  done
}

# Returns only when the container did not start: then `reason` and `sentence` are set.
run_in_docker() {
  local code listing named='' cache hf_home name where hidden
  local limits=(--cap-drop ALL --security-opt no-new-privileges)
  # The container has another home than the one that is meant.
  for name in "${file_inputs[@]}"; do
    name=INPUT_$name
    local -x "$name=${!name}"
    case ${HOME:+${!name}} in \~/*) local -x "$name=$HOME/${!name#??}" ;; esac
  done
  # The caches are the caller's, so that actions/cache finds them where it looks.
  cache=${XDG_CACHE_HOME:-${HOME:-$scratch}/.cache}
  hf_home=${HF_HOME:-$cache/huggingface}
  mkdir -p "$scratch/home"
  mount_everything
  if hides_files_of_image >"$scratch/log"; then
    hidden=$(head -n 1 "$scratch/log")
    reason=docker-sees-other-files
    sentence="the job's files lie in $hidden, where the image has files of its own"
    return
  fi
  # A job that is root writes into folders of others, too.
  [ "$(id -u)" != 0 ] || limits+=(--cap-add DAC_OVERRIDE)
  name_environment
  # For the image's entrypoint, which ends with code 97 if it sees another workspace, and with 98 if
  # it does not see what was named.
  where=$PWD
  [ "$step" = measure ] || where=$folder
  # shellcheck disable=SC2012 # the names are compared, not read
  listing=$(LC_ALL=C ls -a "$where" | cksum)
  local -x PERF_SMOKE_NAMED=$named
  container=perf-smoke-$$-$RANDOM$RANDOM
  [ "$step" != measure ] || echo docker >"$folder/runtime"
  perf_smoke docker run --interactive --rm --pull never --name "$container" --network host \
    "${limits[@]}" --user "$(id -u):$(id -g)" --workdir "$where" "${mounts[@]}" "${environment[@]}" \
    --env HOME="$scratch/home" --env RUNNER_TEMP="$scratch" --env XDG_CACHE_HOME="$cache" --env HF_HOME="$hf_home" \
    --env PERF_SMOKE_RUNTIME=docker --env PERF_SMOKE_MATRIX --env PERF_SMOKE_JOB_WORKFLOW \
    --env PERF_SMOKE_FOLDER="$folder" \
    --env PERF_SMOKE_OUTPUT="$output" --env PERF_SMOKE_LEFT_S="$(left)" --env PERF_SMOKE_MARK \
    --env PERF_SMOKE_NAMED --env PERF_SMOKE_LISTING="$listing" "$image" "$(command_of_step)"
  code=$?
  give_up_if_cancelled
  grep -q 'bind source path does not exist' "$scratch/log" && code=97
  case $code in
    97)
      reason=docker-sees-other-files
      sentence='the Docker engine sees other files than this job does, or may not write them'
      ;;
    98)
      reason=docker-sees-other-files
      sentence="the Docker engine does not see $(tail -n 1 "$scratch/log")"
      ;;
    125 | 126 | 127)
      reason=docker-run-failed sentence="the container did not start (docker run: code $code)"
      ;;
    *) crashed "$code" ;;
  esac
  remove_container
  container=''
}
