using System.Runtime.InteropServices;

namespace LlavaCluster.Model.Collectives;

/// <summary>The entry points of one NCCL library, by their names in nccl.h. Opened once per path and kept for the process's life.</summary>
public sealed unsafe class NcclLibrary
{
    /// <summary>Bytes of an <see cref="UniqueId"/>.</summary>
    public const int IdBytes = 128;

    private const string SystemName = "libnccl.so.2";

    internal readonly delegate* unmanaged<int*, int> GetVersion;
    internal readonly delegate* unmanaged<UniqueId*, int> GetUniqueId;
    internal readonly delegate* unmanaged<nint*, int, UniqueId, int, Config*, int> CommInitRankConfig;
    internal readonly delegate* unmanaged<nint, int> CommFinalize;
    internal readonly delegate* unmanaged<nint, int> CommDestroy;
    internal readonly delegate* unmanaged<nint, int> CommAbort;
    internal readonly delegate* unmanaged<nint, int*, int> CommGetAsyncError;
    internal readonly delegate* unmanaged<void*, void*, nint, int, int, nint, nint, int> AllReduce;
    internal readonly delegate* unmanaged<void*, void*, nint, int, nint, nint, int> AllGather;
    internal readonly delegate* unmanaged<void*, void*, nint, int, int, nint, nint, int> Broadcast;
    internal readonly delegate* unmanaged<int> GroupStart;
    internal readonly delegate* unmanaged<int> GroupEnd;
    private readonly delegate* unmanaged<int, byte*> _getErrorString;
    private readonly delegate* unmanaged<nint, byte*> _getLastError;

    private NcclLibrary(nint library, string path)
    {
        nint Entry(string name) => NativeLibrary.TryGetExport(library, name, out var address)
            ? address
            : throw new DllNotFoundException($"{path} has no {name}: it is not NCCL, or older than 2.14, which knows ranks that do not block.");
        Path = path;
        GetVersion = (delegate* unmanaged<int*, int>)Entry("ncclGetVersion");
        GetUniqueId = (delegate* unmanaged<UniqueId*, int>)Entry("ncclGetUniqueId");
        CommInitRankConfig = (delegate* unmanaged<nint*, int, UniqueId, int, Config*, int>)Entry("ncclCommInitRankConfig");
        CommFinalize = (delegate* unmanaged<nint, int>)Entry("ncclCommFinalize");
        CommDestroy = (delegate* unmanaged<nint, int>)Entry("ncclCommDestroy");
        CommAbort = (delegate* unmanaged<nint, int>)Entry("ncclCommAbort");
        CommGetAsyncError = (delegate* unmanaged<nint, int*, int>)Entry("ncclCommGetAsyncError");
        AllReduce = (delegate* unmanaged<void*, void*, nint, int, int, nint, nint, int>)Entry("ncclAllReduce");
        AllGather = (delegate* unmanaged<void*, void*, nint, int, nint, nint, int>)Entry("ncclAllGather");
        Broadcast = (delegate* unmanaged<void*, void*, nint, int, int, nint, nint, int>)Entry("ncclBroadcast");
        GroupStart = (delegate* unmanaged<int>)Entry("ncclGroupStart");
        GroupEnd = (delegate* unmanaged<int>)Entry("ncclGroupEnd");
        _getErrorString = (delegate* unmanaged<int, byte*>)Entry("ncclGetErrorString");
        _getLastError = (delegate* unmanaged<nint, byte*>)Entry("ncclGetLastError");
        int version;
        Check(GetVersion(&version), 0, "ncclGetVersion");
        Version = version;
    }

    /// <summary>What was opened.</summary>
    public string Path { get; }

    /// <summary>Major · 10,000 + minor · 100 + patch: 22809 is 2.28.9.</summary>
    public int Version { get; }

    /// <summary>Opens the library.</summary>
    /// <param name="path">A file; null: libnccl.so.2 where the system, or torch's own folder, has it.</param>
    /// <exception cref="DllNotFoundException">It is not there, or not NCCL; says what to do.</exception>
    public static NcclLibrary Open(string? path = null)
    {
        var found = path is null
            ? NativeLibrary.TryLoad(SystemName, typeof(NcclLibrary).Assembly, null, out var library)
            : NativeLibrary.TryLoad(path, out library);
        return found
            ? new NcclLibrary(library, path ?? SystemName)
            : throw new DllNotFoundException(
                $"NCCL is not found as {path ?? SystemName}. Ranks on GPUs need it: install NVIDIA's package libnccl2, or put the folder "
                + "of torch's copy (nvidia/nccl/lib) on LD_LIBRARY_PATH.");
    }

    /// <summary>A new id, by which ranks find each other: one rank draws it, all get the same bytes.</summary>
    public byte[] NewId()
    {
        UniqueId id;
        Check(GetUniqueId(&id), 0, "ncclGetUniqueId");
        return new ReadOnlySpan<byte>(&id, IdBytes).ToArray();
    }

    /// <summary>Fails unless the result is success, or under way.</summary>
    /// <exception cref="NcclException">What NCCL says about it.</exception>
    internal void Check(int result, nint comm, string call)
    {
        if (result is not (NcclResult.Success or NcclResult.InProgress))
        {
            throw new NcclException($"{call}: {Describe(result, comm)}");
        }
    }

    internal string Describe(int result, nint comm)
    {
        var what = Marshal.PtrToStringUTF8((nint)_getErrorString(result)) ?? "unknown";
        var last = Marshal.PtrToStringUTF8((nint)_getLastError(comm));
        return string.IsNullOrWhiteSpace(last) ? $"{what} ({result})" : $"{what} ({result}): {last.Trim()}";
    }

    /// <summary>ncclUniqueId; passed by value.</summary>
    internal struct UniqueId
    {
        public fixed byte Bytes[IdBytes];
    }

    /// <summary>ncclConfig_t up to the fields of 2.18, whose size every later library takes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Config
    {
        private const uint Known = 0xcafebeef;
        private const int Unset = int.MinValue;

        public nint Size;
        public uint Magic;
        public uint Version;
        public int Blocking;
        public int CgaClusterSize;
        public int MinCtas;
        public int MaxCtas;
        public nint NetName;
        public int SplitShare;

        /// <summary>Calls return at once, so that a lost rank can be aborted instead of holding this one for ever.</summary>
        public static Config NotBlocking => new()
        {
            Size = sizeof(Config),
            Magic = Known,
            Version = 21800,
            Blocking = 0,
            CgaClusterSize = Unset,
            MinCtas = Unset,
            MaxCtas = Unset,
            SplitShare = Unset,
        };
    }
}

/// <summary>ncclResult_t, as far as we tell them apart.</summary>
internal static class NcclResult
{
    public const int Success = 0;
    public const int InProgress = 7;
}

/// <summary>NCCL refuses a call, or has failed.</summary>
public sealed class NcclException(string message) : Exception(message);
