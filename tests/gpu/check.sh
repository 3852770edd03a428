#!/usr/bin/env bash
# The engine on a GPU: Model.Tests on cuda, then the benchmark table at 7B in bfloat16.
#
#   tests/gpu/check.sh --pack        on a machine with the SDK: makes tests/gpu/out/llava-gpu.tar.xz, which travels with the checkout
#   tests/gpu/check.sh               on a Linux machine with an NVIDIA GPU and a CUDA libtorch: unpacks that and runs it
#
#   --torch DIR      folder of libtorch_cuda.so; else that of the torch of python3 on the PATH
#   --device NAME    cuda, cuda:1, …; cpu rehearses everything on a CPU, with a CPU libtorch
#   --only tests|table
#   --tests NAME     tests with NAME in their full name, or, with - before it, without; may be given several times
#   --rows NAME      rows of the table; may be given several times
#   --kernels NAME   torch or fast: who computes the language model in the table; else what the device has by default
#   --quick          the table with small shapes and few rounds: no 14 GB are written
#   --data DIR       where synthetic checkpoints are kept (14 GB for the whole table)
#   --pack-file FILE the packed programs
#
# Needs neither SDK nor NuGet there. Exit code 0: all is well; 1: a test failed or a goal is missed; 2: it could not be run, the last line says why.
set -uo pipefail
export PATH=$PATH:/usr/sbin:/sbin # ldconfig
cd "$(dirname "$0")/../.."
repository=$PWD

fail() { echo "check.sh: $*" >&2; exit 2; }
say() { echo "[$(date +%H:%M:%S)] $*"; }

pack=false device=cuda torch="" only="" quick=false data="${TMPDIR:-/tmp}/llava-bench" kernels="" file=tests/gpu/out/llava-gpu.tar.xz
parts=() rows=()
value() { [ $# -ge 2 ] && [ -n "$2" ] || fail "$1 needs a value."; }
while [ $# -gt 0 ]; do
    case $1 in
        --pack) pack=true; shift ;;
        --quick) quick=true; shift ;;
        --torch) value "$@"; torch=$2; shift 2 ;;
        --device) value "$@"; device=$2; shift 2 ;;
        --only) value "$@"; only=$2; shift 2 ;;
        --tests) value "$@"; parts+=("$2"); shift 2 ;;
        --rows) value "$@"; rows+=("$2"); shift 2 ;;
        --kernels) value "$@"; kernels=$2; shift 2 ;;
        --data) value "$@"; data=$2; shift 2 ;;
        --pack-file) value "$@"; file=$2; shift 2 ;;
        -h | --help) sed -n '2,19p' "$0" | cut -c3-; exit 0 ;;
        *) fail "unknown flag $1; --help tells them." ;;
    esac
done
case $only in "" | tests | table) ;; *) fail "--only takes tests or table, not $only." ;; esac
scratch=$(mktemp -d "${TMPDIR:-/tmp}/llava-gpu.XXXXXX") || fail "no folder for temporary files."
trap 'rm -rf "$scratch"' EXIT

# What the two programs load. Everything else in their output folders belongs to parts of the benchmarks that need a silo.
wanted=('LlavaCluster.*' TorchSharp.dll SkiaSharp.dll System.CommandLine.dll Google.Protobuf.dll ICSharpCode.SharpZipLib.dll
    Microsoft.ML.Tokenizers.dll 'xunit.a*.dll' xunit.core.dll xunit.execution.dotnet.dll libLibTorchSharp.so libSkiaSharp.so '*.c' '*.h')
# Debuggers' parts of the runtime, and its largest libraries that nothing here uses.
spare=(libmscordaccore.so libmscordbi.so libclrgc.so libclrgcexp.so libcoreclrtraceptprovider.so createdump 'Microsoft.VisualBasic*.dll'
    System.Private.DataContractSerialization.dll System.Data.Common.dll System.Linq.AsyncEnumerable.dll Microsoft.CSharp.dll)

if $pack; then
    command -v dotnet >/dev/null || fail "--pack needs the .NET SDK 10 on the PATH."
    command -v xz >/dev/null || fail "--pack needs xz (Debian: apt-get install xz-utils)."
    stage=$scratch/llava-gpu
    mkdir -p "$stage/app" "$stage/dotnet" "$(dirname "$file")"
    for project in LlavaCluster.Model.Tests LlavaCluster.Benchmarks; do
        say "building $project"
        dotnet build -c Release "tests/$project" >"$scratch/log" 2>&1 || { tail -20 "$scratch/log" >&2; fail "$project does not build."; }
        output=tests/$project/bin/Release/net10.0/linux-x64
        for name in "${wanted[@]}"; do
            for found in "$output"/$name; do
                case $found in
                    *.pdb | *.xml | *.deps.json | *.runtimeconfig.json | */LlavaCluster.Grains.dll) ;;
                    *) [ ! -f "$found" ] || cp "$found" "$stage/app/" ;;
                esac
            done
        done
        [ -f "$stage/app/$project.dll" ] || fail "$output has no $project.dll."
    done
    # One runtime for both; the benchmarks of the silo, which want ASP.NET too, stay behind.
    for project in LlavaCluster.Model.Tests LlavaCluster.Benchmarks; do
        cp tests/LlavaCluster.Model.Tests/bin/Release/net10.0/linux-x64/LlavaCluster.Model.Tests.runtimeconfig.json "$stage/app/$project.runtimeconfig.json"
    done
    root=$(dirname "$(readlink -f "$(command -v dotnet)")")
    version=$(dotnet --list-runtimes | sed -n 's/^Microsoft\.NETCore\.App \(10\.[0-9.]*\) .*/\1/p' | tail -1)
    [ -n "$version" ] || fail "dotnet has no runtime 10: $(dotnet --list-runtimes | tr '\n' ' ')"
    mkdir -p "$stage/dotnet/host/fxr" "$stage/dotnet/shared/Microsoft.NETCore.App"
    cp "$root/dotnet" "$stage/dotnet/"
    cp -r "$root/host/fxr/$version" "$stage/dotnet/host/fxr/"
    cp -r "$root/shared/Microsoft.NETCore.App/$version" "$stage/dotnet/shared/Microsoft.NETCore.App/"
    (cd "$stage/dotnet/shared/Microsoft.NETCore.App/$version" && for name in "${spare[@]}"; do rm -f $name; done)
    git rev-parse HEAD >"$stage/commit" 2>/dev/null || echo unknown >"$stage/commit"
    say "packing $(du -sm "$stage" | cut -f1) MB (.NET $version)"
    tar -C "$scratch" --sort=name --owner=0 --group=0 --numeric-owner -cf - llava-gpu | xz -9 >"$file" || fail "could not write $file."
    bytes=$(stat -c %s "$file")
    say "$file: $(awk "BEGIN { printf \"%.1f\", $bytes / 1e6 }") MB"
    [ "$bytes" -le 35000000 ] || fail "that is more than the 35 MB that may travel."
    exit 0
fi

# 1. The GPU.
if [ "$device" = cpu ]; then
    say "no GPU is used: a rehearsal on the CPU"
else
    command -v nvidia-smi >/dev/null || fail "no NVIDIA driver: nvidia-smi is not on the PATH. A rehearsal without a GPU: --device cpu."
    gpus=$(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>&1) && [ -n "$gpus" ] ||
        fail "no GPU: nvidia-smi says: ${gpus:-nothing}."
    say "GPU: $(echo "$gpus" | tr '\n' ';')"
fi

# 2. What the system must have.
[ "$(uname -sm)" = "Linux x86_64" ] || fail "Linux on x86_64 is needed, this is $(uname -sm)."
library() { ldconfig -p 2>/dev/null | sed -n "s/^[[:space:]]*$1 .*x86-64.* => //p" | head -1; }
cxx=$(library 'libstdc++\.so\.6')
[ -n "$cxx" ] || fail "libstdc++.so.6 is missing (Debian: apt-get install libstdc++6)."
grep -q GLIBCXX_3.4.30 "$cxx" || fail "$cxx lacks GLIBCXX_3.4.30, which libLibTorchSharp.so needs: Debian 12, Ubuntu 22.04 or later has it."
[ -n "$(library 'libssl\.so\.3')$(library 'libssl\.so\.1\.1')" ] || fail "OpenSSL's libssl is missing: .NET hashes with it (Debian: apt-get install libssl3)."

# 3. libtorch.
if [ -z "$torch" ]; then
    torch=$(python3 -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0] + "/lib")' 2>/dev/null) ||
        fail "no libtorch: python3 on the PATH has no torch. Name the folder of libtorch_cuda.so: --torch DIR."
fi
for name in libtorch.so libtorch_cpu.so libc10.so $([ "$device" = cpu ] || echo libtorch_cuda.so libc10_cuda.so); do
    [ -e "$torch/$name" ] || fail "$torch has no $name: $([ "$device" = cpu ] && echo "no" || echo "no CUDA") libtorch. Name another: --torch DIR."
done
version=$(cat "$torch/../version.py" 2>/dev/null | sed -n "s/^__version__ *= *'\(.*\)'/\1/p"; cat "$torch/../build-version" 2>/dev/null)
case ${version:-unknown} in
    unknown) say "libtorch: $torch, of unknown version; 2.10 or later is needed" ;;
    [01].* | 2.[0-9] | 2.[0-9].*) fail "libtorch in $torch is $version; TorchSharp 0.107 needs 2.10 or later." ;;
    *) say "libtorch: $version in $torch" ;;
esac
# The CUDA libraries of a Python torch lie beside it; a libtorch of its own has them in its folder.
libraries=$torch
for folder in "$torch"/../../nvidia/*/lib; do
    [ ! -d "$folder" ] || libraries=$libraries:$folder
done
export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

# 4. The programs.
[ -f "$file" ] || fail "$file is missing. Make it on a machine with the SDK: tests/gpu/check.sh --pack"
say "unpacking $file ($(($(stat -c %s "$file") / 1000000)) MB)"
if command -v xz >/dev/null; then
    tar -C "$scratch" -xJf "$file" || fail "$file cannot be unpacked."
else
    python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$file" "$scratch" ||
        fail "$file cannot be unpacked: neither xz nor a python3 with lzma is here."
fi
app=$scratch/llava-gpu/app
here=$(git rev-parse HEAD 2>/dev/null || echo unknown)
[ "$here" = "$(cat "$scratch/llava-gpu/commit")" ] || say "note: packed at $(cut -c1-9 "$scratch/llava-gpu/commit"), the checkout is at ${here:0:9}"
export DOTNET_ROOT=$scratch/llava-gpu/dotnet DOTNET_HOST_PATH=$scratch/llava-gpu/dotnet/dotnet DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
export DOTNET_EnableDiagnostics=0 LLAVA_REPOSITORY=$repository LLAVA_TEST_DEVICE=$device

# 5. Does it load at all? Says what the loader misses, before anything else looks like a failed test.
say "loading libtorch"
"$DOTNET_HOST_PATH" exec "$app/LlavaCluster.Model.Tests.dll" test TorchLoadsTests >"$scratch/log" 2>&1 || {
    cat "$scratch/log" >&2
    LD_BIND_NOW=1 ldd -r "$app/libLibTorchSharp.so" 2>&1 | grep -E '=> not found|undefined symbol' | head -10 >&2
    fail "TorchSharp does not run over the libtorch in $torch (see above)."
}

code=0
if [ "$only" != table ]; then
    # Two kinds of tests need what a bare machine may lack, and neither has to do with GPUs.
    command -v gcc >/dev/null || { say "note: no gcc, so tests of NCCL's binding over a C library of ours are left out"; parts+=(-NcclCollective); }
    [ -n "$(find /usr/share/fonts /usr/local/share/fonts "$HOME/.fonts" \( -name '*.ttf' -o -name '*.otf' \) -print -quit 2>/dev/null)" ] ||
        { say "note: no fonts, so tests of training and drawing are left out"; parts+=(-Tests.Training); }
    say "Model.Tests on $device"
    "$DOTNET_HOST_PATH" exec "$app/LlavaCluster.Model.Tests.dll" test ${parts[@]+"${parts[@]}"}
    ended=$?
    [ $ended -le 1 ] || fail "the tests ended with exit code $ended."
    [ $ended -eq 0 ] || code=1
fi
if [ "$only" != tests ]; then
    say "the table on $device, checkpoints in $data"
    table() {
        "$app/LlavaCluster.Benchmarks" table --device "$device" --data "$data" $($quick && echo --quick) "$@"
        ended=$?
        [ $ended -le 1 ] || fail "the table ended with exit code $ended."
        [ $ended -eq 0 ] || code=1
    }
    table ${kernels:+--kernels "$kernels"} ${rows[@]+--only "${rows[@]}"}
    if [ -z "$kernels" ] && [ ${#rows[@]} -eq 0 ] && [ "$device" != cpu ]; then
        say "answers once more, with our own kernel for their attention"
        table --kernels fast --only decode-128 decode-2928 decode-16
    fi
fi
say "done: $([ $code -eq 0 ] && echo "all is well" || echo "a test failed or a goal is missed (see above)")"
exit $code
