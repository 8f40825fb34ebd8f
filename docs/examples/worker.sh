#!/usr/bin/env bash
# A worker in bash, curl and awk: claims tasks of one queue and runs a command for each, one at a time.
#
#   SLUICE_URL=http://127.0.0.1:4600 SLUICE_TOKEN=… docs/examples/worker.sh COMMAND [ARG…]
#
# The command finds SLUICE_TASK_KEY, SLUICE_RUN_ID, SLUICE_ATTEMPT and SLUICE_PARTITION_KEY in its environment, and no
# token. With exit code 0 its standard output is the output of the task, a JSON object or nothing. Other codes fail the
# attempt: 65 as DATA_QUALITY, 75 as INFRASTRUCTURE, 78 as CONFIGURATION, all others as USER_CODE, with the last line of
# standard error as the message. A command whose task is cancelled gets SIGTERM.
#
# SIGTERM to the worker lets the task in work end; a second one stops it, and the attempt is made again elsewhere; after
# a third nothing is repeated any more.
# Also: SLUICE_WORKSPACE (main), SLUICE_QUEUE (default-queue), SLUICE_WAIT_MS (5000), SLUICE_BEAT_SEC (a fifth of the
# heartbeat timeout, 5 to 60).
set -u -o pipefail
# Each job gets a process group of its own, so that a command is stopped with all it has started.
set -m

: "${SLUICE_URL:?is the root of the API}" "${SLUICE_TOKEN:?is a token or an API key}"
(($# > 0)) || { echo "usage: $0 COMMAND [ARG…]" >&2; exit 2; }
readonly claim_url="$SLUICE_URL/v1/workspaces/${SLUICE_WORKSPACE:-main}/workers/claim"
readonly queue="${SLUICE_QUEUE:-default-queue}" wait_ms="${SLUICE_WAIT_MS:-5000}" tries_max=20 answer_sec=30
readonly worker_id="${HOSTNAME:-bash}-$$"
stopping=0 work=

main() {
  trap 'stop' TERM INT
  local body="{\"workerId\":\"$worker_id\",\"queue\":\"$queue\",\"maxTasks\":1,\"waitMs\":$wait_ms}"
  while ((stopping == 0)); do
    # Repeated under its key, a claim whose answer was lost answers the task it was handed.
    until_answered "$claim_url" "$SLUICE_TOKEN" "$body" "$worker_id-$(date +%s%N)-$RANDOM" || continue
    [[ $status == 2?? ]] || { say "claim was refused: $status $(member message 1 <<<"$answer")"; exit 1; }
    [[ -z $(member taskId 3 <<<"$answer") ]] || work_on "$answer" "$@"
  done
}

# work_on CLAIM COMMAND [ARG…]: one attempt, from its start until its end is reported.
work_on() {
  local task_key attempt attempt_id task_token callbacks every beats folder claimed="$1"
  shift
  task_key=$(field taskKey) attempt=$(field attempt) attempt_id=$(field attemptId) task_token=$(field taskToken)
  callbacks="$(field callbackBaseUrl)/v1/callbacks/$(field taskId)"
  every=$(beat_every "$(field heartbeatTimeoutSec)")
  folder=$(mktemp -d)
  if report started && [[ $status == 2?? ]]; then
    start_work "$@"
    beat & beats=$!
    while [[ ! -e $folder/code ]] && kill -0 "$work" 2>/dev/null; do wait "$work"; done
    complete
    kill -- "-$beats" 2>/dev/null
    wait "$beats" 2>/dev/null
  else
    say "start was refused: $status"
  fi
  work=
  rm -rf "$folder"
}

start_work() {
  say started
  (
    trap : TERM
    SLUICE_TASK_KEY=$task_key SLUICE_ATTEMPT=$attempt SLUICE_RUN_ID=$(field runId) \
      SLUICE_PARTITION_KEY=$(field partitionKey) SLUICE_TOKEN='' \
      "$@" </dev/null >"$folder/output" 2>"$folder/errors"
    echo "$?" >"$folder/code"
  ) &
  work=$!
}

# Beats until it is killed, also while the end is reported; $folder/stop says why the command was stopped.
beat() {
  trap - TERM INT
  while sleep "$every"; do
    ask "$callbacks/heartbeat" "$task_token" "{$(identity)}"
    case $status in
      2??) if [[ $(member shouldCancel 1 <<<"$answer") == true ]]; then stop_work "$(member cancelReason 1 <<<"$answer")"; fi ;;
      401 | 403 | 404 | 409 | 410) stop_work unwanted ;;
      *) say "heartbeat failed: $status" ;;
    esac
  done
}

# Tells the command once; when nobody wants its result and it has not stopped by the next beat, it is killed.
stop_work() {
  case $(stopped_by)/$1 in
    unwanted/*) kill -KILL -- "-$work" 2>/dev/null ;;
    /* | */unwanted)
      echo "${1:-user_requested}" >"$folder/stop"
      kill -TERM -- "-$work" 2>/dev/null
      ;;
  esac
}

complete() {
  local code ending
  code=$(cat "$folder/code" 2>/dev/null || echo 137)
  cat "$folder/errors" >&2
  case $(stopped_by)/$code in
    unwanted/*) say 'is left: it is not wanted any more'; return ;;
    */0) ending="\"outcome\":\"SUCCEEDED\",\"output\":$(output)" ;;
    user_requested/* | run_timed_out/*) ending='"outcome":"CANCELLED"' ;;
    */65) ending=$(failed DATA_QUALITY) ;;
    */75) ending=$(failed INFRASTRUCTURE) ;;
    */78) ending=$(failed CONFIGURATION) ;;
    *) if ((stopping > 1)); then ending=$(failed INFRASTRUCTURE); else ending=$(failed USER_CODE); fi ;;
  esac
  report completed "$ending"
  if [[ $status == 400 || $status == 413 ]]; then
    echo "the report was refused: $(member message 1 <<<"$answer")" >"$folder/errors"
    report completed "$(failed USER_CODE)"
  fi
  say "ended ($code), reported: $status"
}

output() {
  if [[ -s $folder/output ]]; then cat "$folder/output"; else echo '{}'; fi
}

stopped_by() { cat "$folder/stop" 2>/dev/null; }

failed() { echo "\"outcome\":\"FAILED\",\"error\":{\"category\":\"$1\",\"message\":\"$(last_error)\"}"; }

# The last line of standard error as the inside of a JSON string.
last_error() {
  tail -n 1 "$folder/errors" | cut -c1-1000 | iconv -c -f utf-8 -t utf-8 | tr -d '\000-\037' |
    sed 's/\\/\\\\/g; s/"/\\"/g'
}

# report KIND [MEMBERS]: repeated until it is answered; the server takes it once.
report() { until_answered "$callbacks/$1" "$task_token" "{$(identity)${2:+,$2}}"; }

identity() { echo "\"attempt\":$attempt,\"attemptId\":\"$attempt_id\",\"workerId\":\"$worker_id\""; }

beat_every() {
  local every=$((${1:-300} / 5))
  echo "${SLUICE_BEAT_SEC:-$((every < 5 ? 5 : every > 60 ? 60 : every))}"
}

# until_answered URL TOKEN BODY [KEY]: asks up to twenty times, 1 to 30 seconds apart; fails when nobody answers.
until_answered() {
  local tries pause=1
  for ((tries = 1; tries <= tries_max; tries++)); do
    ask "$@"
    case $status in 408 | 429 | 5?? | 000) ;; *) return 0 ;; esac
    say "$1 was not answered: $status"
    ((stopping < 3)) || return 1
    sleep "$pause" & wait $!
    pause=$((pause < 16 ? pause * 2 : 30))
  done
  return 1
}

# ask URL TOKEN BODY [KEY]: sets status, 000 without an answer, and answer. No secret stands among the arguments of
# curl, where other users of the machine would see it.
ask() {
  local reply
  if reply=$(curl --silent --max-time $((answer_sec + wait_ms / 1000)) --write-out '\n%{http_code}' \
    --header @<(printf 'authorization: Bearer %s\ncontent-type: application/json\n' "$2"
      printf '%s' "${4:+idempotency-key: $4}") \
    --data-binary @- "$1" <<<"$3"); then
    status=${reply##*$'\n'} answer=${reply%$'\n'*}
  else
    # Also when half an answer came.
    status=000 answer=
  fi
}

field() { member "$1" 3 <<<"$claimed"; }

# member NAME DEPTH: the first member of that name so many brackets deep, of the JSON text on standard input. Strings
# come without quotes and with their escapes, so that they can stand in JSON again.
member() {
  awk -v name="$1" -v want="$2" '
    { text = text $0 "\n" }
    END {
      for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        if (c == "{" || c == "[") depth++
        if (c == "}" || c == "]") depth--
        if (c != "\"") continue
        word = string(i); i += length(word) + 1
        rest = substr(text, i + 1)
        if (depth != want || word != name || !match(rest, /^[ \t\r\n]*:[ \t\r\n]*/)) continue
        at = i + 1 + RLENGTH
        if (substr(text, at, 1) == "\"") print string(at)
        else { match(substr(text, at), /^[^],} \t\r\n]*/); print substr(text, at, RLENGTH) }
        exit
      }
    }
    # What stands between the quote at a place and the one that closes it.
    function string(from,    to, c) {
      for (to = from + 1; (c = substr(text, to, 1)) != "\"" && c != ""; to++) if (c == "\\") to++
      return substr(text, from + 1, to - from - 1)
    }'
}

stop() {
  stopping=$((stopping + 1))
  if ((stopping > 1)) && [[ -n $work ]]; then kill -TERM -- "-$work" 2>/dev/null; fi
}

say() { echo "worker: ${task_key:-} ${attempt:+attempt $attempt }$1" >&2; }

main "$@"
