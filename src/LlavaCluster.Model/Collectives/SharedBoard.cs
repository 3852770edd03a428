using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace LlavaCluster.Model.Collectives;

/// <summary>
/// Memory that the ranks' processes share: for each rank a count of the exchanges that it has laid its part on the table for, and two
/// tables in turn. A rank that begins exchange k + 2 on the first table again has seen all counts at k + 1, so all have read what
/// exchange k left there: one meeting per exchange is enough. Before each part stands what it is, for the others to check.
/// </summary>
internal sealed unsafe class SharedBoard : IDisposable
{
    private const string Folder = "/dev/shm";
    private const uint Magic = 0x4c4c5642;
    private const int Line = 64;
    private const int Tables = 2;

    // | head: magic, ranks, bytes of a part | per rank a line: count, sleepers | per rank twice: what the part is, the part |
    private readonly MemoryMappedFile _file;
    private readonly SafeMemoryMappedViewHandle _view;
    private readonly byte* _memory;
    private readonly int _ranks;
    private readonly int _rank;

    private SharedBoard(FileStream stream, int rank, int ranks, int partBytes)
    {
        (_rank, _ranks, PartBytes) = (rank, ranks, partBytes);
        _file = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: false);
        var accessor = _file.CreateViewAccessor();
        _view = accessor.SafeMemoryMappedViewHandle;
        _view.AcquirePointer(ref _memory);
    }

    /// <summary>Most bytes of a rank's part of one exchange.</summary>
    public int PartBytes { get; }

    /// <summary>Where the part of each rank lies in this exchange.</summary>
    public byte* Part(int rank, uint exchange) =>
        (byte*)Label(rank, exchange) + Line;

    /// <summary>What the part of each rank is in this exchange.</summary>
    public PeerMessage* Label(int rank, uint exchange) =>
        (PeerMessage*)(_memory + Head(_ranks) + ((((long)rank * Tables) + (exchange % Tables)) * (Line + PartBytes)));

    /// <summary>Rank 0 makes the board; the others open it by the name that this gives. Only this user can.</summary>
    public static SharedBoard Create(int ranks, int partBytes, out string name)
    {
        // A whole number of lines, so that no two ranks write to one.
        partBytes = (partBytes + Line - 1) / Line * Line;
        name = $"llava-{Guid.NewGuid():N}";
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        var stream = new FileStream(Path.Combine(Folder, name), options);
        try
        {
            stream.SetLength(Size(ranks, partBytes));
            var board = new SharedBoard(stream, 0, ranks, partBytes);
            var head = (uint*)board._memory;
            (head[0], head[1], head[2]) = (Magic, (uint)ranks, (uint)partBytes);
            return board;
        }
        catch
        {
            stream.Dispose();
            Delete(name);
            throw;
        }
    }

    /// <summary>Opens the board that rank 0 has made.</summary>
    /// <exception cref="IOException">There is no such board here: the ranks are not on one machine.</exception>
    public static SharedBoard Open(string name, int rank, int ranks, int partBytes)
    {
        partBytes = (partBytes + Line - 1) / Line * Line;
        var path = Path.Combine(Folder, Path.GetFileName(name));
        if (!File.Exists(path))
        {
            throw new FileNotFoundException(
                $"Rank {rank} finds no shared memory {path} of rank 0. Ranks share memory on one machine only: turn it off for this replica.");
        }

        var stream = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        if (stream.Length is var length && length != Size(ranks, partBytes))
        {
            stream.Dispose();
            throw new InvalidDataException(
                $"Shared memory {path} has {length} bytes; rank {rank} expects {Size(ranks, partBytes)}. Give all ranks the same options.");
        }

        var board = new SharedBoard(stream, rank, ranks, partBytes);
        var head = (uint*)board._memory;
        if (head[0] != Magic || head[1] != ranks || head[2] != partBytes)
        {
            board.Dispose();
            throw new InvalidDataException($"Shared memory {path} is not the board of {ranks} ranks with {partBytes} bytes each.");
        }

        return board;
    }

    /// <summary>Takes the name away once all have opened it: the memory goes with the last process, however that ends.</summary>
    public static void Delete(string name) => File.Delete(Path.Combine(Folder, Path.GetFileName(name)));

    /// <summary>This rank's part of the exchange is on the table.</summary>
    public void Lay(in PeerMessage label)
    {
        var exchange = label.Call;
        *Label(_rank, exchange) = label;
        var count = Count(_rank);
        Volatile.Write(ref *count, exchange);
        // The count must be out before the sleepers are looked at: a rank that goes to sleep does it the other way round.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref count[1]) != 0)
        {
            Libc.WakeAll(count);
        }
    }

    /// <summary>Waits, at most <paramref name="atMost"/> after spinning, until the rank's part of the exchange is on the table.</summary>
    /// <returns>Whether it is.</returns>
    public bool Wait(int rank, uint exchange, TimeSpan spin, TimeSpan atMost)
    {
        var count = Count(rank);
        if (HasCome(count, exchange))
        {
            return true;
        }

        if (spin > TimeSpan.Zero)
        {
            for (var began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < spin;)
            {
                for (var i = 0; i < 16; i++)
                {
                    Thread.SpinWait(4);
                    if (HasCome(count, exchange))
                    {
                        return true;
                    }
                }
            }
        }

        Interlocked.Increment(ref count[1]);
        var seen = Volatile.Read(ref *count);
        if (unchecked((int)(seen - exchange)) < 0)
        {
            Libc.WaitWhile(count, seen, atMost);
        }

        Interlocked.Decrement(ref count[1]);
        return HasCome(count, exchange);
    }

    /// <summary>Wakes whoever sleeps on any rank's count, so that it looks around.</summary>
    public void WakeAll()
    {
        for (var rank = 0; rank < _ranks; rank++)
        {
            Libc.WakeAll(Count(rank));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _view.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }

    private uint* Count(int rank) => (uint*)(_memory + Line + (rank * Line));

    private static bool HasCome(uint* count, uint exchange) => unchecked((int)(Volatile.Read(ref *count) - exchange)) >= 0;

    private static long Head(int ranks) => Line + ((long)Line * ranks);

    private static long Size(int ranks, int partBytes) => Head(ranks) + ((long)ranks * Tables * (Line + partBytes));
}
