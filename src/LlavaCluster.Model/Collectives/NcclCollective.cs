using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Collectives;

/// <summary>
/// Ranks on GPUs. Calls put work on torch's current stream and return; the host does not wait for it. A lost rank would make that work
/// wait for ever: <see cref="Abort"/>, from any thread, ends it with results that mean nothing, which is why who reads them asks
/// <see cref="ThrowIfAborted"/> first. Tensors in host memory are for libraries that compute there, as our tests' own does; then a call
/// returns when it is done.
/// </summary>
/// <remarks>
/// No call of NCCL blocks (the communicator is made so), therefore one lock orders them all: after the communicator is destroyed nobody
/// can touch it.
/// </remarks>
public sealed unsafe class NcclCollective : ICollective
{
    /// <summary>ncclSum and ncclUint8.</summary>
    private const int Sum = 0;
    private const int ByteType = 1;

    private static readonly TimeSpan WatchEvery = TimeSpan.FromMilliseconds(20);

    private readonly NcclLibrary _nccl;
    private readonly AbortFlag _aborted = new();
    private readonly object _gate = new();
    private readonly ITimer _watch;
    private nint _comm;

    private NcclCollective(NcclLibrary nccl, int rank, int ranks, TimeProvider time)
    {
        (_nccl, Rank, Ranks) = (nccl, rank, ranks);
        _watch = time.CreateTimer(_ => Watch(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc/>
    public int Ranks { get; }

    /// <inheritdoc/>
    public int Rank { get; }

    /// <summary>Meets the other ranks. Blocks; each rank calls it on its engine thread.</summary>
    /// <param name="nccl">The library.</param>
    /// <param name="id">From <see cref="NcclLibrary.NewId"/> of one rank; the same on all.</param>
    /// <param name="rank">This rank.</param>
    /// <param name="ranks">All ranks.</param>
    /// <param name="patience">How long to wait for the others.</param>
    /// <param name="time">Clock of the wait and of looking for errors.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="gpu">Number of the rank's GPU, which becomes the thread's current one; null: it is.</param>
    /// <exception cref="NcclException">NCCL refuses; says why.</exception>
    /// <exception cref="CollectiveAbortedException">The others did not come in time, or the wait was ended.</exception>
    public static NcclCollective Join(
        NcclLibrary nccl,
        ReadOnlySpan<byte> id,
        int rank,
        int ranks,
        TimeSpan patience,
        TimeProvider time,
        CancellationToken cancellationToken = default,
        int? gpu = null)
    {
        if (id.Length != NcclLibrary.IdBytes)
        {
            throw new ArgumentException($"An NCCL id has {NcclLibrary.IdBytes} bytes; this one has {id.Length}.", nameof(id));
        }

        if (gpu is { } device)
        {
            CudaStream.UseDevice(device);
        }

        var joined = new NcclCollective(nccl, rank, ranks, time);
        try
        {
            using var stop = cancellationToken.Register(() => joined.Abort($"rank {rank} was stopped while the ranks met."));
            joined.Init(id, patience, time);
            joined._watch.Change(WatchEvery, WatchEvery);
            return joined;
        }
        catch
        {
            joined.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void AllReduceSum(Tensor tensor) => InPlace(tensor, dense =>
        _nccl.AllReduce(Data(dense), Data(dense), (nint)dense.NumberOfElements, NumberType(dense), Sum, _comm, Stream(dense)), "ncclAllReduce");

    /// <inheritdoc/>
    public void Broadcast(Tensor tensor, int root) => InPlace(tensor, dense =>
        _nccl.Broadcast(Data(dense), Data(dense), Bytes(dense), ByteType, root, _comm, Stream(dense)), "ncclBroadcast");

    /// <inheritdoc/>
    public Tensor AllGather(Tensor local, IReadOnlyList<long> lengths)
    {
        try
        {
            using var scope = NewDisposeScope();
            var shape = local.shape;
            if (lengths.Count != Ranks || shape.Length == 0 || shape[^1] != lengths[Rank])
            {
                throw new ArgumentException(
                    $"Rank {Rank} of {Ranks} gathers a tensor [{string.Join(", ", shape)}] as one of lengths [{string.Join(", ", lengths)}].",
                    nameof(lengths));
            }

            var parts = lengths.All(length => length == lengths[0]) ? GatherEven(local) : GatherUneven(local, shape, lengths);
            return cat(parts, -1).MoveToOuterDisposeScope();
        }
        catch (Exception error) when (error is not CollectiveAbortedException)
        {
            throw Failed(error);
        }
    }

    /// <inheritdoc/>
    public void Abort(string reason)
    {
        if (!_aborted.TrySet(reason))
        {
            return;
        }

        lock (_gate)
        {
            if (_comm != 0)
            {
                _ = _nccl.CommAbort(_comm);
                _comm = 0;
            }
        }
    }

    /// <inheritdoc/>
    public void ThrowIfAborted()
    {
        Watch();
        _aborted.ThrowIfSet();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _watch.Dispose();
        if (!_aborted.TrySet($"rank {Rank} has left."))
        {
            return;
        }

        lock (_gate)
        {
            if (_comm == 0)
            {
                return;
            }

            // What is enqueued is let run out by finalize; a rank that others have left cannot run out and is aborted.
            var result = _nccl.CommFinalize(_comm);
            for (var began = Stopwatch.GetTimestamp(); result == NcclResult.InProgress && Stopwatch.GetElapsedTime(began).TotalSeconds < 1;)
            {
                Thread.Yield();
                _ = _nccl.CommGetAsyncError(_comm, &result);
            }

            _ = result == NcclResult.Success ? _nccl.CommDestroy(_comm) : _nccl.CommAbort(_comm);
            _comm = 0;
        }
    }

    private static void* Data(Tensor tensor) => TensorMemory.Of(tensor);

    private static nint Bytes(Tensor tensor) => (nint)(tensor.NumberOfElements * tensor.ElementSize);

    private static bool IsFine(int result) => result is NcclResult.Success or NcclResult.InProgress;

    private static nint Stream(Tensor tensor) => tensor.device_type == DeviceType.CUDA ? CudaStream.Current(tensor.device_index) : 0;

    /// <summary>ncclDataType_t of numbers that are summed.</summary>
    private static int NumberType(Tensor tensor) => tensor.dtype switch
    {
        ScalarType.Float16 => 6,
        ScalarType.Float32 => 7,
        ScalarType.BFloat16 => 9,
        var type => throw new ArgumentException($"Tensors of type {type} are not summed over ranks; Float32, BFloat16 and Float16 are."),
    };

    private void Init(ReadOnlySpan<byte> id, TimeSpan patience, TimeProvider time)
    {
        NcclLibrary.UniqueId unique;
        id.CopyTo(new Span<byte>(&unique, NcclLibrary.IdBytes));
        var config = NcclLibrary.Config.NotBlocking;
        lock (_gate)
        {
            _aborted.ThrowIfSet();
            nint comm = 0;
            var result = _nccl.CommInitRankConfig(&comm, Ranks, unique, Rank, &config);
            _comm = comm;
            _nccl.Check(result, 0, "ncclCommInitRankConfig");
        }

        var began = time.GetTimestamp();
        while (IsBusy("ncclCommInitRankConfig"))
        {
            Thread.Yield();
            if (time.GetElapsedTime(began) > patience)
            {
                Abort($"rank {Rank} waited {patience.TotalSeconds:0.#} s for the others to join NCCL's {Ranks} ranks.");
            }
        }
    }

    private void InPlace(Tensor tensor, Func<Tensor, int> call, string name)
    {
        try
        {
            if (tensor.is_contiguous())
            {
                Call(() => call(tensor), name);
                return;
            }

            using var dense = tensor.contiguous();
            Call(() => call(dense), name);
            tensor.copy_(dense);
        }
        catch (Exception error) when (error is not CollectiveAbortedException)
        {
            throw Failed(error);
        }
    }

    private Tensor[] GatherEven(Tensor local)
    {
        var dense = local.contiguous();
        var all = empty([Ranks, .. dense.shape], dense.dtype, dense.device); // [ranks, …, length]
        Call(() => _nccl.AllGather(Data(dense), Data(all), Bytes(dense), ByteType, _comm, Stream(dense)), "ncclAllGather");
        return all.unbind(0);
    }

    /// <summary>NCCL gathers equal parts only: here every rank is the root of its own broadcast, all in one launch.</summary>
    private Tensor[] GatherUneven(Tensor local, long[] shape, IReadOnlyList<long> lengths)
    {
        var parts = new Tensor[Ranks];
        for (var rank = 0; rank < Ranks; rank++)
        {
            shape[^1] = lengths[rank];
            parts[rank] = rank == Rank ? local.contiguous() : empty(shape, local.dtype, local.device);
        }

        Call(() => BroadcastAll(parts), "ncclBroadcast");
        return parts;
    }

    private int BroadcastAll(Tensor[] parts)
    {
        _nccl.Check(_nccl.GroupStart(), 0, "ncclGroupStart");
        var result = NcclResult.Success;
        for (var rank = 0; rank < Ranks && IsFine(result); rank++)
        {
            result = _nccl.Broadcast(Data(parts[rank]), Data(parts[rank]), Bytes(parts[rank]), ByteType, rank, _comm, Stream(parts[rank]));
        }

        var ended = _nccl.GroupEnd();
        return IsFine(result) ? ended : result;
    }

    /// <summary>One call of NCCL, and, since it may only be accepted so far, until it is enqueued.</summary>
    private void Call(Func<int> call, string name)
    {
        lock (_gate)
        {
            _aborted.ThrowIfSet();
            _nccl.Check(call(), _comm, name);
        }

        for (var wait = new SpinWait(); IsBusy(name);)
        {
            wait.SpinOnce(sleep1Threshold: -1);
        }
    }

    private bool IsBusy(string call)
    {
        lock (_gate)
        {
            _aborted.ThrowIfSet();
            int state;
            _nccl.Check(_nccl.CommGetAsyncError(_comm, &state), _comm, "ncclCommGetAsyncError");
            _nccl.Check(state, _comm, call);
            return state == NcclResult.InProgress;
        }
    }

    /// <summary>Looks for errors that came after a call: of a rank that is gone, while the engine waits for the GPU.</summary>
    private void Watch()
    {
        string? failure = null;
        lock (_gate)
        {
            int state;
            if (_comm != 0 && !_aborted.IsSet && _nccl.CommGetAsyncError(_comm, &state) == NcclResult.Success
                && state is not (NcclResult.Success or NcclResult.InProgress))
            {
                failure = _nccl.Describe(state, _comm);
            }
        }

        if (failure is not null)
        {
            Abort($"NCCL on rank {Rank}: {failure}.");
        }
    }

    /// <summary>The other ranks must not wait for a call that this one could not make.</summary>
    private Exception Failed(Exception error)
    {
        Abort($"rank {Rank} failed: {error.Message.Split('\n')[0]}");
        return error is NcclException ? new CollectiveAbortedException($"rank {Rank} failed: {error.Message}.") : error;
    }
}
